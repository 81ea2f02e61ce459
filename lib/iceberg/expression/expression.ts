/**
 * Row predicates by column name: the form that callers and the `where` parser build, before
 * `bind.ts` ties it to a schema.
 *
 * Logic is two-valued, as in Iceberg: a comparison, `in` or prefix test is false for null, while
 * `notEq`, `notIn`, `notStartsWith` and `notNan` are true for it. `not` is pushed to the leaves
 * (`not(lt)` is `gtEq`), so no comparison ever matches null. SQL's three-valued answers are
 * produced by the parser, which adds the null tests they need.
 */
import { alwaysFalse, alwaysTrue, type Constant, join, type Tree } from "./_tree.ts";
import { type Literal, literal, type LiteralInput } from "./literal.ts";

export { alwaysFalse, alwaysTrue, type Constant };

/** Tests without a literal. */
export type UnaryOp = "is_null" | "not_null" | "is_nan" | "not_nan";
/** Tests against one literal. */
export type ComparisonOp = "lt" | "lt_eq" | "gt" | "gt_eq" | "eq" | "not_eq";
/** Tests of a string's beginning. */
export type PrefixOp = "starts_with" | "not_starts_with";
/** Tests against a set of literals. */
export type SetOp = "in" | "not_in";
/** Every leaf operation. */
export type PredicateOp = UnaryOp | ComparisonOp | PrefixOp | SetOp;

/** One test of one column; `column` is a full dotted name. */
export interface Predicate {
  readonly kind: "predicate";
  readonly op: PredicateOp;
  readonly column: string;
  /** None for unary operations, one for comparisons and prefixes, any number for sets. */
  readonly literals: readonly Literal[];
}

/** The negation of an expression, by Iceberg's rules. */
export interface Negation {
  readonly kind: "not";
  readonly operand: Expression;
}

/** An unbound row predicate. */
export type Expression = Tree<Predicate | Negation>;

/** Deepest nesting of expressions that binding accepts. */
export const MAX_EXPRESSION_DEPTH = 128;

const NEGATED: Readonly<Record<PredicateOp, PredicateOp>> = {
  is_null: "not_null",
  not_null: "is_null",
  is_nan: "not_nan",
  not_nan: "is_nan",
  lt: "gt_eq",
  gt_eq: "lt",
  gt: "lt_eq",
  lt_eq: "gt",
  eq: "not_eq",
  not_eq: "eq",
  in: "not_in",
  not_in: "in",
  starts_with: "not_starts_with",
  not_starts_with: "starts_with",
};

/** The operation that replaces `not op`. */
export function negatedOp(op: PredicateOp): PredicateOp {
  return NEGATED[op];
}

/** Rows that match every operand; flattened, with constants folded. */
export function and(...operands: readonly Expression[]): Expression {
  return join("and", operands);
}

/** Rows that match any operand; flattened, with constants folded. */
export function or(...operands: readonly Expression[]): Expression {
  return join("or", operands);
}

/** Negation by Iceberg's rules (see the module's head). */
export function not(operand: Expression): Expression {
  return { kind: "not", operand };
}

/** Null, or inside a null struct. */
export function isNull(column: string): Predicate {
  return predicate("is_null", column);
}

/** Not null. */
export function notNull(column: string): Predicate {
  return predicate("not_null", column);
}

/** NaN; floating-point columns only. */
export function isNan(column: string): Predicate {
  return predicate("is_nan", column);
}

/** Not NaN, null included. */
export function notNan(column: string): Predicate {
  return predicate("not_nan", column);
}

/** `column < value`. */
export function lt(column: string, value: LiteralInput): Predicate {
  return predicate("lt", column, value);
}

/** `column <= value`. */
export function ltEq(column: string, value: LiteralInput): Predicate {
  return predicate("lt_eq", column, value);
}

/** `column > value`; NaN is greater than every number. */
export function gt(column: string, value: LiteralInput): Predicate {
  return predicate("gt", column, value);
}

/** `column >= value`; NaN is greater than every number. */
export function gtEq(column: string, value: LiteralInput): Predicate {
  return predicate("gt_eq", column, value);
}

/** `column = value`; -0.0 equals 0.0. */
export function eq(column: string, value: LiteralInput): Predicate {
  return predicate("eq", column, value);
}

/** Null, or different from `value`. */
export function notEq(column: string, value: LiteralInput): Predicate {
  return predicate("not_eq", column, value);
}

/** Equal to one of `values`. */
export function isIn(column: string, values: readonly LiteralInput[]): Predicate {
  return predicate("in", column, ...values);
}

/** Null, or different from all `values`. */
export function notIn(column: string, values: readonly LiteralInput[]): Predicate {
  return predicate("not_in", column, ...values);
}

/** A string that begins with `prefix`. */
export function startsWith(column: string, prefix: string): Predicate {
  return predicate("starts_with", column, prefix);
}

/** Null, or a string that does not begin with `prefix`. */
export function notStartsWith(column: string, prefix: string): Predicate {
  return predicate("not_starts_with", column, prefix);
}

/** An equal expression without `not` nodes. */
export function pushDownNot(expression: Expression): Expression {
  return push(expression, false, 0);
}

function push(expression: Expression, negated: boolean, depth: number): Expression {
  if (depth > MAX_EXPRESSION_DEPTH) {
    throw new RangeError(`Cannot rewrite an expression nested deeper than ${MAX_EXPRESSION_DEPTH}`);
  }
  switch (expression.kind) {
    case "constant":
      return expression.value !== negated ? alwaysTrue : alwaysFalse;
    case "not":
      return push(expression.operand, !negated, depth + 1);
    case "predicate":
      return negated ? { ...expression, op: negatedOp(expression.op) } : expression;
    case "and":
    case "or": {
      const operands = expression.operands.map((operand) => push(operand, negated, depth + 1));
      return join((expression.kind === "and") !== negated ? "and" : "or", operands);
    }
  }
}

function predicate(op: PredicateOp, column: string, ...values: LiteralInput[]): Predicate {
  return { kind: "predicate", op, column, literals: values.map(literal) };
}
