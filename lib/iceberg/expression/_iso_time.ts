/** ISO 8601 dates, times and timestamps, exact to the nanosecond. */

/** Nanoseconds in a day. */
export const NANOS_PER_DAY = 86_400_000_000_000n;

const DATE = /^([+-]?\d{4,6})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/;
const OFFSET = /^([+-])(\d{2})(?::?(\d{2}))?$/;
const TIMESTAMP = /^(\S+?)(?:[T ](\d{2}:\d{2}[\d:.]*))?\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?$/;

/** Days since 1970-01-01 of `YYYY-MM-DD`; null where the text is no such date. */
export function parseIsoDate(text: string): number | null {
  const [, yearText, monthText, dayText] = DATE.exec(text) ?? [];
  if (yearText === undefined) return null;
  const year = Number(yearText);
  const month = Number(monthText);
  const day = Number(dayText);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  return daysSinceEpoch(year, month, day);
}

/** Nanoseconds of the day of `HH:MM[:SS[.fraction]]`; null where the text is no such time. */
export function parseIsoTime(text: string): bigint | null {
  const [, hours, minutes, seconds = "0", fraction = ""] = TIME.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return null;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const wholeSeconds = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return BigInt(wholeSeconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** A point in time, or a wall-clock time where `zoned` is false. */
export interface IsoTimestamp {
  /** Nanoseconds since the epoch; as if in UTC where there is no offset. */
  readonly nanos: bigint;
  readonly zoned: boolean;
}

/** A date with an optional time and an optional offset; null where the text is neither. */
export function parseIsoTimestamp(text: string): IsoTimestamp | null {
  const [, date, time, zone] = TIMESTAMP.exec(text) ?? [];
  if (date === undefined || (time === undefined && zone !== undefined)) return null;
  const days = parseIsoDate(date);
  const timeOfDay = time === undefined ? 0n : parseIsoTime(time);
  const offset = zone === undefined ? 0n : parseOffset(zone);
  if (days === null || timeOfDay === null || offset === null) return null;
  return { nanos: BigInt(days) * NANOS_PER_DAY + timeOfDay - offset, zoned: zone !== undefined };
}

function parseOffset(zone: string): bigint | null {
  if (zone === "Z" || zone === "z") return 0n;
  const [, sign, hours, minutes = "0"] = OFFSET.exec(zone) ?? [];
  // 18 hours is the widest offset that Java and Arrow accept.
  if (hours === undefined || Number(hours) > 18 || Number(minutes) > 59) return null;
  const nanos = BigInt(Number(hours) * 60 + Number(minutes)) * 60_000_000_000n;
  return sign === "-" ? -nanos : nanos;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysSinceEpoch(year: number, month: number, day: number): number {
  // Proleptic Gregorian. Counting years from March puts the leap day last, so that the days
  // before a month follow one linear formula; an era is 400 years.
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) +
    dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
