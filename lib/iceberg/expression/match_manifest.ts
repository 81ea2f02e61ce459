/** Manifest pruning: whether a manifest may hold files whose partition matches. */
import type { FieldSummary, ManifestFile } from "../manifest/manifest_file.ts";
import type { PartitionSpec } from "../spec/partition_spec.ts";
import { boundValue } from "./_bound_value.ts";
import { mayMatch } from "./_range_match.ts";
import type { BoundExpression, BoundPredicate } from "./bound.ts";
import { type ColumnFacts, plausibleBounds, UNKNOWN_FACTS } from "./column_facts.ts";
import { comparatorFor, isFloating } from "./compare.ts";
import { partitionPositions } from "./match_row.ts";

/**
 * Compiles a partition predicate (an inclusive projection for `spec`) into a test of manifests
 * written with that spec. A manifest without summaries may always match.
 */
export function manifestMatcher(
  partitionFilter: BoundExpression,
  spec: PartitionSpec,
): (manifest: ManifestFile) => boolean {
  const positions = partitionPositions(spec);
  return mayMatch(partitionFilter, (manifest: ManifestFile, predicate) => {
    const position = positions.get(predicate.ref.fieldId);
    const summary = position === undefined ? undefined : manifest.partitions?.[position];
    return summary === undefined ? UNKNOWN_FACTS : summaryFacts(summary, predicate);
  });
}

function summaryFacts(summary: FieldSummary, predicate: BoundPredicate): ColumnFacts {
  const { type } = predicate.ref;
  const mayHaveNan = isFloating(type) && summary.containsNan !== false;
  const lower = boundValue(type, summary.lowerBound);
  const upper = boundValue(type, summary.upperBound);
  return {
    mayHaveNull: summary.containsNull,
    mayHaveNan,
    mayHaveValue: mayHaveValue(summary),
    ...plausibleBounds(lower, upper, comparatorFor(type)),
  };
}

/**
 * Spec: a missing bound means that all values are null or NaN. A summary that has neither a bound
 * nor admits nulls or NaNs contradicts that, so its writer left the bounds out.
 */
function mayHaveValue(summary: FieldSummary): boolean {
  if (summary.lowerBound !== null || summary.upperBound !== null) return true;
  return !summary.containsNull && summary.containsNan !== true;
}
