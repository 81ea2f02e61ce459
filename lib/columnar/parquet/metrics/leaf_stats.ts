/** What a file's row groups say of each leaf, all together. */
import { compareValues } from "../../../iceberg/spec/compare_values.ts";
import type { IcebergValue, PrimitiveType } from "../../../iceberg/spec/types.ts";
import type { Statistics } from "../footer/file_metadata.ts";
import type { EncodedColumn, EncodedMetadata } from "../write/encoded_row_group.ts";
import type { WriteLeaf, WriteSchema } from "../write/parquet_schema.ts";
import type { MetricsMode } from "./metrics_config.ts";
import { statValue } from "./stat_value.ts";

/** A leaf of one file. */
export interface LeafStats {
  readonly leaf: WriteLeaf;
  /** Of its chunks as they lie in the file. */
  readonly compressedBytes: number;
  /** With nulls; below lists and maps, an empty or absent one counts as a value. */
  readonly valueCount: number;
  /** Null where a chunk has no statistics. */
  readonly nullCount: number | null;
  /** Null for other types than floats, and where nobody counted. */
  readonly nanCount: number | null;
  /** In memory form; null where there is no value, and where a chunk does not tell. */
  readonly lower: LeafBound | null;
  readonly upper: LeafBound | null;
}

/** The smallest or largest value. */
export interface LeafBound {
  readonly value: IcebergValue;
  /** Whether it is a value of the column; otherwise it only bounds them. */
  readonly isExact: boolean;
}

/** Characters of which cut statistics hold every one, be they four bytes each. */
const LONGEST_CUT_OF_STATISTICS = 16;

/** What is kept of a column. */
export interface KeptBounds {
  readonly mode: MetricsMode;
  readonly type: PrimitiveType;
}

/** Whether statistics, which the encoder cuts to 64 bytes, hold less of bounds than the mode keeps. */
export function isCutShort(
  { isMinExact, isMaxExact }: Statistics,
  { mode, type }: KeptBounds,
): boolean {
  const isCut = isMinExact === false || isMaxExact === false;
  const keepsMore = mode.kind === "full" ||
    mode.kind === "truncate" && (type.kind === "fixed" || mode.length > LONGEST_CUT_OF_STATISTICS);
  return isCut && keepsMore;
}

/** The statistics of the leaves of a file with these row groups. */
export function mergeLeafStats(
  schema: WriteSchema,
  groups: readonly Pick<EncodedMetadata, "columns">[],
): readonly LeafStats[] {
  return schema.leaves.map((leaf, at) =>
    mergeLeaf(leaf, groups.flatMap(({ columns }) => columns[at] ?? []))
  );
}

function mergeLeaf(leaf: WriteLeaf, chunks: readonly EncodedColumn[]): LeafStats {
  const { type } = leaf;
  const nullCounts = chunks.map(({ metaData }) => metaData.statistics?.nullCount ?? null);
  const nanCounts = chunks.map(({ nanCount }) => nanCount);
  const isFloat = type.kind === "float" || type.kind === "double";
  return {
    leaf,
    compressedBytes: sum(chunks.map(({ metaData }) => metaData.totalCompressedSize)) ?? 0,
    valueCount: sum(chunks.map(({ metaData }) => metaData.numValues)) ?? 0,
    nullCount: sum(nullCounts),
    nanCount: isFloat ? sum(nanCounts) : null,
    lower: extreme(chunks, { type, side: "lower" }),
    upper: extreme(chunks, { type, side: "upper" }),
  };
}

/** The sum, null where a summand is unknown. */
function sum(values: readonly (number | null)[]): number | null {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}

interface ExtremeOptions {
  readonly type: PrimitiveType;
  readonly side: "lower" | "upper";
}

function extreme(
  chunks: readonly EncodedColumn[],
  { type, side }: ExtremeOptions,
): LeafBound | null {
  const sign = side === "lower" ? 1 : -1;
  let best: LeafBound | null = null;
  for (const chunk of chunks) {
    if (!hasComparable(chunk)) continue;
    const bound = boundOf(chunk, { type, side });
    if (bound === null) return null;
    if (best === null || sign * compareValues(type, bound.value, best.value) < 0) best = bound;
  }
  return best;
}

/** Whether a chunk holds anything that bounds are about: values that are neither null nor NaN. */
function hasComparable({ metaData, nanCount }: EncodedColumn): boolean {
  const { numValues, statistics } = metaData;
  return numValues - (statistics?.nullCount ?? 0) - (nanCount ?? 0) > 0;
}

function boundOf(chunk: EncodedColumn, { type, side }: ExtremeOptions): LeafBound | null {
  const { statistics } = chunk.metaData;
  const exact = side === "lower" ? chunk.exactMin : chunk.exactMax;
  const bytes = side === "lower" ? statistics?.minValue : statistics?.maxValue;
  const given = exact ?? bytes ?? null;
  if (given === null) return null;
  const value = statValue(type, given);
  if (value === null || Number.isNaN(value)) return null;
  // Absent means exact: writers that cut statistics say so.
  const isUncut = side === "lower" ? statistics?.isMinExact : statistics?.isMaxExact;
  return { value, isExact: exact !== null || isUncut !== false };
}
