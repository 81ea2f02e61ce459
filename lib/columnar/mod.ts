/** Columnar data's door, for isolates only: Arrow, Parquet, and tables read and written as rows. */
export { arrowSchema, fieldIdOf } from "./arrow/arrow_schema.ts";
export {
  concatBatches,
  filterRows,
  gatherRows,
  makeBatch,
  type RowMask,
  sliceBatch,
  takeRows,
} from "./arrow/batch.ts";
export { batchBytes } from "./arrow/batch_bytes.ts";
export { castColumn } from "./arrow/cast_column.ts";
export { checkColumn } from "./arrow/check_column.ts";
export type { Exactness } from "./arrow/check_exact.ts";
export { BatchBuilder } from "./arrow/column_builder.ts";
export { type ColumnFault, inputFault } from "./arrow/column_error.ts";
export { plainBatch } from "./arrow/plain.ts";
export { compareKeys, concatKeys, type RowKeys } from "./arrow/row_keys.ts";
export { type ValueReader, valueReader } from "./arrow/value_reader.ts";
export { DeleteLoader, type DeleteLoaderOptions } from "./table/deletes/delete_loader.ts";
export {
  FILE_COLUMN,
  LAST_UPDATED_COLUMN,
  METADATA_FIELD_IDS,
  partitionColumn,
  POSITION_COLUMN,
  ROW_ID_COLUMN,
  ROW_LINEAGE_COLUMNS,
  SPEC_ID_COLUMN,
} from "./table/metadata_columns.ts";
export { compileProjection, type Projection } from "./table/project_batch.ts";
export { NameProjection, type NameProjectionOptions } from "./table/project_by_name.ts";
export { matchingRows } from "./table/matching_rows.ts";
export { readAhead, type ReadAheadOptions } from "./table/read_ahead.ts";
export { type ReadTable, readTask, type ReadTaskOptions } from "./table/read_task.ts";
export { DataFileWriter, type DataFileWriterOptions } from "./table/data_file_writer.ts";
export { installedEncodeRowsTask, rowEncoder } from "./table/encode_rows.ts";
export { dataFolder, FileLocations } from "./table/write/file_locations.ts";
export { PartitionRouter, type PartitionRows } from "./table/write/partition_router.ts";
export {
  DEFAULT_CHANGES_BYTES,
  readChanges,
  type ReadChangesOptions,
  type RowChanges,
} from "./table/changes/read_changes.ts";
export {
  DEFAULT_DELETED_ROWS,
  deleteRows,
  type DeleteRowsOptions,
  type PreparedDeletes,
} from "./table/find_rows/delete_rows.ts";
export {
  findRows,
  type FindRowsOptions,
  type FoundRows,
  type TableState,
} from "./table/find_rows/find_rows.ts";
export { DEFAULT_KEY_BYTES, KeyBag, type KeyBagOptions } from "./table/keys/key_bag.ts";
export {
  DEFAULT_HELD_BYTES,
  LatestRows,
  type LatestRowsOptions,
} from "./table/keys/latest_rows.ts";
export { sortKeys } from "./table/sort/sort_keys.ts";
export { type KeyMaker, sortOrderKeys } from "./table/sort/sort_order_keys.ts";
export { zOrderKeys, type ZOrderOptions } from "./table/sort/z_order_keys.ts";
export {
  DeletionVectorWriter,
  type DeletionVectorWriterOptions,
  type WrittenVectors,
} from "./table/deletion_vector_writer.ts";
export {
  type DeleteTarget,
  type DeleteWriterOptions,
  PositionDeleteWriter,
} from "./table/position_delete_writer.ts";
