/**
 * Literals in the memory form of a column's type. Nothing is rounded silently: a literal that
 * falls between two values of the type, or outside its range, is reported as such, and
 * `bind.ts` folds the comparison accordingly (`int_column < 5.5` is `int_column <= 5`).
 */
import { AppError } from "../../errors.ts";
import type { PrimitiveType, Type } from "../spec/types.ts";
import { NANOS_PER_DAY, parseIsoDate, parseIsoTime, parseIsoTimestamp } from "./_iso_time.ts";
import type { ScalarValue } from "./bound.ts";
import { formatLiteral, type Literal } from "./literal.ts";

/** Where a literal lies among the values of a type. */
export type ConvertedLiteral =
  | { readonly kind: "exact"; readonly value: ScalarValue }
  /** Greater than `floor` and less than the type's next value. */
  | { readonly kind: "between"; readonly floor: ScalarValue }
  | { readonly kind: "above_max" }
  | { readonly kind: "below_min" };

const INT_RANGE = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const LONG_RANGE = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_FLOAT = 3.4028234663852886e38;

/** Converts a literal for a column. Errors: kind `invalid`, code `filter_type_mismatch`. */
export function convertLiteral(
  literal: Literal,
  column: { readonly name: string; readonly type: Type },
): ConvertedLiteral {
  const converted = tryConvert(literal, column.type);
  if (converted === null) throw typeMismatch(column, `with ${formatLiteral(literal)}`);
  return converted;
}

/** `Cannot compare column "a" of type int with ...`, the column being the issue's path. */
export function typeMismatch(
  column: { readonly name: string; readonly type: Type },
  attempt: string,
): AppError {
  const message = `Cannot compare column "${column.name}" of type ${
    nameOf(column.type)
  } ${attempt}`;
  return new AppError("invalid", "filter_type_mismatch", message, {
    issues: [{ path: column.name, message }],
  });
}

function tryConvert(literal: Literal, type: Type): ConvertedLiteral | null {
  switch (type.kind) {
    case "boolean":
      return literal.kind === "boolean" ? exact(literal.value) : null;
    case "int":
      return toInteger(literal, INT_RANGE, Number);
    case "long":
      return toInteger(literal, LONG_RANGE, (value) => value);
    case "decimal":
      return toDecimal(literal, type);
    case "float":
    case "double":
      return toFloating(literal, type.kind);
    case "string":
      // Lone surrogates have no UTF-8 form, so no stored string equals or orders by them.
      return literal.kind === "string" && literal.value.isWellFormed()
        ? exact(literal.value)
        : null;
    case "uuid":
      return toUuid(literal);
    case "fixed":
      return literal.kind === "binary" && literal.value.length === type.length
        ? exact(literal.value)
        : null;
    case "binary":
      return literal.kind === "binary" ? exact(literal.value) : null;
    case "time":
      return toTime(literal);
    case "date":
    case "timestamp":
    case "timestamp_ns":
    case "timestamptz":
    case "timestamptz_ns":
      return toTimestamp(literal, type.kind);
    default:
      return null;
  }
}

function exact(value: ScalarValue): ConvertedLiteral {
  return { kind: "exact", value };
}

/** Floors `unscaled / divisor` into a range of integers. */
function floorInto(
  fraction: { readonly unscaled: bigint; readonly divisor: bigint },
  range: readonly [bigint, bigint],
  toValue: (floor: bigint) => ScalarValue,
): ConvertedLiteral {
  const { unscaled, divisor } = fraction;
  const remainder = ((unscaled % divisor) + divisor) % divisor;
  const floor = (unscaled - remainder) / divisor;
  if (floor < range[0]) return { kind: "below_min" };
  if (floor > range[1]) return { kind: "above_max" };
  return remainder === 0n ? exact(toValue(floor)) : { kind: "between", floor: toValue(floor) };
}

function toInteger(
  literal: Literal,
  range: readonly [bigint, bigint],
  toValue: (floor: bigint) => ScalarValue,
): ConvertedLiteral | null {
  const decimal = asDecimal(literal);
  if (decimal === null || "kind" in decimal) return decimal;
  const { unscaled, scale } = decimal;
  return floorInto({ unscaled, divisor: 10n ** BigInt(scale) }, range, toValue);
}

function toDecimal(
  literal: Literal,
  type: { readonly precision: number; readonly scale: number },
): ConvertedLiteral | null {
  const decimal = asDecimal(literal);
  if (decimal === null || "kind" in decimal) return decimal;
  const limit = 10n ** BigInt(type.precision) - 1n;
  return floorInto(
    {
      unscaled: decimal.unscaled * 10n ** BigInt(type.scale),
      divisor: 10n ** BigInt(decimal.scale),
    },
    [-limit, limit],
    (floor) => floor,
  );
}

/** Exact digits of a numeric literal; infinities lie outside every exact type. */
function asDecimal(
  literal: Literal,
): { readonly unscaled: bigint; readonly scale: number } | ConvertedLiteral | null {
  if (literal.kind === "decimal") return { unscaled: literal.unscaled, scale: literal.scale };
  if (literal.kind !== "double") return null;
  if (!Number.isFinite(literal.value)) {
    return { kind: literal.value > 0 ? "above_max" : "below_min" };
  }
  // The shortest decimal text is what the caller wrote: 0.1 means 0.1, not its binary neighbour.
  const [mantissa = "0", exponentText = "0"] = String(literal.value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const digits = BigInt(whole + fraction);
  const scale = fraction.length - Number(exponentText);
  return scale >= 0
    ? { unscaled: digits, scale }
    : { unscaled: digits * 10n ** BigInt(-scale), scale: 0 };
}

function toFloating(literal: Literal, kind: "float" | "double"): ConvertedLiteral | null {
  let value: number;
  if (literal.kind === "double") value = literal.value;
  else if (literal.kind === "decimal") value = Number(`${literal.unscaled}e-${literal.scale}`);
  else return null;
  // As in Iceberg, a literal takes the column's width. Beyond it, comparing as is stays exact.
  const narrow = kind === "float" && Math.abs(value) <= MAX_FLOAT;
  return exact(narrow ? Math.fround(value) : value);
}

function toUuid(literal: Literal): ConvertedLiteral | null {
  if (literal.kind === "binary" && literal.value.length === 16) {
    const hex = Array.from(literal.value, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return exact(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"));
  }
  if (literal.kind !== "string") return null;
  const text = literal.value.toLowerCase();
  return UUID.test(text) ? exact(text) : null;
}

function toTime(literal: Literal): ConvertedLiteral | null {
  const nanos = literal.kind === "string" ? parseIsoTime(literal.value) : null;
  if (nanos === null) return null;
  return floorInto({ unscaled: nanos, divisor: 1000n }, LONG_RANGE, (floor) => floor);
}

function toTimestamp(
  literal: Literal,
  kind: "date" | "timestamp" | "timestamp_ns" | "timestamptz" | "timestamptz_ns",
): ConvertedLiteral | null {
  const time = asTimestamp(literal);
  if (time === null) return null;
  // A wall-clock column cannot be compared with a point in time; the reverse reads it as UTC.
  if (time.zoned && !kind.startsWith("timestamptz")) return null;
  const unscaled = time.nanos;
  if (kind === "date") return floorInto({ unscaled, divisor: NANOS_PER_DAY }, INT_RANGE, Number);
  const divisor = kind.endsWith("_ns") ? 1n : 1000n;
  return floorInto({ unscaled, divisor }, LONG_RANGE, (floor) => floor);
}

function asTimestamp(literal: Literal): { readonly nanos: bigint; readonly zoned: boolean } | null {
  switch (literal.kind) {
    case "date":
      return { nanos: BigInt(literal.days) * NANOS_PER_DAY, zoned: false };
    case "timestamp":
      return literal;
    case "string": {
      const days = parseIsoDate(literal.value);
      if (days !== null) return { nanos: BigInt(days) * NANOS_PER_DAY, zoned: false };
      return parseIsoTimestamp(literal.value);
    }
    default:
      return null;
  }
}

function nameOf(type: Type): string {
  if (type.kind === "decimal") return `decimal(${type.precision},${type.scale})`;
  if (type.kind === "fixed") return `fixed[${type.length}]`;
  return (type as PrimitiveType).kind;
}
