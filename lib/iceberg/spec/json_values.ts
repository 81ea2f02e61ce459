/** Values as JSON (spec Appendix D, "JSON single-value serialization"): column defaults use it. */
import { type AppError, corruptData } from "../../errors.ts";
import { type JsonArray, JsonNumberText, type JsonOutput, type JsonValue } from "../../json.ts";
import { parseDays, parseTime, parseTimestamp } from "./_iso_time.ts";
import { formatDouble, formatFloat, parseDecimal } from "./_number_text.ts";
import { formatValue, MICROS_PER_SECOND, NANOS_PER_SECOND } from "./format_value.ts";
import type { IcebergValue, MapType, PrimitiveType, StructType, Type } from "./types.ts";

const CANONICAL_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NON_FINITE: ReadonlyMap<JsonValue, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/**
 * Reads a JSON single value. Null is null for every type; fields absent from a struct are null.
 * Throws `corrupt_data` (code `invalid_value`) where the JSON is not a value of the type.
 */
export function valueFromJson(type: Type, json: JsonValue): IcebergValue {
  if (json === null) return null;
  switch (type.kind) {
    case "boolean":
      return typeof json === "boolean" ? json : fail(type, json);
    case "int":
      return typeof json === "number" && (json | 0) === json ? json : fail(type, json);
    case "long":
      return longFromJson(type, json);
    case "float":
    case "double":
      return floatFromJson(type, json);
    case "list":
      if (!isArray(json)) return fail(type, json);
      return json.map((element) => valueFromJson(type.element, element));
    case "map":
      return mapFromJson(type, json);
    case "struct":
      return structFromJson(type, json);
    case "unknown":
    case "variant":
      // Their defaults must be null (spec "Default values").
      return fail(type, json);
    default:
      return typeof json === "string" ? valueFromText(type, json) : fail(type, json);
  }
}

/** Inverse of {@linkcode valueFromJson}; floats keep a decimal point, which Java insists on. */
export function valueToJson(type: Type, value: IcebergValue): JsonOutput {
  if (value === null) return null;
  switch (type.kind) {
    case "boolean":
    case "int":
    case "long":
    case "string":
    case "uuid":
    case "geometry":
    case "geography":
      return scalar(type, value);
    case "float":
    case "double":
      return floatToJson(type, value);
    case "fixed":
    case "binary":
      return value instanceof Uint8Array ? value.toHex() : mismatch(type, value);
    case "list":
      if (!isList(value)) return mismatch(type, value);
      return value.map((element) => valueToJson(type.element, element));
    case "map":
      return mapToJson(type, value);
    case "struct":
      if (!isList(value)) return mismatch(type, value);
      return Object.fromEntries(
        type.fields.map((field, i) => [field.id, valueToJson(field.type, value[i] ?? null)])
          .filter(([, json]) => json !== null),
      );
    case "unknown":
    case "variant":
      return mismatch(type, value);
    default:
      return formatValue(type, value);
  }
}

function longFromJson(type: Type, json: JsonValue): bigint {
  if (typeof json === "number" && Number.isSafeInteger(json)) return BigInt(json);
  if (typeof json === "bigint" && BigInt.asIntN(64, json) === json) return json;
  return fail(type, json);
}

function floatFromJson(type: PrimitiveType, json: JsonValue): number {
  // Jackson, which Java writes with, quotes what JSON numbers cannot express.
  const value = typeof json === "number" || typeof json === "bigint"
    ? Number(json)
    : NON_FINITE.get(json);
  if (value === undefined) return fail(type, json);
  return type.kind === "float" ? Math.fround(value) : value;
}

function valueFromText(type: PrimitiveType, text: string): IcebergValue {
  switch (type.kind) {
    case "decimal": {
      const unscaled = parseDecimal(text, type.scale);
      const bound = 10n ** BigInt(type.precision);
      if (unscaled === null || unscaled >= bound || unscaled <= -bound) return fail(type, text);
      return unscaled;
    }
    case "date":
      return inRange(type, text, parseDays(text));
    case "time":
      return parseTime(text, MICROS_PER_SECOND) ?? fail(type, text);
    case "timestamp":
      return inRange(type, text, parseTimestamp(text, MICROS_PER_SECOND));
    case "timestamptz":
      return inRange(type, text, parseTimestamp(withoutZone(type, text), MICROS_PER_SECOND));
    case "timestamp_ns":
      return inRange(type, text, parseTimestamp(text, NANOS_PER_SECOND));
    case "timestamptz_ns":
      return inRange(type, text, parseTimestamp(withoutZone(type, text), NANOS_PER_SECOND));
    case "uuid": {
      const lower = text.toLowerCase();
      return CANONICAL_UUID.test(lower) ? lower : fail(type, text);
    }
    case "fixed":
      return text.length === 2 * type.length ? hexToBytes(type, text) : fail(type, text);
    case "binary":
      return hexToBytes(type, text);
    default:
      return text;
  }
}

function mapFromJson(type: MapType, json: JsonValue): IcebergValue {
  if (!isObject(json)) return fail(type, json);
  const { keys, values } = json;
  if (keys === undefined || !isArray(keys) || values === undefined || !isArray(values)) {
    return fail(type, json);
  }
  if (keys.length !== values.length || keys.includes(null)) return fail(type, json);
  return keys.map((key, i) => [
    valueFromJson(type.key, key),
    valueFromJson(type.value, values[i] ?? null),
  ]);
}

function structFromJson(type: StructType, json: JsonValue): IcebergValue {
  if (!isObject(json)) return fail(type, json);
  return type.fields.map((field) => valueFromJson(field.type, json[String(field.id)] ?? null));
}

function mapToJson(type: MapType, value: IcebergValue): JsonOutput {
  if (!isList(value)) return mismatch(type, value);
  const entries = value.map((entry) => isList(entry) ? entry : mismatch(type, entry));
  return {
    keys: entries.map(([key = null]) => valueToJson(type.key, key)),
    values: entries.map(([, member = null]) => valueToJson(type.value, member)),
  };
}

function floatToJson(type: PrimitiveType, value: IcebergValue): JsonOutput {
  if (typeof value !== "number") return mismatch(type, value);
  const text = type.kind === "float" ? formatFloat(value) : formatDouble(value);
  return Number.isFinite(value) ? new JsonNumberText(text) : text;
}

function scalar(type: Type, value: IcebergValue): JsonOutput {
  return typeof value !== "object" ? value : mismatch(type, value);
}

/** Zoned text must be UTC (spec Appendix D). */
function withoutZone(type: PrimitiveType, text: string): string {
  const match = /^(.*)(?:Z|[+-]00:00)$/.exec(text);
  return match?.[1] ?? fail(type, text);
}

/** `days` fit an int, `units` a long. */
function inRange<T extends number | bigint>(type: PrimitiveType, text: string, value: T | null): T {
  if (value === null) return fail(type, text);
  const fits = typeof value === "number"
    ? (value | 0) === value
    : BigInt.asIntN(64, value) === value;
  return fits ? value : fail(type, text);
}

function hexToBytes(type: PrimitiveType, text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) return fail(type, text);
  return Uint8Array.fromHex(text);
}

function isArray(json: JsonValue): json is JsonArray {
  return Array.isArray(json);
}

function isObject(json: JsonValue): json is { readonly [key: string]: JsonValue } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function isList(value: IcebergValue): value is readonly IcebergValue[] {
  return Array.isArray(value);
}

/** Longest piece of a wrong value that an error repeats. */
const MAX_QUOTED = 64;

function fail(type: Type, json: JsonValue): never {
  const shown = typeof json === "string"
    ? `"${json.slice(0, MAX_QUOTED)}"`
    : typeof json === "object"
    ? isArray(json) ? "an array" : "an object"
    : String(json).slice(0, MAX_QUOTED);
  const error: AppError = corruptData(
    "invalid_value",
    `Cannot read ${shown} as a ${type.kind} value`,
  );
  throw error;
}

function mismatch(type: Type, value: IcebergValue): never {
  throw new TypeError(`Cannot write a value of type ${typeof value} as ${type.kind}`);
}
