/** Sort orders from the text that Spark's `WRITE ORDERED BY` and `rewrite_data_files` take. */
import { AppError } from "../../errors.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import type { SortField } from "../spec/sort_order.ts";
import { DdlCursor, isWord } from "./_cursor.ts";
import { readColumn, readTerm, requireDefined, takeKeyword } from "./_term.ts";
import { describeToken } from "./_tokens.ts";

/** Fields of one order; no reader takes more. */
const MAX_SORT_FIELDS = 1_000;

/** How rows are to be laid out. */
export type ParsedSortOrder =
  | { readonly kind: "sort"; readonly fields: readonly SortField[] }
  /** Interleaves the bits of several columns; no sort order of the specification, so for rewrites only. */
  | { readonly kind: "zorder"; readonly columns: readonly FieldPath[] };

/**
 * Parses `ts desc nulls last, bucket(16, id)` or `zorder(a, b)`. Unless said, order is ascending, and
 * nulls come first ascending, last descending. Throws `invalid` (code `sort_order_syntax`) with
 * position and remedy; `ambiguous_column` as `findColumn` does.
 */
export function parseSortOrder(text: string, schema: Schema): ParsedSortOrder {
  const cursor = new DdlCursor({ what: "sort order", code: "sort_order_syntax", text });
  const isZorder = isWord(cursor.peek(), "ZORDER") && isOpening(cursor.peek(1));
  const order = isZorder ? readZorder(cursor, schema) : readSort(cursor, schema);
  cursor.expectEnd();
  return order;
}

/** A table's sort order from its fields' texts, one or several in each; a z-order is refused. */
export function parseSortFields(texts: readonly string[], schema: Schema): readonly SortField[] {
  const fields = texts.flatMap((text) => {
    const order = parseSortOrder(text, schema);
    if (order.kind === "sort") return order.fields;
    throw sortInvalid(text, "Iceberg keeps no z-order, name it when you compact");
  });
  const seen = new Set<string>();
  for (const { sourceIds, transform } of fields) {
    const key = JSON.stringify([sourceIds, transform]);
    if (seen.has(key)) {
      const name = schema.findById(sourceIds[0] ?? 0)?.name ?? "";
      throw sortInvalid(texts.join(", "), `it has ${name} twice`);
    }
    seen.add(key);
  }
  if (fields.length > MAX_SORT_FIELDS) {
    throw sortInvalid(texts.join(", "), `it has more than ${MAX_SORT_FIELDS} fields`);
  }
  return fields;
}

function readSort(cursor: DdlCursor, schema: Schema): ParsedSortOrder {
  // Spark takes the whole list in parentheses too.
  const enclosed = cursor.takeSymbol("(");
  const fields: SortField[] = [];
  do fields.push(readSortField(cursor, schema)); while (cursor.takeSymbol(","));
  if (enclosed) cursor.expectSymbol(")");
  return { kind: "sort", fields };
}

function readSortField(cursor: DdlCursor, schema: Schema): SortField {
  const { transform, source } = readTerm(cursor, schema);
  const direction = takeKeyword(cursor, "ASC", "DESC") === "DESC" ? "desc" : "asc";
  return {
    sourceIds: [source.field.id],
    transform,
    direction,
    nullOrder: readNullOrder(cursor) ?? (direction === "asc" ? "nulls-first" : "nulls-last"),
  };
}

function readNullOrder(cursor: DdlCursor): SortField["nullOrder"] | null {
  if (!cursor.takeWord("NULLS")) return null;
  const token = cursor.peek();
  const place = takeKeyword(cursor, "FIRST", "LAST");
  if (place === null) {
    throw cursor.fail(token.at, `FIRST or LAST is wanted, not ${describeToken(token)}`);
  }
  return place === "FIRST" ? "nulls-first" : "nulls-last";
}

function readZorder(cursor: DdlCursor, schema: Schema): ParsedSortOrder {
  cursor.take();
  cursor.expectSymbol("(");
  const columns: FieldPath[] = [];
  do {
    const { at } = cursor.peek();
    const column = readColumn(cursor, schema);
    requireDefined({ transform: { kind: "identity" }, source: column }, { cursor, schema, at });
    if (columns.some(({ field }) => field.id === column.field.id)) {
      throw cursor.fail(at, `${column.name} is there twice`);
    }
    columns.push(column);
  } while (cursor.takeSymbol(","));
  cursor.expectSymbol(")");
  return { kind: "zorder", columns };
}

function isOpening(token: { readonly kind: string; readonly text?: string }): boolean {
  return token.kind === "symbol" && token.text === "(";
}

function sortInvalid(text: string, problem: string): AppError {
  const message = `Cannot sort by "${text.slice(0, 64)}": ${problem}`;
  return new AppError("invalid", "invalid_sort_order", message);
}
