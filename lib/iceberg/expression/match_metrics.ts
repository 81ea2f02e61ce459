/** File pruning by column bounds and counts (spec: "Scan Planning", `data_file` metrics). */
import type { DataFile } from "../manifest/data_file.ts";
import { isPrimitive } from "../spec/types.ts";
import { boundValue } from "./_bound_value.ts";
import {
  type ColumnFacts,
  mayMatch,
  mustMatch,
  plausibleBounds,
  UNKNOWN_FACTS,
} from "./_range_match.ts";
import type { BoundExpression, BoundPredicate } from "./bound.ts";
import { comparatorFor, isFloating } from "./compare.ts";

/** Compiles a row predicate into a test of whether a file may hold a matching row. */
export function metricsMayMatch(filter: BoundExpression): (file: DataFile) => boolean {
  const test = mayMatch(filter, fileFacts);
  return (file) => file.recordCount > 0 && test(file);
}

/**
 * The same for equality delete files. Only the metrics of its equality columns speak of the rows
 * that it deletes; what else it stores for a row may be anything.
 */
export function equalityMetricsMayMatch(filter: BoundExpression): (file: DataFile) => boolean {
  const test = mayMatch(
    filter,
    (file: DataFile, predicate) =>
      file.equalityIds?.includes(predicate.ref.fieldId)
        ? fileFacts(file, predicate)
        : UNKNOWN_FACTS,
  );
  return (file) => file.recordCount > 0 && test(file);
}

/** Compiles a row predicate into a test of whether every row of a file is known to match. */
export function metricsMustMatch(filter: BoundExpression): (file: DataFile) => boolean {
  const test = mustMatch(filter, fileFacts);
  return (file) => file.recordCount === 0 || test(file);
}

function fileFacts(file: DataFile, predicate: BoundPredicate): ColumnFacts {
  const { ref, values } = predicate;
  // Metrics of structs, lists and maps mean different things to different writers.
  if (!isPrimitive(ref.type)) return UNKNOWN_FACTS;
  const nulls = file.nullValueCounts?.get(ref.fieldId);
  const nans = isFloating(ref.type) ? file.nanValueCounts?.get(ref.fieldId) : 0;
  const counted = file.valueCounts?.get(ref.fieldId);
  const covered = coversEveryRow(file, predicate, counted);
  const empty = counted !== undefined && nulls !== undefined &&
    counted - nulls - (nans ?? 0) === 0 &&
    (counted > 0 || ref.underOptional);
  const bounds = values.length === 0 ? { lower: undefined, upper: undefined } : plausibleBounds(
    boundValue(ref.type, file.lowerBounds?.get(ref.fieldId)),
    boundValue(ref.type, file.upperBounds?.get(ref.fieldId)),
    comparatorFor(ref.type),
  );
  return {
    mayHaveNull: ref.nullable && (nulls !== 0 || !covered),
    mayHaveNan: nans !== 0 && !(nans === undefined && empty),
    mayHaveValue: !empty,
    ...bounds,
  };
}

/**
 * Whether the counts speak of every row. Some writers count a nested column only where the
 * structs around it are present, so that a null struct is no null of the column.
 */
function coversEveryRow(
  file: DataFile,
  predicate: BoundPredicate,
  counted: number | undefined,
): boolean {
  return !predicate.ref.underOptional || counted === file.recordCount;
}
