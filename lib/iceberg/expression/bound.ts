/**
 * Predicates tied to a schema: columns by field id, literals in the memory form of the column's
 * type, no `not` nodes. Partition predicates have the same shape, over partition fields.
 */
import type { IcebergValue, Type } from "../spec/types.ts";
import { alwaysFalse, alwaysTrue, join, type Tree } from "./_tree.ts";
import { comparatorFor } from "./compare.ts";
import type { PredicateOp } from "./expression.ts";

/** A value that comparisons work on: what is neither null nor nested. */
export type ScalarValue = Exclude<IcebergValue, null | readonly IcebergValue[]>;

/** Literals of one predicate. */
export type BoundValues = readonly ScalarValue[];

/** The column (or partition field) that a predicate tests. */
export interface BoundReference {
  readonly fieldId: number;
  /** Full dotted name, for messages. */
  readonly name: string;
  readonly type: Type;
  /** False where the column and every struct around it are required. */
  readonly nullable: boolean;
  /** Whether a struct around the column is optional: its counts may then leave rows out. */
  readonly underOptional: boolean;
}

/** One test of one column. */
export interface BoundPredicate {
  readonly kind: "predicate";
  readonly op: PredicateOp;
  readonly ref: BoundReference;
  /** Ascending and distinct; none for unary operations, at least two for sets. */
  readonly values: BoundValues;
}

/** A bound row or partition predicate. */
export type BoundExpression = Tree<BoundPredicate>;

/** A leaf with no value, or one. */
export function boundPredicate(
  op: PredicateOp,
  ref: BoundReference,
  values: BoundValues = [],
): BoundPredicate {
  return { kind: "predicate", op, ref, values };
}

/** An `in` or `not_in`, reduced to a comparison or a constant where the set is small enough. */
export function boundSet(
  op: "in" | "not_in",
  ref: BoundReference,
  values: BoundValues,
): BoundExpression {
  const compare = comparatorFor(ref.type);
  const sorted = [...values].sort(compare);
  const distinct = sorted.filter((value, i) => {
    const previous = sorted[i - 1];
    return previous === undefined || compare(previous, value) !== 0;
  });
  const [first] = distinct;
  if (first === undefined) return op === "in" ? alwaysFalse : alwaysTrue;
  if (distinct.length === 1) return boundPredicate(op === "in" ? "eq" : "not_eq", ref, [first]);
  return { kind: "predicate", op, ref, values: distinct };
}

/** Rows that match every operand. */
export function boundAnd(operands: readonly BoundExpression[]): BoundExpression {
  return join("and", operands);
}

/** Rows that match any operand. */
export function boundOr(operands: readonly BoundExpression[]): BoundExpression {
  return join("or", operands);
}

/** Rebuilds an expression with every leaf replaced. */
export function mapPredicates(
  expression: BoundExpression,
  replace: (predicate: BoundPredicate) => BoundExpression,
): BoundExpression {
  switch (expression.kind) {
    case "constant":
      return expression;
    case "predicate":
      return replace(expression);
    case "and":
    case "or":
      return join(
        expression.kind,
        expression.operands.map((operand) => mapPredicates(operand, replace)),
      );
  }
}

/** Ids of every field that an expression tests. */
export function referencedFieldIds(expression: BoundExpression): ReadonlySet<number> {
  const ids = new Set<number>();
  mapPredicates(expression, (predicate) => {
    ids.add(predicate.ref.fieldId);
    return predicate;
  });
  return ids;
}
