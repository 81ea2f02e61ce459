/**
 * Reads the live rows of a data file as a scan planned it: projected to the reader's schema, deletes
 * applied, row groups that hold no row of the filter left out.
 *
 *     for await (const task of planFiles(...)) {
 *       for await (const batch of readTask(task, { io, metadata, schema, deletes })) ...
 *     }
 */
import type { RecordBatch } from "apache-arrow";
import { type BoundExpression, referencedFieldIds } from "../../iceberg/expression/bound.ts";
import { alwaysTrue } from "../../iceberg/expression/expression.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import type { FileScanTask } from "../../iceberg/scan/plan_files.ts";
import { nameMappingOf } from "../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import type { NestedField } from "../../iceberg/spec/types.ts";
import { filterRows } from "../arrow/batch.ts";
import { countBits } from "../arrow/bitmap.ts";
import { DeleteLoader } from "./deletes/delete_loader.ts";
import { loadRowFilter } from "./deletes/load_row_filter.ts";
import { type NeededColumn, neededColumn } from "./needed_column.ts";
import { taskRows } from "./_task_rows.ts";

/** Share of a batch's rows that are most of them. */
const MOST = 0.5;

/** What reading needs to know of a table. */
export type ReadTable = Pick<
  TableMetadata,
  "schemas" | "currentSchemaId" | "properties" | "formatVersion"
>;

/** Options of {@linkcode readTask}. */
export interface ReadTaskOptions {
  readonly io: FileIo;
  readonly metadata: ReadTable;
  /** The schema that the filter of the scan was bound to, and that rows are read with. */
  readonly schema: Schema;
  /**
   * What comes out, in order: fields of `schema` (structs may be cut to some of their fields) and
   * metadata columns (`metadata_columns.ts`); all fields of `schema` by default.
   */
  readonly fields?: readonly NestedField[];
  /** Shared by all tasks of a table, so that delete files are read once; its own by default. */
  readonly deletes?: DeleteLoader;
  /**
   * `rows` (default): only rows that match the task's residual. For callers who test rows themselves:
   * `most_rows`, where few do not match they come too, which is cheaper than to leave them out;
   * `row_groups`, the residual leaves out row groups and nothing else.
   */
  readonly residual?: "rows" | "most_rows" | "row_groups";
  /** Row groups to read, by number; all by default. */
  readonly rowGroups?: readonly number[];
  /** Rows of a batch, at most. */
  readonly batchRows?: number;
  /** Decoded bytes at a time, of Parquet files; a reader with little memory has less of them. */
  readonly windowBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The rows of one task. Batches have the Arrow form of the fields and at least one row. Nothing is
 * read before the first is asked for. Errors are `corrupt_data`, `unsupported` (ORC, encryption),
 * `cancelled`, and those of `io`.
 */
export async function* readTask(
  task: FileScanTask,
  options: ReadTaskOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { io, metadata, schema, signal } = options;
  if (task.residual.kind === "constant" && !task.residual.value) return;
  const filter = await loadRowFilter(task, {
    loader: options.deletes ??
      new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) }),
    schemas: schemasToSearch(schema, metadata),
    residual: residualOfRows(task, options),
    signal,
  });
  for await (const { batch, live: [bits = null] } of taskRows(task, [filter], options)) {
    const live = bits === null || isMostLive(task, bits, { batch, residual: options.residual })
      ? batch
      : filterRows(batch, { bits });
    if (live.numRows > 0) yield live;
  }
}

/** Whether the rows that do not match may as well stay. */
function isMostLive(
  { deletes }: FileScanTask,
  bits: Uint8Array,
  { batch, residual }: {
    readonly batch: RecordBatch;
    readonly residual: ReadTaskOptions["residual"];
  },
): boolean {
  // Rows that are deleted are dead to everybody.
  if (residual !== "most_rows" || deletes.length > 0) return false;
  const length = batch.numRows;
  return countBits(bits, { at: 0, length }) > length * MOST;
}

function residualOfRows(
  task: FileScanTask,
  { residual = "rows", schema }: ReadTaskOptions,
): { readonly expression: BoundExpression; readonly columns: readonly NeededColumn[] } {
  const expression = residual === "row_groups" ? alwaysTrue : task.residual;
  const columns = [...referencedFieldIds(expression)].map((id) => {
    const column = neededColumn([schema], id);
    if (column === null) throw new TypeError(`Cannot find column ${id} of a filter in its schema`);
    return column;
  });
  return { expression, columns };
}

/** The reader's schema, then the current one, then the others from the newest on. */
export function schemasToSearch(schema: Schema, metadata: ReadTable): readonly Schema[] {
  const { schemas, currentSchemaId } = metadata;
  const current = schemas.filter(({ schemaId }) => schemaId === currentSchemaId);
  return [schema, ...current, ...schemas.toReversed()];
}
