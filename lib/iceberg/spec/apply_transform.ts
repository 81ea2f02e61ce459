/** Partition values from column values, and their text in partition paths. */
import { civilFromDays, floorDiv, formatDays, formatYear, pad } from "./_iso_time.ts";
import { murmur3, murmur3Long } from "./_murmur3.ts";
import { formatValue } from "./format_value.ts";
import { canTransform, formatTransform, type Transform, transformResultType } from "./transform.ts";
import { type IcebergValue, isPrimitive, type Type } from "./types.ts";
import { bigintToBytes, uuidToBytes } from "./values.ts";

const EPOCH_YEAR = 1970;
const MICROS_PER_HOUR = 3_600_000_000n;
const NANOS_PER_HOUR = 3_600_000_000_000n;
const NANOS_PER_MICRO = 1_000n;
const UTF8 = new TextEncoder();

/**
 * The partition value of a column's value; null for null. A transform that is unknown or not defined
 * for the type is a `TypeError`: ask {@linkcode canTransform} first.
 */
export function applyTransform(
  transform: Transform,
  sourceType: Type,
  value: IcebergValue,
): IcebergValue {
  if (transform.kind === "void" || value === null) return null;
  if (!canTransform(transform, sourceType)) throw notDefined(transform, sourceType);
  switch (transform.kind) {
    case "identity":
      return value;
    case "bucket":
      return (hashValue(sourceType, value) & 0x7fffffff) % transform.numBuckets;
    case "truncate":
      return truncate(sourceType, value, transform.width);
    case "hour":
      return hoursSinceEpoch(sourceType, value);
    case "day":
      return daysSinceEpoch(sourceType, value);
    case "month": {
      const { year, month } = civilFromDays(daysSinceEpoch(sourceType, value));
      return (year - EPOCH_YEAR) * 12 + month - 1;
    }
    case "year":
      return civilFromDays(daysSinceEpoch(sourceType, value)).year - EPOCH_YEAR;
    case "unknown":
      throw notDefined(transform, sourceType);
  }
}

/** The 32-bit hash of a value (spec Appendix B), for the types that buckets are defined for. */
export function hashValue(type: Type, value: IcebergValue): number {
  if (value instanceof Uint8Array) return murmur3(value);
  if (typeof value === "string") {
    return murmur3(type.kind === "uuid" ? uuidToBytes(value) : UTF8.encode(value));
  }
  if (typeof value === "number") return murmur3Long(BigInt(value));
  if (typeof value !== "bigint") {
    throw new TypeError(`Cannot hash a value of type ${typeof value} as ${type.kind}`);
  }
  if (type.kind === "decimal") return murmur3(bigintToBytes(value));
  const nanos = type.kind === "timestamp_ns" || type.kind === "timestamptz_ns";
  return murmur3Long(nanos ? floorDiv(value, NANOS_PER_MICRO) : value);
}

/**
 * A partition value as the reference implementation names folders: `2024`, `2024-01`, `2024-01-31`,
 * `2024-01-31-07`, otherwise as `formatValue`. Not escaped for use in a path.
 */
export function formatPartitionValue(
  transform: Transform,
  sourceType: Type,
  value: IcebergValue,
): string {
  if (value === null) return "null";
  if (typeof value === "number") {
    switch (transform.kind) {
      case "year":
        return formatYear(EPOCH_YEAR + value);
      case "month":
        return `${formatYear(EPOCH_YEAR + Math.floor(value / 12))}-${
          pad((value % 12 + 12) % 12 + 1, 2)
        }`;
      case "day":
        return formatDays(value);
      case "hour":
        return `${formatDays(Math.floor(value / 24))}-${pad((value % 24 + 24) % 24, 2)}`;
    }
  }
  const type = transformResultType(transform, sourceType);
  return isPrimitive(type) ? formatValue(type, value) : String(value);
}

function truncate(type: Type, value: IcebergValue, width: number): IcebergValue {
  if (typeof value === "string") return truncateCodePoints(value, width);
  if (value instanceof Uint8Array) return value.slice(0, width);
  // Below the smallest multiple of the width, the result wraps as it does in Java.
  if (typeof value === "number") return (value - (value % width + width) % width) | 0;
  if (typeof value !== "bigint") throw new TypeError(`Cannot truncate a ${typeof value} value`);
  const step = BigInt(width);
  const truncated = value - (value % step + step) % step;
  return type.kind === "long" ? BigInt.asIntN(64, truncated) : truncated;
}

/** The first `length` code points; a surrogate pair is never split. */
function truncateCodePoints(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let points = 0; points < length && end < text.length; points++) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

function hoursSinceEpoch(type: Type, value: IcebergValue): number {
  if (typeof value !== "bigint") throw new TypeError(`Cannot take hours of a ${typeof value}`);
  const nanos = type.kind === "timestamp_ns" || type.kind === "timestamptz_ns";
  return Number(floorDiv(value, nanos ? NANOS_PER_HOUR : MICROS_PER_HOUR));
}

function daysSinceEpoch(type: Type, value: IcebergValue): number {
  if (typeof value === "number") return value;
  return Math.floor(hoursSinceEpoch(type, value) / 24);
}

function notDefined(transform: Transform, type: Type): TypeError {
  return new TypeError(`Cannot apply ${formatTransform(transform)} to a ${type.kind} value`);
}
