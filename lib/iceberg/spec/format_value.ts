/** Values as people read them: the text that the reference implementation puts in partition paths. */
import { formatDays, formatTime, formatTimestamp } from "./_iso_time.ts";
import { formatDecimal, formatDouble, formatFloat } from "./_number_text.ts";
import type { IcebergValue, PrimitiveType } from "./types.ts";

/** Units per second of `time`, `timestamp` and `timestamptz`. */
export const MICROS_PER_SECOND = 1_000_000n;
/** Units per second of the `_ns` types. */
export const NANOS_PER_SECOND = 1_000_000_000n;

/**
 * Dates and times in ISO 8601 (with `+00:00` where the type has a zone), decimals by their scale,
 * bytes as base64, `null` for null. Not escaped for use in a path.
 */
export function formatValue(type: PrimitiveType, value: IcebergValue): string {
  if (value === null) return "null";
  if (value instanceof Uint8Array) return value.toBase64();
  if (typeof value === "number") {
    if (type.kind === "date") return formatDays(value);
    if (type.kind === "float") return formatFloat(value);
    return type.kind === "double" ? formatDouble(value) : String(value);
  }
  if (typeof value !== "bigint") return String(value);
  switch (type.kind) {
    case "decimal":
      return formatDecimal(value, type.scale);
    case "time":
      return formatTime(value, MICROS_PER_SECOND);
    case "timestamp":
      return formatTimestamp(value, MICROS_PER_SECOND);
    case "timestamptz":
      return `${formatTimestamp(value, MICROS_PER_SECOND)}+00:00`;
    case "timestamp_ns":
      return formatTimestamp(value, NANOS_PER_SECOND);
    case "timestamptz_ns":
      return `${formatTimestamp(value, NANOS_PER_SECOND)}+00:00`;
    default:
      return String(value);
  }
}
