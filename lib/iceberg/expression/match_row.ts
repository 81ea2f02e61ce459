/**
 * Evaluates bound predicates on values: rows by column, partition tuples by position. The meaning
 * of every operation is defined here; pruning may only over-approximate it.
 */
import type { PartitionSpec } from "../spec/partition_spec.ts";
import type { IcebergValue } from "../spec/types.ts";
import type { BoundExpression, BoundPredicate, BoundReference } from "./bound.ts";
import { type Comparator, comparatorFor } from "./compare.ts";

/** Gives a row's value of a column: null where it, or a struct around it, is null. */
export type ValueOf<Row> = (row: Row, ref: BoundReference) => IcebergValue;

/** Compiles an expression into a test of rows. */
export function rowMatcher<Row>(
  expression: BoundExpression,
  valueOf: ValueOf<Row>,
): (row: Row) => boolean {
  switch (expression.kind) {
    case "constant": {
      const { value } = expression;
      return () => value;
    }
    case "predicate": {
      const { ref } = expression;
      const matches = valueMatcher(expression);
      return (row) => matches(valueOf(row, ref));
    }
    case "and": {
      const tests = expression.operands.map((operand) => rowMatcher(operand, valueOf));
      return (row) => tests.every((test) => test(row));
    }
    case "or": {
      const tests = expression.operands.map((operand) => rowMatcher(operand, valueOf));
      return (row) => tests.some((test) => test(row));
    }
  }
}

/** Compiles a partition predicate into a test of this spec's partition tuples. */
export function partitionMatcher(
  expression: BoundExpression,
  spec: PartitionSpec,
): (partition: readonly IcebergValue[]) => boolean {
  const positions = partitionPositions(spec);
  return rowMatcher(expression, (partition: readonly IcebergValue[], ref) => {
    const position = positions.get(ref.fieldId);
    return position === undefined ? null : widen(partition[position] ?? null, ref);
  });
}

/**
 * A partition value in the memory form of the predicate's type: manifests older than a promotion
 * from int to long may give numbers, newer ones bigints, whichever schema the filter was bound to.
 */
function widen(value: IcebergValue, ref: BoundReference): IcebergValue {
  const { kind } = ref.type;
  if (typeof value === "number" && kind === "long") return BigInt(value);
  if (typeof value === "bigint" && kind === "int") return Number(value);
  return value;
}

/** Place of every partition field in the tuple, by its field id. */
export function partitionPositions(spec: PartitionSpec): ReadonlyMap<number, number> {
  return new Map(spec.fields.map((field, position) => [field.fieldId, position]));
}

/** Whether a null value satisfies a predicate. */
export function matchesNull(predicate: BoundPredicate): boolean {
  switch (predicate.op) {
    case "is_null":
    case "not_eq":
    case "not_in":
    case "not_nan":
    case "not_starts_with":
      return true;
    default:
      return false;
  }
}

/** Whether `sorted` holds a value from `lower` to `upper`, bounds included; undefined is open. */
export function anyWithin(
  sorted: readonly IcebergValue[],
  range: { readonly lower: IcebergValue | undefined; readonly upper: IcebergValue | undefined },
  compare: Comparator,
): boolean {
  const { lower, upper } = range;
  let low = 0;
  let high = lower === undefined ? 0 : sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle] ?? null, lower ?? null) < 0) low = middle + 1;
    else high = middle;
  }
  const first = sorted[low];
  return first !== undefined && (upper === undefined || compare(first, upper) <= 0);
}

function valueMatcher(predicate: BoundPredicate): (value: IcebergValue) => boolean {
  const { op, values, ref } = predicate;
  const compare = comparatorFor(ref.type);
  const literal = values[0] ?? null;
  switch (op) {
    case "is_null":
      return (value) => value === null;
    case "not_null":
      return (value) => value !== null;
    case "is_nan":
      return (value) => Number.isNaN(value);
    case "not_nan":
      return (value) => !Number.isNaN(value);
    case "lt":
      return (value) => value !== null && compare(value, literal) < 0;
    case "lt_eq":
      return (value) => value !== null && compare(value, literal) <= 0;
    case "gt":
      return (value) => value !== null && compare(value, literal) > 0;
    case "gt_eq":
      return (value) => value !== null && compare(value, literal) >= 0;
    case "eq":
      return (value) => value !== null && compare(value, literal) === 0;
    case "not_eq":
      return (value) => value === null || compare(value, literal) !== 0;
    case "in":
      return (value) => value !== null && isMember(value, values, compare);
    case "not_in":
      return (value) => value === null || !isMember(value, values, compare);
    case "starts_with":
      return (value) => value !== null && hasPrefix(value, literal);
    case "not_starts_with":
      return (value) => value === null || !hasPrefix(value, literal);
  }
}

function isMember(
  value: IcebergValue,
  sorted: readonly IcebergValue[],
  compare: Comparator,
): boolean {
  return anyWithin(sorted, { lower: value, upper: value }, compare);
}

/** Whether a string begins with another; false for what is not a string. */
export function hasPrefix(value: IcebergValue, prefix: IcebergValue): boolean {
  return typeof value === "string" && typeof prefix === "string" && value.startsWith(prefix);
}
