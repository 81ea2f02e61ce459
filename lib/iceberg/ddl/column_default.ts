/** Column defaults (format v3, spec "Default values") as the API takes and shows them. */
import { AppError } from "../../errors.ts";
import { JsonNumberText, type JsonValue, parseJson, stringifyJson } from "../../json.ts";
import { type IcebergValue, isPrimitive, type PrimitiveType, type Type } from "../spec/types.ts";
import { valueFromJson, valueToJson } from "../spec/values.ts";
import { formatSqlType } from "./format_sql_type.ts";

/** A default as JSON holds it without losing any of it. */
export type DefaultText = boolean | number | string;

/** Longest piece of a wrong value that an error repeats. */
const MAX_QUOTED = 64;
/** What a value of a type looks like, for errors. */
const EXAMPLES: Readonly<Partial<Record<PrimitiveType["kind"], string>>> = {
  int: "a whole number of 32 bits",
  long: "a whole number of 64 bits, as text beyond 2^53",
  date: '"2024-01-31"',
  time: '"23:59:59.5"',
  timestamp: '"2024-01-31T23:59:59"',
  timestamp_ns: '"2024-01-31T23:59:59"',
  timestamptz: '"2024-01-31T23:59:59Z"',
  timestamptz_ns: '"2024-01-31T23:59:59Z"',
  decimal: '"12.50", with digits for the scale',
  binary: 'hex digits, "00ff"',
  fixed: 'hex digits, "00ff", for every byte',
};

/**
 * A default in memory form. Numbers may come as text, which 64-bit integers and decimals need to be
 * exact; timestamps may have a blank for the `T`. Throws `invalid` (code `invalid_default`) where
 * the value is none of the type, or the type can have no default but null.
 */
export function parseDefault(type: Type, value: DefaultText): IcebergValue {
  const name = formatSqlType(type);
  if (!isPrimitive(type) || ["unknown", "variant", "geometry", "geography"].includes(type.kind)) {
    throw defaultInvalid(value, `columns of type ${name} default to null only`);
  }
  const parsed = tryParse(type, toJson(type, value));
  if (parsed !== undefined) return parsed;
  const example = EXAMPLES[type.kind];
  throw defaultInvalid(
    value,
    `it is no ${name}${example === undefined ? "" : `; such a value is ${example}`}`,
  );
}

/** Inverse of {@linkcode parseDefault}: integers beyond 2^53 and decimals are text. */
export function formatDefault(type: Type, value: Exclude<IcebergValue, null>): DefaultText {
  const json = valueToJson(type, value);
  if (typeof json === "boolean" || typeof json === "string") return json;
  if (json instanceof JsonNumberText) return Number(json.text);
  if (typeof json === "bigint" || typeof json === "number") {
    const number = Number(json);
    return Number.isSafeInteger(number) ? number : String(json);
  }
  // Defaults of nested columns, which other writers may have set.
  return stringifyJson(json);
}

function tryParse(type: PrimitiveType, json: JsonValue): IcebergValue | undefined {
  try {
    return valueFromJson(type, json);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return undefined;
  }
}

/** The JSON that metadata would hold: a number for numbers, text for decimals and times. */
function toJson(type: PrimitiveType, value: DefaultText): JsonValue {
  switch (type.kind) {
    case "int":
    case "long":
    case "float":
    case "double":
      return typeof value === "string" && /^-?\d/.test(value) ? numberFrom(value) : value;
    case "decimal":
      return typeof value === "number" ? String(value) : value;
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return typeof value === "string" ? value.replace(" ", "T") : value;
    default:
      return value;
  }
}

function numberFrom(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return text;
  }
}

function defaultInvalid(value: DefaultText, problem: string): AppError {
  const shown = typeof value === "string" ? `"${value.slice(0, MAX_QUOTED)}"` : String(value);
  return new AppError("invalid", "invalid_default", `Cannot use ${shown} as a default: ${problem}`);
}
