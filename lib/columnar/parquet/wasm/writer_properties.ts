/** Settings as the encoder takes them. */
import type { WriterProperties } from "parquet-wasm/esm";
import type { WriteCodec, WriteSettings } from "../write/write_settings.ts";
import type { Own, ParquetWasm } from "./instance.ts";

/** Codecs by the names that the package gives them. */
const CODECS = {
  uncompressed: "UNCOMPRESSED",
  snappy: "SNAPPY",
  gzip: "GZIP",
  brotli: "BROTLI",
  lz4_raw: "LZ4_RAW",
  zstd: "ZSTD",
} as const satisfies Record<WriteCodec, string>;

/** Rows of a row group at most: whatever is handed over becomes one row group. */
const ALL_ROWS = 2 ** 31 - 1;

/** Builds the encoder's settings. */
export function writerProperties(
  wasm: ParquetWasm,
  settings: WriteSettings,
  own: Own,
): WriterProperties {
  // Every call consumes the builder and gives out the next.
  let builder = new wasm.WriterPropertiesBuilder()
    .setCompression(wasm.Compression[CODECS[settings.codec]])
    .setDataPageSizeLimit(settings.pageSizeBytes)
    .setDictionaryPageSizeLimit(settings.dictionarySizeBytes)
    .setMaxRowGroupSize(ALL_ROWS)
    .setStatisticsEnabled(wasm.EnabledStatistics.Page)
    .setWriterVersion(wasm.WriterVersion[settings.pageVersion === "v2" ? "V2" : "V1"]);
  for (const column of settings.columnsWithoutDictionary) {
    builder = builder.setColumnDictionaryEnabled(column, false);
  }
  for (const column of settings.columnsWithoutStatistics) {
    builder = builder.setColumnStatisticsEnabled(column, wasm.EnabledStatistics.None);
  }
  return own(builder.build());
}
