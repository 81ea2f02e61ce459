/** Settings as the encoder takes them. */
import type { WriterProperties } from "parquet-wasm/esm";
import { compatibleName } from "../../../iceberg/manifest/avro_schema_json.ts";
import type { NestedField } from "../../../iceberg/spec/types.ts";
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

/** Options of {@linkcode writerProperties}. */
export interface WriterPropertiesOptions {
  /** Top-level columns of the file. */
  readonly fields: readonly NestedField[];
  readonly own: Own;
}

/** Builds the encoder's settings. */
export function writerProperties(
  wasm: ParquetWasm,
  settings: WriteSettings,
  { fields, own }: WriterPropertiesOptions,
): WriterProperties {
  // Every call consumes the builder and gives out the next.
  let builder = new wasm.WriterPropertiesBuilder()
    .setCompression(wasm.Compression[CODECS[settings.codec]])
    .setDataPageSizeLimit(settings.pageSizeBytes)
    .setDictionaryPageSizeLimit(settings.dictionarySizeBytes)
    .setMaxRowGroupSize(ALL_ROWS)
    .setStatisticsEnabled(wasm.EnabledStatistics.Page)
    .setWriterVersion(wasm.WriterVersion[settings.pageVersion === "v2" ? "V2" : "V1"]);
  for (const column of settings.columnsWithoutDictionary.flatMap(spellings)) {
    builder = builder.setColumnDictionaryEnabled(column, false);
  }
  for (const column of settings.columnsWithoutStatistics.flatMap(spellings)) {
    builder = builder.setColumnStatisticsEnabled(column, wasm.EnabledStatistics.None);
  }
  // Pages of version 2 would hold them as runs, which Iceberg's vectorized reader in Spark refuses.
  const booleans = fields.filter(({ type }) => type.kind === "boolean");
  for (const column of booleans.flatMap(({ name }) => spellings(name))) {
    builder = builder.setColumnEncoding(column, wasm.Encoding.PLAIN);
  }
  return own(builder.build());
}

/** Rows come under the names of the table, row groups that are written anew under those of files. */
function spellings(name: string): readonly string[] {
  return [...new Set([name, compatibleName(name)])];
}
