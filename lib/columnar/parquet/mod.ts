/** Parquet's door, for isolates only: files read by row group and written by row group. */
export { initParquet, wasmMemoryBytes } from "./wasm/instance.ts";
export {
  openParquetFile,
  type OpenParquetOptions,
  type ParquetChunk,
  type ParquetRowGroup,
  ParquetSource,
  type ReadRowGroupOptions,
} from "./read/parquet_source.ts";
export { leavesBelow, type ParquetNode, type ParquetSchema } from "./footer/schema_tree.ts";
export { type EncodeOptions, encodeRowGroup } from "./write/encode_row_group.ts";
export type { EncodedMetadata, EncodedRowGroup } from "./write/encoded_row_group.ts";
export {
  type AssembledFile,
  type AssemblerOptions,
  ParquetAssembler,
} from "./write/parquet_assembler.ts";
export { type WriteSettings, writeSettings } from "./write/write_settings.ts";
export {
  type MetricsConfig,
  metricsConfig,
  type MetricsMode,
  positionDeleteMetrics,
} from "./metrics/metrics_config.ts";
export { type FileMetrics, fileMetrics } from "./metrics/file_metrics.ts";
export type { LeafStats } from "./metrics/leaf_stats.ts";
export {
  type CopyableOptions,
  copyRowGroup,
  type CopyRowGroupOptions,
  isCopyable,
  type RowGroupCopy,
} from "./transcode/copy_row_group.ts";
export {
  planTranscode,
  type TranscodeOptions,
  type TranscodePlan,
} from "./transcode/plan_transcode.ts";
export {
  type TranscodeInput,
  transcodeRowGroups,
  type TranscodeRowGroupsOptions,
} from "./transcode/transcode_row_groups.ts";
