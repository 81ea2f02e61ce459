/** What clients ask of a table's schema and state, as the routes take it. Unknown fields are refused. */
import { z } from "zod";
import { ColumnDefault } from "./schemas.ts";

/** Longest text of one field, in characters. */
const MAX_TEXT_CHARS = 65_536;
/** Columns of one new table. */
const MAX_COLUMNS = 10_000;
const MAX_FIELDS = 1_000;

const table = z.string().min(1).max(1_100).describe("namespace.table or catalog.namespace.table");
const dryRun = z.boolean().default(false).describe("tell what would be done, and change nothing");
const column = z.string().min(1).max(MAX_TEXT_CHARS)
  .describe("place.lat for a field of a struct; `a.b` in backticks where a dot is part of it");
const type = z.string().min(1).max(MAX_TEXT_CHARS)
  .describe("Spark SQL's, in any case: STRING, decimal(10,2), array<int>, struct<a: int>");
const comment = z.string().max(MAX_TEXT_CHARS);

/** Fields that place a column; at most one of them is given. */
const position = {
  first: z.boolean().nullish().describe("put it before all others of its struct"),
  after: column.nullish(),
  before: column.nullish(),
};

interface Placed {
  readonly first?: boolean | null | undefined;
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

function isPlacedOnce({ first, after, before }: Placed): boolean {
  const given = [first === true, typeof after === "string", typeof before === "string"];
  return given.filter(Boolean).length <= 1;
}

const ONE_PLACE = { path: ["after"], message: "Expected only one of first, after and before" };

/** Body of `POST /api/evolve/add-column`. */
export const AddColumnRequest = z.strictObject({
  table,
  name: column,
  type,
  nullable: z.boolean().default(true)
    .describe("false takes a default, and format version 3"),
  comment: comment.nullish(),
  default: ColumnDefault.nullish()
    .describe("value of rows that exist, and of those written without one; format version 3"),
  ...position,
  dry_run: dryRun,
}).refine(isPlacedOnce, ONE_PLACE).meta({ id: "AddColumnRequest" });
export type AddColumnRequest = z.infer<typeof AddColumnRequest>;

/** Body of `POST /api/evolve/rename-column`. */
export const RenameColumnRequest = z.strictObject({
  table,
  old_name: column,
  new_name: column,
  dry_run: dryRun,
}).meta({ id: "RenameColumnRequest" });
export type RenameColumnRequest = z.infer<typeof RenameColumnRequest>;

/** Body of `POST /api/evolve/drop-column`. */
export const DropColumnRequest = z.strictObject({
  table,
  name: column,
  dry_run: dryRun,
}).meta({ id: "DropColumnRequest" });
export type DropColumnRequest = z.infer<typeof DropColumnRequest>;

/** Body of `POST /api/evolve/update-column`; what is left out stays as it is. */
export const UpdateColumnRequest = z.strictObject({
  table,
  name: column,
  type: type.nullish().describe("a wider type: bigint for int, double for float, more digits"),
  nullable: z.boolean().nullish(),
  comment: comment.nullable().optional().describe("null takes the comment away"),
  default: ColumnDefault.nullable().optional()
    .describe("for rows written from now on, null for none; format version 3"),
  ...position,
  dry_run: dryRun,
}).refine(isPlacedOnce, ONE_PLACE).refine(
  ({ type, nullable, comment, default: value, first, after, before }) =>
    [type, nullable, after, before].some((part) => part !== null && part !== undefined) ||
    comment !== undefined || value !== undefined || first === true,
  {
    path: ["name"],
    message:
      "Expected something to change: type, nullable, comment, default, first, after or before",
  },
).meta({ id: "UpdateColumnRequest" });
export type UpdateColumnRequest = z.infer<typeof UpdateColumnRequest>;

/** Body of `POST /api/rollback`. */
export const RollbackRequest = z.strictObject({
  table,
  snapshot_id: z.union([
    z.string().regex(/^\d{1,19}$/, "Expected a snapshot id in digits"),
    z.int().nonnegative().transform(String),
  ], "Expected a snapshot id: digits as text, or a number up to 2^53")
    .describe("an ancestor of the current snapshot"),
  dry_run: dryRun,
}).meta({ id: "RollbackRequest" });
export type RollbackRequest = z.infer<typeof RollbackRequest>;

/** Body of `POST /api/tables`. */
export const CreateTableRequest = z.strictObject({
  table,
  schema: z.array(z.strictObject({
    name: z.string().min(1).max(MAX_TEXT_CHARS),
    type,
    nullable: z.boolean().default(true),
    comment: comment.nullish(),
    default: ColumnDefault.nullish()
      .describe("value of rows that are written without one; format version 3"),
  })).min(1).max(MAX_COLUMNS),
  partition_by: z.array(z.string().min(1).max(MAX_TEXT_CHARS)).max(MAX_FIELDS).default([])
    .describe("for example day(ts), bucket(16, id), truncate(4, name), region, day(ts) as d"),
  sort_order: z.array(z.string().min(1).max(MAX_TEXT_CHARS)).max(MAX_FIELDS).default([])
    .describe("for example ts desc nulls last"),
  identifier_columns: z.array(column).max(MAX_FIELDS).default([])
    .describe("required columns that identify a row"),
  properties: z.record(z.string().max(MAX_TEXT_CHARS), z.string().max(MAX_TEXT_CHARS)).default({})
    .describe("table properties, all of them text"),
  format_version: z.union([z.literal(1), z.literal(2), z.literal(3)], "Expected 1, 2 or 3")
    .default(2),
  dry_run: dryRun,
}).meta({ id: "CreateTableRequest" });
export type CreateTableRequest = z.infer<typeof CreateTableRequest>;

/** What `DELETE /api/table/{t}` asks for. */
export interface DropTableRequest {
  readonly table: string;
  /** Delete the files of the table too. */
  readonly purge: boolean;
  readonly dry_run: boolean;
}
