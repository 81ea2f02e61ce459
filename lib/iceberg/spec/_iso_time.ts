/**
 * ISO 8601 text of dates and times in the proleptic Gregorian calendar. `Date` is not used: it ends
 * at year 275760, and Iceberg's dates and microseconds reach further.
 */

/** Days in 400 years, after which the calendar repeats. */
const DAYS_PER_ERA = 146_097;
/** Days from 0000-03-01, where this module's years start, to 1970-01-01. */
const EPOCH_DAYS = 719_468;
const SECONDS_PER_DAY = 86_400;

/** A calendar date; months and days from 1, year 0 is 1 BC. */
export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The date `days` after 1970-01-01. Years start in March, so that leap days come last. */
export function civilFromDays(days: number): CivilDate {
  const shifted = days + EPOCH_DAYS;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) +
    Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const yearDays = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - yearDays;
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** Inverse of {@linkcode civilFromDays}. */
export function daysFromCivil({ year, month, day }: CivilDate): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) +
    dayOfYear;
  return era * DAYS_PER_ERA + dayOfEra - EPOCH_DAYS;
}

/** `2024-02-29`; years outside 0-9999 carry a sign, as ISO 8601 has it. */
export function formatDays(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${formatYear(year)}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** `2024`, or with a sign `+12024`, `-0001`. */
export function formatYear(year: number): string {
  if (year >= 0 && year <= 9999) return pad(year, 4);
  return `${year < 0 ? "-" : "+"}${pad(Math.abs(year), 4)}`;
}

/** Inverse of {@linkcode formatDays}; null where the text is no date. */
export function parseDays(text: string): number | null {
  const match = /^([+-]?\d{4,9})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return null;
  const date = { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
  if (date.month < 1 || date.month > 12 || date.day < 1) return null;
  const days = daysFromCivil(date);
  // A day past the month's end lands in the next month.
  return civilFromDays(days).month === date.month ? days : null;
}

/** `22:31:08.123456` of units since midnight; the fraction without trailing zeros, or absent. */
export function formatTime(units: bigint, unitsPerSecond: bigint): string {
  const seconds = Number(units / unitsPerSecond);
  const clock = [seconds / 3600, seconds / 60 % 60, seconds % 60];
  const fraction = String(units % unitsPerSecond).padStart(digitsOf(unitsPerSecond), "0")
    .replace(/0+$/, "");
  const text = clock.map((part) => pad(Math.floor(part), 2)).join(":");
  return fraction === "" ? text : `${text}.${fraction}`;
}

/** Inverse of {@linkcode formatTime}; null where the text is no time or too precise. */
export function parseTime(text: string, unitsPerSecond: bigint): bigint | null {
  const match = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/.exec(text);
  if (match === null) return null;
  const [hours, minutes, seconds] = [match[1], match[2], match[3] ?? "0"].map(Number);
  if (hours === undefined || minutes === undefined || seconds === undefined) return null;
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const digits = digitsOf(unitsPerSecond);
  const fraction = (match[4] ?? "").padEnd(digits, "0");
  if (/[1-9]/.test(fraction.slice(digits))) return null;
  return BigInt(hours * 3600 + minutes * 60 + seconds) * unitsPerSecond +
    BigInt(fraction.slice(0, digits));
}

/** `2017-11-16T22:31:08.123456` of units since the epoch. */
export function formatTimestamp(units: bigint, unitsPerSecond: bigint): string {
  const perDay = unitsPerSecond * BigInt(SECONDS_PER_DAY);
  const days = floorDiv(units, perDay);
  return `${formatDays(Number(days))}T${formatTime(units - days * perDay, unitsPerSecond)}`;
}

/** Inverse of {@linkcode formatTimestamp}, without a zone; null where the text is no timestamp. */
export function parseTimestamp(text: string, unitsPerSecond: bigint): bigint | null {
  const split = text.indexOf("T");
  if (split < 0) return null;
  const days = parseDays(text.slice(0, split));
  const time = parseTime(text.slice(split + 1), unitsPerSecond);
  if (days === null || time === null) return null;
  return BigInt(days) * unitsPerSecond * BigInt(SECONDS_PER_DAY) + time;
}

/** Division that rounds towards negative infinity; `BigInt` rounds towards zero. */
export function floorDiv(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

function digitsOf(unitsPerSecond: bigint): number {
  return String(unitsPerSecond).length - 1;
}

/** Zero-padded. */
export function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
