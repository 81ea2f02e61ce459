/** The rows of a data file, with those that are live under one set of deletes or several. */
import type { Data, RecordBatch } from "apache-arrow";
import type { FileScanTask } from "../../iceberg/scan/plan_files.ts";
import { nameMappingOf } from "../../iceberg/spec/name_mapping.ts";
import type { IcebergValue, NestedField } from "../../iceberg/spec/types.ts";
import { arrowSchema } from "../arrow/arrow_schema.ts";
import { makeBatch } from "../arrow/batch.ts";
import { fillBits, newBitmap } from "../arrow/bitmap.ts";
import type { PositionRange } from "./deletes/deleted_positions.ts";
import { clearDeadRows, type FilterAtWork, keepsAll } from "./deletes/row_filter.ts";
import { METADATA_FIELD_IDS, partitionColumnValue } from "./metadata_columns.ts";
import type { NeededColumn } from "./needed_column.ts";
import { readProjected } from "./read_projected.ts";
import type { ReadTaskOptions } from "./read_task.ts";
import { openRowSource } from "./row_source.ts";

/** Options of {@linkcode taskRows}. */
export interface TaskRowsOptions extends ReadTaskOptions {
  /** Whether rows of these positions are wanted; others may come nevertheless. All by default. */
  readonly holds?: (range: PositionRange) => boolean;
}

/** A batch of the fields with all of its rows. */
export interface TaskBatch {
  readonly batch: RecordBatch;
  /** The live rows under each of the filters; null where they are all live. */
  readonly live: readonly (Uint8Array | null)[];
}

/** The rows of a task's file, each tested by all filters. */
export async function* taskRows(
  task: FileScanTask,
  filters: readonly FilterAtWork[],
  options: TaskRowsOptions,
): AsyncGenerator<TaskBatch, void, undefined> {
  const { io, metadata, schema, signal, fields = schema.fields } = options;
  const source = await openRowSource(io, task.dataFile, { signal });
  const needed = neededColumns(filters);
  const rows = readProjected(source, [...fields, ...needed.map(({ field }) => field)], {
    nameMapping: nameMappingOf(metadata.properties),
    file: {
      location: task.dataFile.filePath,
      constants: constantsOf(task, fields),
      firstRowId: metadata.formatVersion >= 3 ? task.dataFile.firstRowId : null,
      sequenceNumber: task.sequenceNumber,
    },
    read: {
      prune: { filter: task.residual, schema },
      rowGroups: options.rowGroups,
      holds: options.holds,
      batchRows: options.batchRows,
      windowBytes: options.windowBytes,
      signal,
    },
  });
  const output = arrowSchema({ fields });
  for await (const { batch, firstPosition } of rows) {
    const columns = batch.data.children.slice(0, fields.length);
    const live = filters.map((filter) =>
      keepsAll(filter.parts) ? null : liveRows(batch, firstPosition, { filter, needed, fields })
    );
    yield { batch: makeBatch(output, columns, { length: batch.numRows }), live };
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

/** Columns that the filters read, each once. */
function neededColumns(filters: readonly FilterAtWork[]): readonly NeededColumn[] {
  const all = filters.flatMap(({ parts, residualColumns }) => [
    ...residualColumns,
    ...parts.equality.flatMap(({ columns }) => columns),
  ]);
  return [...new Map(all.map((column) => [column.id, column])).values()];
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
