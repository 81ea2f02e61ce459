/**
 * What metrics tell of a column: the common ground of file pruning, manifest pruning and the
 * skipping of equality deletes. Facts that are missing or doubtful count as unknown.
 */
import type { DataFile } from "../manifest/data_file.ts";
import { isPrimitive } from "../spec/types.ts";
import { boundValue } from "./_bound_value.ts";
import type { BoundReference, ScalarValue } from "./bound.ts";
import { type Comparator, comparatorFor, isFloating } from "./compare.ts";

/** What is known of a column's values. */
export interface ColumnFacts {
  readonly mayHaveNull: boolean;
  readonly mayHaveNan: boolean;
  /** Whether there may be a value that is neither null nor NaN; bounds speak of these. */
  readonly mayHaveValue: boolean;
  /** At most every value; undefined where unknown. */
  readonly lower: ScalarValue | undefined;
  /** At least every value; undefined where unknown. */
  readonly upper: ScalarValue | undefined;
}

/** Bounds of a column; undefined where unknown. */
export type ColumnBounds = Pick<ColumnFacts, "lower" | "upper">;

/** Options of {@linkcode fileColumnFacts}. */
export interface ColumnFactsOptions {
  /** Whether bounds are wanted; decoding them costs most. True by default. */
  readonly bounds?: boolean;
}

/** No bounds. */
export const NO_BOUNDS: ColumnBounds = { lower: undefined, upper: undefined };

/** Nothing is known: every row may be null, NaN or any value. */
export const UNKNOWN_FACTS: ColumnFacts = {
  mayHaveNull: true,
  mayHaveNan: true,
  mayHaveValue: true,
  ...NO_BOUNDS,
};

/** What a file's metrics tell of a column. */
export function fileColumnFacts(
  file: DataFile,
  ref: BoundReference,
  options: ColumnFactsOptions = {},
): ColumnFacts {
  // Metrics of structs, lists and maps mean different things to different writers.
  if (!isPrimitive(ref.type)) return UNKNOWN_FACTS;
  const { fieldId, type } = ref;
  const counted = file.valueCounts?.get(fieldId);
  const nulls = file.nullValueCounts?.get(fieldId);
  const nans = isFloating(type) ? file.nanValueCounts?.get(fieldId) : 0;
  const lacksValues = hasNoValue({ counted, nulls, nans }, ref);
  return {
    mayHaveNull: ref.nullable && (nulls !== 0 || !coversEveryRow(file, ref, counted)),
    mayHaveNan: nans !== 0 && !(nans === undefined && lacksValues),
    mayHaveValue: !lacksValues,
    ...(options.bounds === false ? NO_BOUNDS : plausibleBounds(
      boundValue(type, file.lowerBounds?.get(fieldId)),
      boundValue(type, file.upperBounds?.get(fieldId)),
      comparatorFor(type),
    )),
  };
}

/** Bounds as given, or none where they contradict each other or are NaN. */
export function plausibleBounds(
  lower: ScalarValue | undefined,
  upper: ScalarValue | undefined,
  compare: Comparator,
): ColumnBounds {
  // Old writers recorded NaN as a bound, and ordered UUIDs as signed numbers.
  if (Number.isNaN(lower) || Number.isNaN(upper)) return NO_BOUNDS;
  const inverted = lower !== undefined && upper !== undefined && compare(lower, upper) > 0;
  return inverted ? NO_BOUNDS : { lower, upper };
}

/** Whether two columns of the same type may hold an equal value, nulls and NaNs being equal. */
export function mayShareValue(a: ColumnFacts, b: ColumnFacts, compare: Comparator): boolean {
  if (a.mayHaveNull && b.mayHaveNull) return true;
  if (a.mayHaveNan && b.mayHaveNan) return true;
  if (!a.mayHaveValue || !b.mayHaveValue) return false;
  return !isAbove(a.lower, b.upper, compare) && !isAbove(b.lower, a.upper, compare);
}

function isAbove(
  lower: ScalarValue | undefined,
  upper: ScalarValue | undefined,
  compare: Comparator,
): boolean {
  return lower !== undefined && upper !== undefined && compare(lower, upper) > 0;
}

interface Counts {
  readonly counted: number | undefined;
  readonly nulls: number | undefined;
  readonly nans: number | undefined;
}

/**
 * Whether the counts say that there are only nulls and NaNs. Counts of zero where there are rows
 * come from writers that counted nothing, unless every struct around the column may be null.
 */
function hasNoValue({ counted, nulls, nans }: Counts, ref: BoundReference): boolean {
  if (counted === undefined || nulls === undefined) return false;
  return counted - nulls - (nans ?? 0) === 0 && (counted > 0 || ref.underOptional);
}

/**
 * Whether the counts speak of every row. Some writers count a nested column only where the
 * structs around it are present, so that a null struct is no null of the column.
 */
function coversEveryRow(
  file: DataFile,
  ref: BoundReference,
  counted: number | undefined,
): boolean {
  return !ref.underOptional || counted === file.recordCount;
}
