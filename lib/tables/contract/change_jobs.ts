/** The jobs that change tables, as the main isolate asks for them. */
import { z } from "zod";
import { TableLocationSchema } from "../../catalog/load/mod.ts";
import { defineJob } from "../../jobs/mod.ts";
import { ColumnReceipt, DropTableReceipt, RollbackReceipt } from "./change_receipts.ts";
import { ColumnDefault } from "./schemas.ts";

const location = TableLocationSchema;
const dryRun = z.boolean();
const type = z.string();
const position = z.union([
  z.object({ kind: z.literal("first") }),
  z.object({ kind: z.enum(["after", "before"]), column: z.string() }),
]);

/** One change of a schema; types are text, as clients wrote them. */
export const ColumnChange = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("add"),
    name: z.string(),
    type,
    required: z.boolean(),
    doc: z.string().nullable(),
    defaultValue: ColumnDefault.nullable(),
    position: position.optional(),
  }),
  z.object({ kind: z.literal("rename"), name: z.string(), newName: z.string() }),
  z.object({ kind: z.literal("drop"), name: z.string() }),
  z.object({
    kind: z.literal("update"),
    name: z.string(),
    type: type.optional(),
    required: z.boolean().optional(),
    doc: z.string().nullable().optional(),
    writeDefault: ColumnDefault.nullable().optional(),
    position: position.optional(),
  }),
]);
export type ColumnChange = z.infer<typeof ColumnChange>;

/** Parameters of {@linkcode evolveJob}. */
export const EvolveParams = z.object({ location, dryRun, change: ColumnChange });
export type EvolveParams = z.infer<typeof EvolveParams>;

/** Changes one column of a table. */
export const evolveJob = defineJob({
  name: "evolve",
  params: EvolveParams,
  result: ColumnReceipt,
  lane: "short",
});

/** Parameters of {@linkcode rollbackJob}. */
export const RollbackParams = z.object({
  location,
  dryRun,
  /** In decimal. */
  snapshotId: z.string(),
});
export type RollbackParams = z.infer<typeof RollbackParams>;

/** Makes an earlier snapshot the current one. */
export const rollbackJob = defineJob({
  name: "rollback",
  params: RollbackParams,
  result: RollbackReceipt,
  lane: "short",
});

/** Parameters of {@linkcode purgeTableJob}. */
export const PurgeTableParams = z.object({ location, dryRun });
export type PurgeTableParams = z.infer<typeof PurgeTableParams>;

/** Takes a table out of its catalog and deletes its files. */
export const purgeTableJob = defineJob({
  name: "purge-table",
  params: PurgeTableParams,
  result: DropTableReceipt,
});
