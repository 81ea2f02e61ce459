/** Parquet's door, for isolates only: files read by row group and written by row group. */
export { initParquet } from "./wasm/instance.ts";
export {
  openParquetFile,
  type OpenParquetOptions,
  type ParquetChunk,
  type ParquetRowGroup,
  ParquetSource,
  type ReadRowGroupOptions,
} from "./read/parquet_source.ts";
export { leavesBelow, type ParquetNode, type ParquetSchema } from "./footer/schema_tree.ts";
