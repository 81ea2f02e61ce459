/**
 * Columns by the names that clients write. A dot steps into a struct (`location.lat`, also through
 * the elements of a list and the values of a map), backticks keep one inside a name (`` `a.b` ``).
 */
import { AppError } from "../../errors.ts";
import type { FieldPath, Schema } from "../spec/schema.ts";
import type { NestedField, Type } from "../spec/types.ts";
import { readBackticks } from "./_tokens.ts";

/** Longest piece of a name that an error repeats. */
const MAX_QUOTED = 128;

/** Levels of a column name; text outside backticks is taken as it is. */
export function parseColumnName(text: string): readonly string[] {
  const parts: string[] = [];
  let at = 0;
  while (true) {
    const quoted = text[at] === "`" ? readBackticks(text, at) : null;
    const end = quoted?.end ?? dotAfter(text, at);
    if (text[at] === "`" && (quoted === null || (end < text.length && text[end] !== "."))) {
      throw nameInvalid(text, "a backtick in it has no partner, double the ones that are meant");
    }
    parts.push(quoted?.name ?? text.slice(at, end));
    if (end >= text.length) break;
    at = end + 1;
  }
  if (parts.includes("")) throw nameInvalid(text, "one of its levels is empty");
  return parts;
}

/** A level of a column name as DDL writes it: in backticks unless it is a plain identifier. */
export function quoteName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `\`${name.replaceAll("`", "``")}\``;
}

/** The inverse of {@linkcode parseColumnName}. */
export function formatColumnName(parts: readonly string[]): string {
  return parts.map(quoteName).join(".");
}

/** The levels of a field's name, from the top of the schema down. */
export function columnPath(schema: Schema, id: number): readonly string[] | null {
  const parts: string[] = [];
  let path = schema.findById(id);
  while (path !== undefined) {
    parts.push(path.field.name);
    path = path.parentId === null ? undefined : schema.findById(path.parentId);
  }
  return parts.length === 0 ? null : parts.reverse();
}

/**
 * Finds a column by levels: exactly, otherwise in any case where that names one alone. A level that
 * matches several and none exactly is `invalid` (code `ambiguous_column`). Undefined where there is
 * no such column.
 */
export function findColumn(schema: Schema, parts: readonly string[]): FieldPath | undefined {
  let fields: readonly NestedField[] = schema.fields;
  let found: NestedField | undefined;
  for (const part of parts) {
    found = pickField(fields, part, parts);
    if (found === undefined) return undefined;
    fields = childrenOf(found.type);
  }
  return found === undefined ? undefined : schema.findById(found.id);
}

/**
 * Finds a column by the text a client wrote. A text with dots may be a path or, as `GET schema`
 * shows it, the plain name of one top-level column; where it is both, that is `ambiguous_column`.
 * Undefined where it is neither.
 */
export function findColumnByText(schema: Schema, text: string): FieldPath | undefined {
  const literal = schema.fields.find(({ name }) => name === text);
  if (literal !== undefined && !text.includes(".")) return schema.findById(literal.id);
  // Quoted text is a path and nothing else.
  if (literal === undefined || text.includes("`")) return findColumn(schema, parseColumnName(text));
  const byPath = findColumn(schema, text.split("."));
  if (byPath === undefined || byPath.field.id === literal.id) return schema.findById(literal.id);
  throw new AppError(
    "invalid",
    "ambiguous_column",
    `Cannot use the column name "${shorten(text)}": it is both a path and the name of one ` +
      `column; write ${quoteName(shorten(text))} for the column, or quote each level`,
  );
}

/** Fields that a further level can name: of a list's element and a map's value too. */
function childrenOf(type: Type): readonly NestedField[] {
  if (type.kind === "struct") return type.fields;
  if (type.kind === "list") {
    const element = member(type.elementId, "element", type.element);
    return [element, ...structFields(type.element, ["element"])];
  }
  if (type.kind !== "map") return [];
  const members = [member(type.keyId, "key", type.key), member(type.valueId, "value", type.value)];
  return [...members, ...structFields(type.value, ["key", "value"])];
}

/** The short form `list.a` for `list.element.a`; the members themselves have precedence. */
function structFields(type: Type, taken: readonly string[]): readonly NestedField[] {
  if (type.kind !== "struct") return [];
  return type.fields.filter(({ name }) => !taken.includes(name.toLowerCase()));
}

function member(id: number, name: string, type: Type): NestedField {
  const rest = { doc: null, initialDefault: undefined, writeDefault: undefined };
  return { ...rest, id, name, type, required: false };
}

function pickField(
  fields: readonly NestedField[],
  name: string,
  parts: readonly string[],
): NestedField | undefined {
  const exact = fields.find((field) => field.name === name);
  if (exact !== undefined) return exact;
  const folded = name.toLowerCase();
  const alike = fields.filter((field) => field.name.toLowerCase() === folded);
  if (alike.length <= 1) return alike[0];
  const names = alike.map((field) => `"${shorten(field.name)}"`).join(" and ");
  throw new AppError(
    "invalid",
    "ambiguous_column",
    `Cannot use the column name "${shorten(formatColumnName(parts))}": ${names} differ from it ` +
      "in case only; write one of them exactly",
  );
}

function dotAfter(text: string, at: number): number {
  const dot = text.indexOf(".", at);
  return dot === -1 ? text.length : dot;
}

function nameInvalid(text: string, problem: string): AppError {
  const message = `Cannot use the column name "${shorten(text)}": ${problem}`;
  return new AppError("invalid", "invalid_column_name", message);
}

function shorten(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
