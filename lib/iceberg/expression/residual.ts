/**
 * Residuals: what of a row predicate is left to test in files of a known partition. A leaf whose
 * strict projection matches the tuple is true for every row, one whose inclusive projection does
 * not match is false for every row (spec: "Scan Planning", note 1).
 */
import type { PartitionSpec } from "../spec/partition_spec.ts";
import type { IcebergValue } from "../spec/types.ts";
import { alwaysFalse, alwaysTrue, join } from "./_tree.ts";
import type { BoundExpression } from "./bound.ts";
import { partitionMatcher } from "./match_row.ts";
import { projectInclusive, projectStrict } from "./project.ts";

/** Compiles a row predicate into a function from partition tuples of `spec` to residuals. */
export function residualFor(
  filter: BoundExpression,
  spec: PartitionSpec,
): (partition: readonly IcebergValue[]) => BoundExpression {
  switch (filter.kind) {
    case "constant":
      return () => filter;
    case "predicate": {
      const strict = projectStrict(filter, spec);
      const inclusive = projectInclusive(filter, spec);
      // Constants of these kinds mean that the partition says nothing about the column.
      if (strict.kind === "constant" && inclusive.kind === "constant") {
        if (strict.value) return () => alwaysTrue;
        if (!inclusive.value) return () => alwaysFalse;
        return () => filter;
      }
      const isSurelyTrue = partitionMatcher(strict, spec);
      const isPossible = partitionMatcher(inclusive, spec);
      return (partition) =>
        isSurelyTrue(partition) ? alwaysTrue : isPossible(partition) ? filter : alwaysFalse;
    }
    case "and":
    case "or": {
      const { kind } = filter;
      const parts = filter.operands.map((operand) => residualFor(operand, spec));
      return (partition) => join(kind, parts.map((part) => part(partition)));
    }
  }
}
