/**
 * Reads the live rows of a data file as a scan planned it: projected to the reader's schema, deletes
 * applied, row groups that hold no row of the filter left out.
 *
 *     for await (const task of planFiles(...)) {
 *       for await (const batch of readTask(task, { io, metadata, schema, deletes })) ...
 *     }
 */
import type { Data, RecordBatch } from "apache-arrow";
import { type BoundExpression, referencedFieldIds } from "../../iceberg/expression/bound.ts";
import { alwaysTrue } from "../../iceberg/expression/expression.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import type { FileScanTask } from "../../iceberg/scan/plan_files.ts";
import { nameMappingOf } from "../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField } from "../../iceberg/spec/types.ts";
import { arrowSchema } from "../arrow/arrow_schema.ts";
import { filterRows, makeBatch } from "../arrow/batch.ts";
import { fillBits, newBitmap } from "../arrow/bitmap.ts";
import { DeleteLoader } from "./deletes/delete_loader.ts";
import { loadRowFilter } from "./deletes/load_row_filter.ts";
import { clearDeadRows, type FilterAtWork, keepsAll } from "./deletes/row_filter.ts";
import { METADATA_FIELD_IDS, partitionColumnValue } from "./metadata_columns.ts";
import { type NeededColumn, neededColumn } from "./needed_column.ts";
import { readProjected } from "./read_projected.ts";
import { openRowSource } from "./row_source.ts";

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
   * `rows` (default): only rows that match the task's residual. `row_groups`: the residual leaves
   * out row groups and nothing else, for callers who test rows themselves.
   */
  readonly residual?: "rows" | "row_groups";
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
  const { io, metadata, schema, signal, fields = schema.fields } = options;
  if (task.residual.kind === "constant" && !task.residual.value) return;
  const nameMapping = nameMappingOf(metadata.properties);
  const filter = await loadRowFilter(task, {
    loader: options.deletes ?? new DeleteLoader({ io, nameMapping }),
    schemas: schemasToSearch(schema, metadata),
    residual: residualOfRows(task, options),
    signal,
  });
  const source = await openRowSource(io, task.dataFile, { signal });
  const needed = neededColumns(filter);
  const rows = readProjected(source, [...fields, ...needed.map(({ field }) => field)], {
    nameMapping,
    file: {
      location: task.dataFile.filePath,
      constants: constantsOf(task, fields),
      firstRowId: metadata.formatVersion >= 3 ? task.dataFile.firstRowId : null,
      sequenceNumber: task.sequenceNumber,
    },
    read: {
      prune: { filter: task.residual, schema },
      rowGroups: options.rowGroups,
      batchRows: options.batchRows,
      windowBytes: options.windowBytes,
      signal,
    },
  });
  const output = arrowSchema({ fields });
  for await (const { batch, firstPosition } of rows) {
    const columns = batch.data.children.slice(0, fields.length);
    const own = makeBatch(output, columns, { length: batch.numRows });
    const live = keepsAll(filter.parts)
      ? own
      : filterRows(own, { bits: liveRows(batch, firstPosition, { filter, needed, fields }) });
    if (live.numRows > 0) yield live;
  }
}

interface LiveRowsOptions {
  readonly filter: FilterAtWork;
  readonly needed: readonly NeededColumn[];
  readonly fields: readonly NestedField[];
}

function liveRows(batch: RecordBatch, firstPosition: number, options: LiveRowsOptions): Uint8Array {
  const { filter, needed, fields } = options;
  const length = batch.numRows;
  const columns = new Map<number, Data>();
  needed.forEach(({ id }, at) => {
    const column = batch.data.children[fields.length + at];
    if (column !== undefined) columns.set(id, column);
  });
  const keep = newBitmap(length);
  fillBits(keep, { at: 0, length });
  clearDeadRows(keep, { firstPosition, length, columns }, filter);
  return keep;
}

/** Columns that the filter reads, each once. */
function neededColumns({ parts, residualColumns }: FilterAtWork): readonly NeededColumn[] {
  const all = [...residualColumns, ...parts.equality.flatMap(({ columns }) => columns)];
  return [...new Map(all.map((column) => [column.id, column])).values()];
}

function residualOfRows(
  task: FileScanTask,
  { residual = "rows", schema }: ReadTaskOptions,
): { readonly expression: BoundExpression; readonly columns: readonly NeededColumn[] } {
  const expression = residual === "rows" ? task.residual : alwaysTrue;
  const columns = [...referencedFieldIds(expression)].map((id) => {
    const column = neededColumn([schema], id);
    if (column === null) throw new TypeError(`Cannot find column ${id} of a filter in its schema`);
    return column;
  });
  return { expression, columns };
}

/** The reader's schema, then the current one, then the others from the newest on. */
function schemasToSearch(schema: Schema, metadata: ReadTable): readonly Schema[] {
  const { schemas, currentSchemaId } = metadata;
  const current = schemas.filter(({ schemaId }) => schemaId === currentSchemaId);
  return [schema, ...current, ...schemas.toReversed()];
}

/** Values that are the same in the whole file: identity partitions and metadata columns. */
function constantsOf(
  { dataFile, spec }: FileScanTask,
  fields: readonly NestedField[],
): ReadonlyMap<number, IcebergValue> {
  const constants = new Map<number, IcebergValue>();
  spec.fields.forEach(({ transform, sourceIds }, at) => {
    const [sourceId] = sourceIds;
    const value = dataFile.partition[at];
    if (transform.kind !== "identity" || sourceId === undefined || value === undefined) return;
    constants.set(sourceId, value);
  });
  constants.set(METADATA_FIELD_IDS.specId, dataFile.specId);
  const partition = fields.find(({ id }) => id === METADATA_FIELD_IDS.partition);
  if (partition?.type.kind === "struct") {
    const value = partitionColumnValue(partition.type, { spec, partition: dataFile.partition });
    constants.set(METADATA_FIELD_IDS.partition, value);
  }
  return constants;
}
