/** File pruning by column bounds and counts (spec: "Scan Planning", `data_file` metrics). */
import type { DataFile } from "../manifest/data_file.ts";
import { mayMatch, mustMatch } from "./_range_match.ts";
import type { BoundExpression, BoundPredicate } from "./bound.ts";
import { type ColumnFacts, fileColumnFacts, UNKNOWN_FACTS } from "./column_facts.ts";

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
  // Only operations with literals look at bounds.
  return fileColumnFacts(file, predicate.ref, { bounds: predicate.values.length > 0 });
}
