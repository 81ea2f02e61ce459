/**
 * Statistics of a Parquet row group in the form of a data file's metrics, so that the matchers that
 * prune files prune row groups too. What a statistic means depends on the physical type and its
 * unit; what is not certain counts as unknown.
 */
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { Type } from "../../iceberg/spec/types.ts";
import type { ParquetChunk, ParquetNode, ParquetRowGroup, ParquetSource } from "../parquet/mod.ts";

type Bounds = { readonly lower: Uint8Array | null; readonly upper: Uint8Array | null };

/** The columns of `schema` in a row group, by field id; those of files without ids are unknown. */
export function chunkFacts(
  source: ParquetSource,
  group: ParquetRowGroup,
  schema: Schema,
): DataFile {
  const valueCounts = new Map<number, number>();
  const nullValueCounts = new Map<number, number>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  for (const { node } of source.schema.leaves) {
    const chunk = group.chunks[node.leafIndex ?? -1];
    const { fieldId } = node;
    const type = fieldId === null ? undefined : schema.findById(fieldId)?.field.type;
    // Inside lists and maps, statistics speak of items, not of rows.
    if (fieldId === null || type === undefined || chunk === undefined) continue;
    if (node.maxRepetitionLevel > 0) continue;
    const { statistics, numValues } = chunk.metaData;
    valueCounts.set(fieldId, numValues);
    const nulls = statistics?.nullCount ?? null;
    if (nulls !== null && nulls >= 0) nullValueCounts.set(fieldId, nulls);
    const { lower, upper } = boundsOf(node, chunk, type);
    if (lower !== null) lowerBounds.set(fieldId, lower);
    if (upper !== null) upperBounds.set(fieldId, upper);
  }
  return {
    content: "data",
    filePath: source.location,
    fileFormat: "parquet",
    specId: 0,
    partition: [],
    recordCount: group.rowCount,
    fileSizeInBytes: source.sizeBytes,
    columnSizes: null,
    valueCounts,
    nullValueCounts,
    nanValueCounts: null,
    lowerBounds,
    upperBounds,
    keyMetadata: null,
    splitOffsets: null,
    equalityIds: null,
    sortOrderId: null,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
  };
}

const NO_BOUNDS: Bounds = { lower: null, upper: null };

/** Bounds in single-value serialization (spec Appendix D). */
function boundsOf(node: ParquetNode, chunk: ParquetChunk, type: Type): Bounds {
  const { statistics } = chunk.metaData;
  if (statistics === null || statistics.minValue === null || statistics.maxValue === null) {
    return NO_BOUNDS;
  }
  if (!speaksOf(node, type)) return NO_BOUNDS;
  const { minValue, maxValue } = statistics;
  const { physicalType } = node;
  // Decimals in integers are little-endian in Parquet and big-endian in Iceberg; all else is alike.
  const isReversed = type.kind === "decimal" &&
    (physicalType === "INT32" || physicalType === "INT64");
  return isReversed
    ? { lower: minValue.toReversed(), upper: maxValue.toReversed() }
    : { lower: minValue, upper: maxValue };
}

/** Whether a leaf's plain values are values of `type`, or of one that was promoted to it. */
function speaksOf({ physicalType, logicalType, typeLength }: ParquetNode, type: Type): boolean {
  const meaning = logicalType?.kind;
  const isPlain = meaning === undefined;
  const isInteger = isPlain || (logicalType?.kind === "integer" && logicalType.isSigned);
  const unit = logicalType?.kind === "time" || logicalType?.kind === "timestamp"
    ? logicalType.unit
    : null;
  switch (type.kind) {
    case "boolean":
      return physicalType === "BOOLEAN" && isPlain;
    case "int":
      return physicalType === "INT32" && isInteger;
    case "long":
      return (physicalType === "INT32" || physicalType === "INT64") && isInteger;
    case "float":
      return physicalType === "FLOAT" && isPlain;
    case "double":
      return (physicalType === "FLOAT" || physicalType === "DOUBLE") && isPlain;
    case "date":
      return physicalType === "INT32" && meaning === "date";
    case "time":
      return physicalType === "INT64" && meaning === "time" && unit === "micros";
    case "timestamp":
      if (physicalType === "INT32") return meaning === "date";
      return physicalType === "INT64" && meaning === "timestamp" && unit === "micros";
    case "timestamptz":
      return physicalType === "INT64" && meaning === "timestamp" && unit === "micros";
    case "timestamp_ns":
    case "timestamptz_ns":
      return physicalType === "INT64" && meaning === "timestamp" && unit === "nanos";
    case "decimal":
      return logicalType?.kind === "decimal" && logicalType.scale === type.scale;
    case "string":
      return physicalType === "BYTE_ARRAY" &&
        (isPlain || meaning === "string" || meaning === "enum" || meaning === "json");
    case "uuid":
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && typeLength === 16;
    case "fixed":
      return physicalType === "FIXED_LEN_BYTE_ARRAY" && isPlain && typeLength === type.length;
    case "binary":
      return physicalType === "BYTE_ARRAY" && isPlain;
    default:
      return false;
  }
}
