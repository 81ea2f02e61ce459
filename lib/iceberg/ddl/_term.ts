/** Terms of partition fields and sort orders: `region`, `day(ts)`, `bucket(16, id)`. */
import type { FieldPath, Schema } from "../spec/schema.ts";
import { canTransform, formatTransform, type Transform } from "../spec/transform.ts";
import { isPrimitive } from "../spec/types.ts";
import { type DdlCursor, isInteger, isWord, MAX_INT } from "./_cursor.ts";
import { findColumn, formatColumnName } from "./column_name.ts";
import { describeToken } from "./_tokens.ts";
import { formatSqlType } from "./format_sql_type.ts";

/** A transform of one column. */
export interface Term {
  readonly transform: Transform;
  readonly source: FieldPath;
}

/** Spark's names and Iceberg's. */
const TRANSFORMS: Readonly<Record<string, "identity" | "year" | "month" | "day" | "hour">> = {
  IDENTITY: "identity",
  YEAR: "year",
  YEARS: "year",
  MONTH: "month",
  MONTHS: "month",
  DATE: "day",
  DAY: "day",
  DAYS: "day",
  DATE_HOUR: "hour",
  HOUR: "hour",
  HOURS: "hour",
};
const WIDTHS = { min: 1, max: MAX_INT };

/** Reads a term and checks that it is defined for its column. */
export function readTerm(cursor: DdlCursor, schema: Schema): Term {
  const { at } = cursor.peek();
  const next = cursor.peek(1);
  const applied = cursor.peek().kind === "word" && next.kind === "symbol" && next.text === "(";
  const term = applied
    ? readApplied(cursor, schema)
    : { transform: { kind: "identity" } as const, source: readColumn(cursor, schema) };
  requireDefined(term, { cursor, schema, at });
  return term;
}

/** Reads a column's name and finds the column. */
export function readColumn(cursor: DdlCursor, schema: Schema): FieldPath {
  const { at } = cursor.peek();
  const parts = cursor.path("a column name");
  const found = findColumn(schema, parts);
  if (found !== undefined) return found;
  throw cursor.fail(at, `there is no column ${formatColumnName(parts)}`);
}

function readApplied(cursor: DdlCursor, schema: Schema): Term {
  const name = cursor.name("a transform");
  cursor.expectSymbol("(");
  const upper = name.quoted ? "" : name.text.toUpperCase();
  if (upper === "BUCKET" || upper === "TRUNCATE") {
    const { width, source } = readWidthAndColumn(cursor, schema, upper.toLowerCase());
    const transform: Transform = upper === "BUCKET"
      ? { kind: "bucket", numBuckets: width }
      : { kind: "truncate", width };
    return { transform, source };
  }
  const kind = Object.hasOwn(TRANSFORMS, upper) ? TRANSFORMS[upper] : undefined;
  if (kind === undefined) {
    const known = "identity, bucket, truncate, year, month, day or hour";
    throw cursor.fail(name.at, `${describeToken(name)} is no transform, use ${known}`);
  }
  const source = readColumn(cursor, schema);
  cursor.expectSymbol(")");
  return { transform: { kind }, source };
}

/** `bucket(16, id)` and, as PyIceberg's users write it, `bucket(id, 16)`. */
function readWidthAndColumn(
  cursor: DdlCursor,
  schema: Schema,
  transform: string,
): { readonly width: number; readonly source: FieldPath } {
  const what = transform === "bucket" ? "the number of buckets" : "the width to truncate to";
  const first = cursor.peek();
  const widthFirst = first.kind === "word" && !first.quoted && isInteger(first.text);
  let width = widthFirst ? cursor.integer(what, WIDTHS) : 0;
  if (widthFirst) cursor.expectSymbol(",");
  const source = readColumn(cursor, schema);
  if (!widthFirst) {
    cursor.expectSymbol(",");
    width = cursor.integer(what, WIDTHS);
  }
  cursor.expectSymbol(")");
  return { width, source };
}

/** Where a term stands. */
export interface TermPlace {
  readonly cursor: DdlCursor;
  readonly schema: Schema;
  readonly at: number;
}

/** A column inside a list or a map has no one value a row (spec "Partitioning"). */
export function requireDefined({ transform, source }: Term, place: TermPlace): void {
  const { cursor, schema, at } = place;
  const { type } = source.field;
  if (!isPrimitive(type) || !canTransform(transform, type)) {
    const name = formatTransform(transform);
    const shown = formatSqlType(type);
    throw cursor.fail(at, `${name} is not defined for ${source.name}, which is ${shown}`);
  }
  if (isRepeated(schema, source)) {
    throw cursor.fail(at, `${source.name} lies in an array or a map, and has many values a row`);
  }
}

/** Whether a column lies inside a list or a map. */
function isRepeated(schema: Schema, column: FieldPath): boolean {
  let parentId = column.parentId;
  while (parentId !== null) {
    const parent = schema.findById(parentId);
    if (parent === undefined) return false;
    if (parent.field.type.kind !== "struct") return true;
    parentId = parent.parentId;
  }
  return false;
}

/** Takes `WORD` where it is followed by nothing that would make it a column. */
export function takeKeyword(cursor: DdlCursor, ...words: readonly string[]): string | null {
  const found = words.find((word) => isWord(cursor.peek(), word));
  if (found === undefined) return null;
  cursor.take();
  return found;
}
