/**
 * Parses Spark-like `where` strings into expressions. Grammar:
 *
 *     or         := and ("OR" and)*
 *     and        := unary ("AND" unary)*
 *     unary      := "NOT" unary | "(" or ")" | "isnan" "(" column ")" | TRUE | FALSE | test
 *     test       := column [comparison] | literal operator column
 *     comparison := operator literal | "IS" ["NOT"] ("NULL" | "NAN") | ["NOT"] "IN" "(" literals ")"
 *                 | ["NOT"] "BETWEEN" literal "AND" literal | ["NOT"] "LIKE" 'prefix%'
 *
 * SQL's logic has a third value, unknown, and keeps only rows for which the whole is true. Here
 * `NOT` is carried down to the tests, where "false" and "unknown" are told apart by a null test:
 * `NOT a = 1` becomes `a IS NOT NULL AND a <> 1`.
 */
import { AppError } from "../../errors.ts";
import { describeToken, isSymbol, isWord, WhereCursor } from "./_where_cursor.ts";
import { syntaxError, tokenizeWhere } from "./_where_tokens.ts";
import {
  alwaysFalse,
  alwaysTrue,
  and,
  type ComparisonOp,
  eq,
  type Expression,
  gt,
  gtEq,
  isIn,
  isNan,
  isNull,
  lt,
  ltEq,
  notEq,
  notIn,
  notNan,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from "./expression.ts";
import type { Literal } from "./literal.ts";

/** Longest `where` string, in UTF-16 units. */
export const MAX_WHERE_LENGTH = 65_536;
/** Deepest nesting of parentheses and NOT. */
export const MAX_WHERE_DEPTH = 64;

const BUILDERS = { eq, not_eq: notEq, lt, lt_eq: ltEq, gt, gt_eq: gtEq };

/** What `NOT (column op value)` is, where the column is not null. */
const NEGATED: Readonly<Record<ComparisonOp, ComparisonOp>> = {
  eq: "not_eq",
  not_eq: "eq",
  lt: "gt_eq",
  gt_eq: "lt",
  gt: "lt_eq",
  lt_eq: "gt",
};

/** What `value op column` is, with the column first. */
const MIRRORED: Readonly<Record<ComparisonOp, ComparisonOp>> = {
  eq: "eq",
  not_eq: "not_eq",
  lt: "gt",
  gt: "lt",
  lt_eq: "gt_eq",
  gt_eq: "lt_eq",
};

/**
 * Parses a filter. Errors are of kind `invalid`, `filter_syntax` with the position or
 * `filter_too_large`, and of kind `unsupported`, `filter_unsupported`, for patterns that no
 * statistics can answer.
 */
export function parseWhere(text: string): Expression {
  if (text.length > MAX_WHERE_LENGTH) {
    throw new AppError(
      "invalid",
      "filter_too_large",
      `Cannot parse a filter of ${text.length} characters: at most ${MAX_WHERE_LENGTH} are allowed`,
    );
  }
  const cursor = new WhereCursor(tokenizeWhere(text));
  const expression = disjunction(cursor, { negated: false, depth: 0 });
  const rest = cursor.peek();
  if (rest.kind === "end") return expression;
  throw syntaxError(rest.at, `${describeToken(rest)} is not expected here`);
}

/** Whether an odd number of `NOT`s stand around, and how deep we are. */
interface Place {
  readonly negated: boolean;
  readonly depth: number;
}

function disjunction(cursor: WhereCursor, place: Place): Expression {
  const operands = [conjunction(cursor, place)];
  while (cursor.takeWord("OR")) operands.push(conjunction(cursor, place));
  return place.negated ? and(...operands) : or(...operands);
}

function conjunction(cursor: WhereCursor, place: Place): Expression {
  const operands = [unary(cursor, place)];
  while (cursor.takeWord("AND")) operands.push(unary(cursor, place));
  return place.negated ? or(...operands) : and(...operands);
}

function unary(cursor: WhereCursor, place: Place): Expression {
  const { negated, depth } = place;
  const token = cursor.peek();
  if (depth > MAX_WHERE_DEPTH) {
    throw syntaxError(token.at, `more than ${MAX_WHERE_DEPTH} levels are nested`);
  }
  if (cursor.takeWord("NOT")) return unary(cursor, { negated: !negated, depth: depth + 1 });
  if (cursor.takeSymbol("(")) {
    const inner = disjunction(cursor, { negated, depth: depth + 1 });
    cursor.expectSymbol(")");
    return inner;
  }
  if (isWord(token, "ISNAN") && isSymbol(cursor.peek(1), "(")) {
    cursor.take();
    cursor.expectSymbol("(");
    const column = cursor.column();
    cursor.expectSymbol(")");
    return nanTest(column, negated);
  }
  return cursor.atLiteral() ? literalFirst(cursor, negated) : columnFirst(cursor, negated);
}

function literalFirst(cursor: WhereCursor, negated: boolean): Expression {
  const value = cursor.literal();
  const operator = cursor.takeOperator();
  if (operator !== null) {
    return comparison(cursor.column(), value, { op: MIRRORED[operator], negated });
  }
  if (value.kind === "boolean") return value.value === negated ? alwaysFalse : alwaysTrue;
  throw syntaxError(cursor.peek().at, "a comparison operator is missing after the value");
}

function columnFirst(cursor: WhereCursor, negated: boolean): Expression {
  const column = cursor.column();
  const op = cursor.takeOperator();
  if (op !== null) return comparison(column, cursor.literal(), { op, negated });
  if (cursor.takeWord("IS")) return isTest(cursor, column, negated);
  const inverts = cursor.takeWord("NOT");
  const inverted = inverts !== negated;
  if (cursor.takeWord("IN")) return membership(cursor, column, inverted);
  if (cursor.takeWord("BETWEEN")) return between(cursor, column, inverted);
  if (cursor.takeWord("LIKE")) return like(cursor, column, inverted);
  if (inverts) throw syntaxError(cursor.peek().at, "NOT wants IN, BETWEEN or LIKE here");
  // A column alone is a test of a boolean.
  return eq(column, !negated);
}

function isTest(cursor: WhereCursor, column: string, negated: boolean): Expression {
  const inverted = cursor.takeWord("NOT") !== negated;
  if (cursor.takeWord("NULL")) return inverted ? notNull(column) : isNull(column);
  if (cursor.takeWord("NAN")) return nanTest(column, inverted);
  throw syntaxError(cursor.peek().at, "IS wants NULL, NOT NULL, NAN or NOT NAN");
}

function membership(cursor: WhereCursor, column: string, negated: boolean): Expression {
  cursor.expectSymbol("(");
  const values = [cursor.literal()];
  while (cursor.takeSymbol(",")) values.push(cursor.literal());
  cursor.expectSymbol(")");
  return negated ? and(notNull(column), notIn(column, values)) : isIn(column, values);
}

function between(cursor: WhereCursor, column: string, negated: boolean): Expression {
  const low = cursor.literal();
  if (!cursor.takeWord("AND")) throw syntaxError(cursor.peek().at, "BETWEEN wants AND here");
  const high = cursor.literal();
  return negated
    ? or(lt(column, low), gt(column, high))
    : and(gtEq(column, low), ltEq(column, high));
}

function like(cursor: WhereCursor, column: string, negated: boolean): Expression {
  const { text, open } = cursor.likePattern();
  if (!open) return comparison(column, { kind: "string", value: text }, { op: "eq", negated });
  return negated ? and(notNull(column), notStartsWith(column, text)) : startsWith(column, text);
}

function comparison(
  column: string,
  value: Literal,
  test: { readonly op: ComparisonOp; readonly negated: boolean },
): Expression {
  const op = test.negated ? NEGATED[test.op] : test.op;
  const result = BUILDERS[op](column, value);
  return op === "not_eq" ? and(notNull(column), result) : result;
}

/** As in Spark, a null is not NaN, and so it is surely "not NaN". */
function nanTest(column: string, negated: boolean): Expression {
  return negated ? notNan(column) : isNan(column);
}
