/** A data file's metrics as manifests keep them, by the modes of its table. */
import type { DataFile } from "../../../iceberg/manifest/data_file.ts";
import type { IcebergValue, PrimitiveType } from "../../../iceberg/spec/types.ts";
import { encodeValue } from "../../../iceberg/spec/values.ts";
import type { LeafStats } from "./leaf_stats.ts";
import type { MetricsConfig, MetricsMode } from "./metrics_config.ts";
import {
  truncateBytesLower,
  truncateBytesUpper,
  truncateTextLower,
  truncateTextUpper,
} from "./truncate_bounds.ts";

/** The metrics of a {@linkcode DataFile}; plain maps, which cross isolates. */
export type FileMetrics = {
  readonly [
    K in
      | "columnSizes"
      | "valueCounts"
      | "nullValueCounts"
      | "nanValueCounts"
      | "lowerBounds"
      | "upperBounds"
  ]: NonNullable<DataFile[K]>;
};

/**
 * Metrics by field id. Members of lists and maps have sizes only, as Java writes them: counts and
 * bounds of repeated values mean nothing to a row.
 */
export function fileMetrics(stats: readonly LeafStats[], config: MetricsConfig): FileMetrics {
  const columnSizes = new Map<number, number>();
  const valueCounts = new Map<number, number>();
  const nullValueCounts = new Map<number, number>();
  const nanValueCounts = new Map<number, number>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  for (const leafStats of stats) {
    const { leaf: { fieldId, isRepeated, type }, nullCount, nanCount } = leafStats;
    const mode = config.get(fieldId);
    if (mode === undefined || mode.kind === "none") continue;
    columnSizes.set(fieldId, leafStats.compressedBytes);
    if (isRepeated || nullCount === null) continue;
    valueCounts.set(fieldId, leafStats.valueCount);
    nullValueCounts.set(fieldId, nullCount);
    if (nanCount !== null) nanValueCounts.set(fieldId, nanCount);
    const lower = lowerBound(type, leafStats.lower?.value ?? null, mode);
    const upper = upperBound(type, leafStats.upper?.value ?? null, mode);
    if (lower !== null) lowerBounds.set(fieldId, lower);
    if (upper !== null) upperBounds.set(fieldId, upper);
  }
  return { columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds };
}

/** A lower bound in single-value form; null where the mode keeps none or there is none. */
export function lowerBound(
  type: PrimitiveType,
  value: IcebergValue,
  mode: MetricsMode,
): Uint8Array | null {
  if (!keepsBounds(mode) || value === null || Number.isNaN(value)) return null;
  if (mode.kind === "truncate") {
    if (typeof value === "string" && type.kind === "string") {
      return encodeValue(type, truncateTextLower(value, mode.length));
    }
    if (isCutAsBytes(type, value)) return truncateBytesLower(value, mode.length);
  }
  // -0 comes before 0, and statistics do not tell which of them was there.
  return encodeValue(type, value === 0 ? zeroOf(type, -0) : value);
}

/** An upper bound in single-value form; null also where none of the mode's length exists. */
export function upperBound(
  type: PrimitiveType,
  value: IcebergValue,
  mode: MetricsMode,
): Uint8Array | null {
  if (!keepsBounds(mode) || value === null || Number.isNaN(value)) return null;
  if (mode.kind === "truncate") {
    if (typeof value === "string" && type.kind === "string") {
      const text = truncateTextUpper(value, mode.length);
      return text === null ? null : encodeValue(type, text);
    }
    if (isCutAsBytes(type, value)) return truncateBytesUpper(value, mode.length);
  }
  return encodeValue(type, value === 0 ? zeroOf(type, 0) : value);
}

function keepsBounds(mode: MetricsMode): boolean {
  return mode.kind === "truncate" || mode.kind === "full";
}

/** Values of a fixed length stay whole: less than that is none of the type's values. */
function isCutAsBytes(type: PrimitiveType, value: IcebergValue): value is Uint8Array {
  return value instanceof Uint8Array && type.kind !== "fixed";
}

function zeroOf(type: PrimitiveType, zero: number): number {
  return type.kind === "float" || type.kind === "double" ? zero : 0;
}
