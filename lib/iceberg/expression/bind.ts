/**
 * Binding: ties an unbound predicate to a schema (names to field ids, literals to the column's
 * memory form), pushes `not` to the leaves, and folds what the schema alone decides.
 */
import { AppError } from "../../errors.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import {
  type BoundExpression,
  boundPredicate,
  type BoundReference,
  boundSet,
  type ScalarValue,
} from "./bound.ts";
import { alwaysFalse, alwaysTrue, join } from "./_tree.ts";
import { isComparable, isFloating } from "./compare.ts";
import { convertLiteral, typeMismatch } from "./convert_literal.ts";
import {
  type ComparisonOp,
  type Expression,
  MAX_EXPRESSION_DEPTH,
  negatedOp,
  type Predicate,
  type PredicateOp,
} from "./expression.ts";
import { formatLiteral, type Literal } from "./literal.ts";
import { referenceTo } from "./reference_to.ts";

/** Options of {@linkcode bind}. */
export interface BindOptions {
  /** Whether names must match in case; true by default. */
  readonly caseSensitive?: boolean;
}

/** Most literals of one `in` or `not_in`. */
export const MAX_SET_LITERALS = 100_000;

/**
 * Binds `expression` to `schema`. Errors are of kind `invalid` and name the column in `issues`:
 * `filter_unknown_column`, `filter_ambiguous_column`, `filter_repeated_column` (inside a list or
 * map), `filter_type_mismatch`, `filter_too_large`.
 */
export function bind(
  expression: Expression,
  schema: Schema,
  options: BindOptions = {},
): BoundExpression {
  const { caseSensitive = true } = options;
  const resolve = caseSensitive ? exactResolver(schema) : foldingResolver(schema);
  return bindNode(expression, { schema, resolve, negated: false, depth: 0 });
}

interface BindContext {
  readonly schema: Schema;
  readonly resolve: (name: string) => FieldPath;
  readonly negated: boolean;
  readonly depth: number;
}

function bindNode(expression: Expression, context: BindContext): BoundExpression {
  const { negated, depth } = context;
  if (depth > MAX_EXPRESSION_DEPTH) {
    throw filterTooLarge(`Cannot use a filter nested deeper than ${MAX_EXPRESSION_DEPTH} levels`);
  }
  switch (expression.kind) {
    case "constant":
      return expression.value === negated ? alwaysFalse : alwaysTrue;
    case "not":
      return bindNode(expression.operand, { ...context, negated: !negated, depth: depth + 1 });
    case "and":
    case "or": {
      const inner = { ...context, depth: depth + 1 };
      const operands = expression.operands.map((operand) => bindNode(operand, inner));
      return join((expression.kind === "and") === negated ? "or" : "and", operands);
    }
    case "predicate":
      return bindPredicate(expression, context);
  }
}

function bindPredicate(predicate: Predicate, context: BindContext): BoundExpression {
  const ref = reference(context.resolve(predicate.column), context.schema);
  const op = context.negated ? negatedOp(predicate.op) : predicate.op;
  switch (op) {
    case "is_null":
    case "not_null":
      return bindNullTest(op, ref);
    case "is_nan":
    case "not_nan":
      if (!isFloating(ref.type)) throw typeMismatch(ref, "with NaN");
      return boundPredicate(op, ref);
    case "starts_with":
    case "not_starts_with":
      return bindPrefix(op, ref, onlyLiteral(predicate));
    case "in":
    case "not_in":
      return bindSet(op, ref, predicate.literals);
    default:
      return bindComparison(op, ref, onlyLiteral(predicate));
  }
}

function bindNullTest(op: "is_null" | "not_null", ref: BoundReference): BoundExpression {
  // Values of type unknown are always null; they are never stored.
  if (ref.type.kind === "unknown") return op === "is_null" ? alwaysTrue : alwaysFalse;
  if (!ref.nullable) return op === "is_null" ? alwaysFalse : alwaysTrue;
  return boundPredicate(op, ref);
}

function bindPrefix(
  op: "starts_with" | "not_starts_with",
  ref: BoundReference,
  literal: Literal,
): BoundExpression {
  if (ref.type.kind !== "string") throw typeMismatch(ref, "with a string prefix");
  const converted = convertLiteral(literal, ref);
  if (converted.kind !== "exact") throw typeMismatch(ref, `with ${formatLiteral(literal)}`);
  // Every string begins with the empty one.
  if (converted.value === "") {
    return bindNullTest(op === "starts_with" ? "not_null" : "is_null", ref);
  }
  return boundPredicate(op, ref, [converted.value]);
}

function bindSet(
  op: "in" | "not_in",
  ref: BoundReference,
  literals: readonly Literal[],
): BoundExpression {
  if (literals.length > MAX_SET_LITERALS) {
    throw filterTooLarge(
      `Cannot compare column "${ref.name}" with ${literals.length} values: ` +
        `at most ${MAX_SET_LITERALS} are allowed`,
    );
  }
  const values: ScalarValue[] = [];
  for (const literal of literals) {
    const converted = convertLiteral(literal, ref);
    // No value of the type equals a literal that it cannot hold.
    if (converted.kind === "exact") values.push(converted.value);
  }
  return boundSet(op, ref, values);
}

function bindComparison(
  op: ComparisonOp,
  ref: BoundReference,
  literal: Literal,
): BoundExpression {
  if (!isComparable(ref.type)) throw typeMismatch(ref, `with ${formatLiteral(literal)}`);
  const converted = convertLiteral(literal, ref);
  switch (converted.kind) {
    case "exact":
      return boundPredicate(op, ref, [converted.value]);
    case "between":
      if (op === "eq") return alwaysFalse;
      if (op === "not_eq") return alwaysTrue;
      return boundPredicate(op.startsWith("lt") ? "lt_eq" : "gt", ref, [converted.floor]);
    case "above_max":
      return foldOutOfRange(op, ref, op === "lt" || op === "lt_eq");
    case "below_min":
      return foldOutOfRange(op, ref, op === "gt" || op === "gt_eq");
  }
}

/**
 * A comparison with a literal beyond the type's range: decided for every value. Java answers
 * "always true" where we answer "not null", which is the same for required columns and keeps a
 * null from matching a comparison in optional ones.
 */
function foldOutOfRange(op: PredicateOp, ref: BoundReference, holds: boolean): BoundExpression {
  if (op === "not_eq") return alwaysTrue;
  return holds ? bindNullTest("not_null", ref) : alwaysFalse;
}

function reference(path: FieldPath, schema: Schema): BoundReference {
  const placed = referenceTo(schema, path.field.id);
  if (placed === null) throw new TypeError(`Cannot find "${path.name}" in its own schema`);
  const { repeated, ...ref } = placed;
  if (!repeated) return ref;
  throw invalidColumn(
    "filter_repeated_column",
    path.name,
    `Cannot filter by "${path.name}": it lies inside a list or map, where a row has many values`,
  );
}

function exactResolver(schema: Schema): (name: string) => FieldPath {
  return (name) => {
    const found = schema.findByName(name);
    if (found === undefined) throw unknownColumn(name);
    return found;
  };
}

function foldingResolver(schema: Schema): (name: string) => FieldPath {
  const byFoldedName = new Map<string, FieldPath[]>();
  for (const path of schema.allFields()) {
    const folded = path.name.toLowerCase();
    byFoldedName.set(folded, [...(byFoldedName.get(folded) ?? []), path]);
  }
  return (name) => {
    const [found, other] = byFoldedName.get(name.toLowerCase()) ?? [];
    if (found === undefined) throw unknownColumn(name);
    if (other === undefined) return found;
    throw invalidColumn(
      "filter_ambiguous_column",
      name,
      `Cannot tell which column "${name}" means: "${found.name}" or "${other.name}"`,
    );
  };
}

function onlyLiteral(predicate: Predicate): Literal {
  const [only] = predicate.literals;
  if (only === undefined || predicate.literals.length > 1) {
    throw new TypeError(
      `Cannot bind ${predicate.op} with ${predicate.literals.length} literals: wants one`,
    );
  }
  return only;
}

function unknownColumn(name: string): AppError {
  return invalidColumn(
    "filter_unknown_column",
    name,
    `Cannot find column "${name}" in the table's schema`,
  );
}

function invalidColumn(code: string, column: string, message: string): AppError {
  return new AppError("invalid", code, message, { issues: [{ path: column, message }] });
}

function filterTooLarge(message: string): AppError {
  return new AppError("invalid", "filter_too_large", message);
}
