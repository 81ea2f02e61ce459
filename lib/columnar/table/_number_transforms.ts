/** Transforms of numbers and times, exact over the whole range of 64 bits. */

/** Options of {@linkcode floorUnits}. */
export interface FloorUnitsOptions {
  readonly length: number;
  /** How much of the value's unit makes one of the result's, less than 2^53. */
  readonly perUnit: number;
}

/** Options of truncation. */
export interface TruncateOptions {
  readonly length: number;
  readonly width: number;
}

const TWO_32 = 2 ** 32;
/** Highest words below this keep the value within 2^53, where doubles are exact. */
const EXACT_HIGH = 2 ** 20;

/** Times since the epoch in a coarser unit, rounded down; wraps beyond 32 bits, as in Java. */
export function floorUnits(
  values: BigInt64Array,
  { length, perUnit }: FloorUnitsOptions,
): Int32Array {
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * length);
  const units = new Int32Array(length);
  for (let row = 0; row < length; row++) {
    const high = words[2 * row + 1]!;
    units[row] = high > -EXACT_HIGH && high < EXACT_HIGH
      ? Math.floor((high * TWO_32 + (words[2 * row]! >>> 0)) / perUnit)
      : Number(BigInt.asIntN(32, floorDivide(values[row]!, BigInt(perUnit))));
  }
  return units;
}

/** Years since 1970 of days since the epoch. */
export function yearsOf(days: Int32Array, length: number): Int32Array {
  const years = new Int32Array(length);
  for (let row = 0; row < length; row++) years[row] = Math.floor(monthOf(days[row]!) / 12);
  return years;
}

/** Months since January 1970 of days since the epoch. */
export function monthsOf(days: Int32Array, length: number): Int32Array {
  const months = new Int32Array(length);
  for (let row = 0; row < length; row++) months[row] = monthOf(days[row]!);
  return months;
}

/** The next lower multiples of `width`; below the smallest of them the result wraps, as in Java. */
export function truncateInts(values: Int32Array, { length, width }: TruncateOptions): Int32Array {
  const truncated = new Int32Array(length);
  for (let row = 0; row < length; row++) {
    const value = values[row]!;
    truncated[row] = value - (value % width + width) % width;
  }
  return truncated;
}

/** The same for 64 bits. */
export function truncateLongs(
  values: BigInt64Array,
  { length, width }: TruncateOptions,
): BigInt64Array {
  const step = BigInt(width);
  const truncated = new BigInt64Array(length);
  for (let row = 0; row < length; row++) {
    const value = values[row]!;
    truncated[row] = value - (value % step + step) % step;
  }
  return truncated;
}

/** Months since January 1970; years are taken to start in March, so that leap days come last. */
function monthOf(days: number): number {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) +
    Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  return 12 * (era * 400 + yearOfEra - 1970) + marchMonth + 2;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}
