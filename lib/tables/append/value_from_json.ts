/**
 * Values of rows as clients write them in JSON, in memory form. What `POST /api/query` puts out goes
 * in again: 64-bit integers and decimals as numbers or as text, times in ISO 8601, bytes in base64,
 * maps as objects or as lists of pairs. Nothing is rounded: a value that its type cannot hold is
 * refused with what it should look like.
 */
import { AppError } from "../../errors.ts";
import { convertLiteral } from "../../iceberg/expression/convert_literal.ts";
import type { Literal } from "../../iceberg/expression/literal.ts";
import type { JsonValue } from "../../json.ts";
import type {
  IcebergValue,
  ListType,
  MapType,
  NestedField,
  PrimitiveType,
  StructType,
  Type,
} from "../../iceberg/spec/types.ts";
import { formatSqlType } from "../../iceberg/ddl/format_sql_type.ts";

/** A value that is none of its column; the message says why, `path` where. */
export class RowValueError extends Error {
  override readonly name = "RowValueError";
  /** Full dotted name of the column. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** Longest piece of a wrong value that an error repeats, in UTF-16 units. */
const MAX_QUOTED = 64;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d{1,4}))?$/;

/** Where a value belongs. */
export interface ValueSite {
  readonly type: Type;
  /** Full dotted name of the column. */
  readonly path: string;
}

/** Where the values of an object belong. */
export interface RowSite {
  readonly fields: readonly NestedField[];
  /** Of the struct; empty for a whole row. */
  readonly path: string;
}

/** A JSON value as one of `type`; `path` names the column. Throws {@linkcode RowValueError}. */
export function valueFromRowJson(json: JsonValue, { type, path }: ValueSite): IcebergValue {
  if (json === null) return null;
  switch (type.kind) {
    case "struct":
      return structFrom(type, json, path);
    case "list":
      return listFrom(type, json, path);
    case "map":
      return mapFrom(type, json, path);
    default:
      return primitiveFrom(type, json, path);
  }
}

/** Values in the order of `fields`; absent ones have their default, or are null. Members that no field has are refused. */
export function rowFromJson(json: JsonValue, { fields, path }: RowSite): IcebergValue[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new RowValueError(path, `${quoteJson(json)} is no object`);
  }
  const members = new Map(Object.entries(json));
  const values = fields.map((field) => {
    const at = path === "" ? field.name : `${path}.${field.name}`;
    const json = members.get(field.name);
    const value = json === undefined
      ? field.writeDefault ?? null
      : valueFromRowJson(json, { type: field.type, path: at });
    members.delete(field.name);
    return value;
  });
  const [extra] = members.keys();
  if (extra === undefined) return values;
  const at = path === "" ? extra : `${path}.${extra}`;
  throw new RowValueError(at, "the table has no such column");
}

function structFrom(type: StructType, json: JsonValue, path: string): IcebergValue {
  return rowFromJson(json, { fields: type.fields, path });
}

function listFrom(type: ListType, json: JsonValue, path: string): IcebergValue {
  if (!Array.isArray(json)) throw new RowValueError(path, `${quoteJson(json)} is no list`);
  return json.map((one) => valueFromRowJson(one, { type: type.element, path: `${path}.element` }));
}

function mapFrom(type: MapType, json: JsonValue, path: string): IcebergValue {
  const pairs = Array.isArray(json)
    ? json.map((pair) => pairFrom(pair, path))
    : typeof json === "object" && json !== null
    ? Object.entries(json)
    : null;
  if (pairs === null) throw new RowValueError(path, `${quoteJson(json)} is no object of keys`);
  return pairs.map(([key, value]) => [
    valueFromRowJson(key, { type: type.key, path: `${path}.key` }),
    valueFromRowJson(value, { type: type.value, path: `${path}.value` }),
  ]);
}

function pairFrom(pair: JsonValue, path: string): readonly [JsonValue, JsonValue] {
  if (Array.isArray(pair) && pair.length === 2) return [pair[0], pair[1]];
  throw new RowValueError(path, `${quoteJson(pair)} is no pair of a key and a value`);
}

interface PrimitiveSite extends ValueSite {
  readonly type: PrimitiveType;
}

function primitiveFrom(type: PrimitiveType, json: JsonValue, path: string): IcebergValue {
  const literal = literalFrom(type, json);
  if (literal === null) throw mismatch(type, json, path);
  if (type.kind === "float" || type.kind === "double") return floatingFrom(json, { type, path });
  if (literal.kind === "string" && (type.kind === "binary" || type.kind === "fixed")) {
    return bytesFrom(literal.value, { type, path });
  }
  try {
    const converted = convertLiteral(literal, { name: path, type });
    if (converted.kind === "exact") return converted.value;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
  throw mismatch(type, json, path);
}

/** The literal that a filter would have for the value; null where JSON's type cannot be the column's. */
function literalFrom(type: PrimitiveType, json: JsonValue): Literal | null {
  switch (typeof json) {
    case "boolean":
      return { kind: "boolean", value: json };
    case "bigint":
      return { kind: "decimal", unscaled: json, scale: 0 };
    case "number":
      return numberLiteral(String(json));
    case "string":
      return ["int", "long", "decimal", "float", "double"].includes(type.kind)
        ? numberLiteral(json)
        : { kind: "string", value: json };
    default:
      return null;
  }
}

/** Exact, whatever its size; `NaN` and infinities only floating columns read. */
function numberLiteral(text: string): Literal | null {
  if (["NaN", "Infinity", "-Infinity"].includes(text)) return { kind: "string", value: text };
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const [mantissa = ""] = text.split(/[eE]/);
  const [whole = "", fraction = ""] = mantissa.replace("+", "").split(".");
  const scale = fraction.length - Number(match[1] ?? 0);
  const digits = BigInt(`${whole}${fraction}`.replace(/^(-?)$/, "$10"));
  return scale >= 0
    ? { kind: "decimal", unscaled: digits, scale }
    : { kind: "decimal", unscaled: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** Floating columns take the nearest number, but no finite one becomes an infinity. */
function floatingFrom(json: JsonValue, { type, path }: PrimitiveSite): number {
  const value = Number(json);
  const narrow = type.kind === "float" ? Math.fround(value) : value;
  const written = String(json);
  const meant = ["NaN", "Infinity", "-Infinity"].includes(written);
  if (Number.isFinite(narrow) || meant) return narrow;
  throw mismatch(type, json, path);
}

function bytesFrom(text: string, { type, path }: PrimitiveSite): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw mismatch(type, text, path);
  }
  if (type.kind === "fixed" && bytes.length !== type.length) throw mismatch(type, text, path);
  return bytes;
}

/** What a value of a type looks like, where its name does not say it. */
const EXAMPLES: Readonly<Partial<Record<PrimitiveType["kind"], string>>> = {
  int: "a whole number of 32 bits",
  long: "a whole number of 64 bits",
  decimal: "a number with no more digits than the type has",
  date: '"2024-01-31"',
  time: '"23:59:59.5"',
  timestamp: '"2024-01-31T23:59:59", without an offset',
  timestamp_ns: '"2024-01-31T23:59:59", without an offset',
  timestamptz: '"2024-01-31T23:59:59Z"',
  timestamptz_ns: '"2024-01-31T23:59:59Z"',
  binary: "bytes in base64",
  fixed: "that many bytes, in base64",
};

function mismatch(type: PrimitiveType, json: JsonValue, path: string): RowValueError {
  const example = EXAMPLES[type.kind];
  const hint = example === undefined ? "" : `; such a value is ${example}`;
  return new RowValueError(path, `${quoteJson(json)} is no ${formatSqlType(type)}${hint}`);
}

/** A JSON value as an error shows it. */
export function quoteJson(json: JsonValue): string {
  const text = typeof json === "object" && json !== null
    ? Array.isArray(json) ? "a list" : "an object"
    : typeof json === "string"
    ? JSON.stringify(json)
    : String(json);
  return text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}…`;
}
