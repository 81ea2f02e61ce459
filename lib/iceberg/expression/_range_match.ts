/**
 * What bounds and counts of a column allow to conclude about a predicate, for files and manifests
 * alike. "May match" never answers no while a row matches; "must match" never answers yes while
 * one does not. Missing facts answer with caution.
 */
import type { BoundExpression, BoundPredicate, ScalarValue } from "./bound.ts";
import type { ColumnFacts } from "./column_facts.ts";
import { type Comparator, comparatorFor, isFloating } from "./compare.ts";
import { negatedOp } from "./expression.ts";
import { anyWithin, hasPrefix, matchesNull } from "./match_row.ts";

/** Gathers the facts that a predicate needs from a source (a file or a manifest). */
export type FactsOf<Source> = (source: Source, predicate: BoundPredicate) => ColumnFacts;

/** Compiles a test of whether a source may hold a matching row. */
export function mayMatch<Source>(
  expression: BoundExpression,
  factsOf: FactsOf<Source>,
): (source: Source) => boolean {
  return compile(expression, (predicate) => {
    const compare = comparatorFor(predicate.ref.type);
    return (source) => leafMayMatch(predicate, factsOf(source, predicate), compare);
  });
}

/** Compiles a test of whether every row of a source is known to match. */
export function mustMatch<Source>(
  expression: BoundExpression,
  factsOf: FactsOf<Source>,
): (source: Source) => boolean {
  return compile(expression, (predicate) => {
    const compare = comparatorFor(predicate.ref.type);
    const opposite = { ...predicate, op: negatedOp(predicate.op) };
    const failsOnNull = !matchesNull(predicate);
    return (source) => {
      const facts = factsOf(source, predicate);
      // No row fails: neither a null nor a NaN that the test rejects, nor a value on the far side.
      if (failsOnNull && facts.mayHaveNull) return false;
      if (isOrdering(predicate) && facts.mayHaveNan) return false;
      return !leafMayMatch(opposite, { ...facts, mayHaveNull: false }, compare);
    };
  });
}

function compile<Source>(
  expression: BoundExpression,
  leaf: (predicate: BoundPredicate) => (source: Source) => boolean,
): (source: Source) => boolean {
  switch (expression.kind) {
    case "constant": {
      const { value } = expression;
      return () => value;
    }
    case "predicate":
      return leaf(expression);
    case "and": {
      const tests = expression.operands.map((operand) => compile(operand, leaf));
      return (source) => tests.every((test) => test(source));
    }
    case "or": {
      const tests = expression.operands.map((operand) => compile(operand, leaf));
      return (source) => tests.some((test) => test(source));
    }
  }
}

/** Comparisons for which engines disagree on whether NaN matches. */
function isOrdering(predicate: BoundPredicate): boolean {
  const { op, ref } = predicate;
  return isFloating(ref.type) && (op === "lt" || op === "lt_eq" || op === "gt" || op === "gt_eq");
}

function leafMayMatch(
  predicate: BoundPredicate,
  facts: ColumnFacts,
  compare: Comparator,
): boolean {
  const { mayHaveNull, mayHaveNan, mayHaveValue } = facts;
  switch (predicate.op) {
    case "is_null":
      return mayHaveNull;
    case "not_null":
      return mayHaveNan || mayHaveValue;
    case "is_nan":
      return mayHaveNan;
    case "not_nan":
      return mayHaveNull || mayHaveValue;
    // NaN is greater than every number, in Spark and DuckDB as here.
    case "gt":
    case "gt_eq":
      return mayHaveNan || (mayHaveValue && valueMayMatch(predicate, facts, compare));
    case "not_eq":
    case "not_in":
    case "not_starts_with":
      return mayHaveNull || mayHaveNan ||
        (mayHaveValue && valueMayMatch(predicate, facts, compare));
    default:
      return mayHaveValue && valueMayMatch(predicate, facts, compare);
  }
}

function valueMayMatch(
  predicate: BoundPredicate,
  facts: ColumnFacts,
  compare: Comparator,
): boolean {
  const { op, values } = predicate;
  const { lower, upper } = facts;
  const literal = values[0] ?? null;
  switch (op) {
    case "lt":
      return lower === undefined || compare(lower, literal) < 0;
    case "lt_eq":
      return lower === undefined || compare(lower, literal) <= 0;
    case "gt":
      return upper === undefined || compare(upper, literal) > 0;
    case "gt_eq":
      return upper === undefined || compare(upper, literal) >= 0;
    case "eq":
    case "in":
      return anyWithin(values, facts, compare);
    case "not_eq":
    case "not_in":
      // Only a column of one single value can consist of excluded values alone.
      return lower === undefined || upper === undefined || compare(lower, upper) !== 0 ||
        !anyWithin(values, facts, compare);
    case "starts_with":
      return prefixMayMatch(literal, facts, compare);
    case "not_starts_with":
      // All strings between two that share a prefix have it too.
      return lower === undefined || upper === undefined ||
        !hasPrefix(lower, literal) || !hasPrefix(upper, literal);
    default:
      return true;
  }
}

function prefixMayMatch(
  prefix: ScalarValue | null,
  bounds: Pick<ColumnFacts, "lower" | "upper">,
  compare: Comparator,
): boolean {
  const { lower, upper } = bounds;
  // Strings with the prefix are exactly those from the prefix up to the last that begins with it.
  if (upper !== undefined && compare(upper, prefix) < 0) return false;
  return lower === undefined || compare(lower, prefix) <= 0 || hasPrefix(lower, prefix);
}
