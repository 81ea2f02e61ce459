/** Time-zone arithmetic for SQL: the engine's own needs an extension that this build lacks. */
import { AppError } from "../errors.ts";

const MICROS_PER_MS = 1000n;
const HOUR_MS = 3_600_000;
/** Hours whose offset is remembered; a zone's rules change on the quarter hour at the earliest. */
const MAX_REMEMBERED = 100_000;
const SLOT_MS = HOUR_MS / 4;

/** Wall-clock time in a zone of an instant; both in microseconds since the epoch. */
export function instantToLocal(zone: string, micros: bigint): bigint {
  return micros + offsetMicros(zone, micros);
}

/**
 * The instant of a wall-clock time in a zone. A time that a clock change skips is read with the offset
 * before it, one that happens twice is the first.
 */
export function localToInstant(zone: string, micros: bigint): bigint {
  // The two offsets that may apply lie within a day on either side.
  const before = offsetMicros(zone, micros - 86_400_000_000n);
  const after = offsetMicros(zone, micros + 86_400_000_000n);
  const candidates = [micros - before, micros - after].filter((instant) =>
    instantToLocal(zone, instant) === micros
  ).sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
  return candidates[0] ?? micros - before;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, bigint>();

function offsetMicros(zone: string, micros: bigint): bigint {
  const ms = Number(micros / MICROS_PER_MS);
  const slot = Math.floor(ms / SLOT_MS);
  const key = `${zone}\0${slot}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    if (offsets.size >= MAX_REMEMBERED) offsets.clear();
    offset = BigInt(computeOffsetMs(zone, slot * SLOT_MS)) * MICROS_PER_MS;
    offsets.set(key, offset);
  }
  return offset;
}

function computeOffsetMs(zone: string, ms: number): number {
  const parts = new Map(
    formatOf(zone).formatToParts(ms).map(({ type, value }) => [type, value]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
  const year = parts.get("era") === "BC" ? 1 - part("year") : part("year");
  const local = Date.UTC(
    year,
    part("month") - 1,
    part("day"),
    part("hour") % 24,
    part("minute"),
    part("second"),
  );
  return local - ms;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    try {
      format = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        era: "short",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
    } catch {
      const message = "Cannot run the query: it names an unknown time zone; use a name such as " +
        `"Europe/Berlin" or "UTC"`;
      throw new AppError("invalid", "time_zone_unknown", message, {
        issues: [{ path: "sql", message: `"${zone.slice(0, 64)}" is no time zone` }],
      });
    }
    formats.set(zone, format);
  }
  return format;
}
