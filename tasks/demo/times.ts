/** Times of sample rows and snapshots. */

/** An hour, in milliseconds. */
export const HOUR_MS = 60 * 60_000;
/** A day, in milliseconds. */
export const DAY_MS = 24 * HOUR_MS;

/** Midnight UTC of a moment's day. */
export function startOfDay(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}

/** A moment as a value of a timestamp column: microseconds. */
export function atMicros(ms: number): bigint {
  return BigInt(Math.floor(ms * 1000));
}
