/**
 * Values from their commonest texts, byte by byte and without anything in between: rows come by the
 * million. What is not in that form is left to readers that know every form and say what is wrong.
 */
// deno-lint-ignore-file drls/positional-parameters -- an object a call would cost what the call does.

const ZERO = 0x30;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const COLON = 0x3a;
const SECONDS_PER_DAY = 86_400;
/** Digits that a double always holds exactly. */
const EXACT_DIGITS = 15;
/** Powers of ten up to this one are exact in a double. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power);

/** A number in two parts, which readers fill in. */
export interface FixedPoint {
  whole: number;
  fraction: number;
}

/** Decimal digits without superfluous zeros, up to 15; NaN for anything else. */
export function intFromText(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > EXACT_DIGITS || (digits > 1 && bytes[first] === ZERO)) return NaN;
  const value = digitsFrom(bytes, first, end);
  // A negative zero is none of an integer.
  return isNegative && value !== 0 ? -value : value;
}

/** The nearest double to a decimal number as JSON writes it; NaN for anything else. */
export function numberFromText(bytes: Uint8Array, start: number, end: number): number {
  if (!fixedPointFromText(bytes, start, end, PARTS)) return slowNumber(bytes, start, end);
  const { whole, fraction } = PARTS;
  // One exact number by another: the quotient is the nearest double.
  return fraction === 0 ? whole : whole / EXACT_POWERS[fraction]!;
}

/** Digits with or without a point, up to 15: as an integer, and how many came after the point. */
export function fixedPointFromText(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: FixedPoint,
): boolean {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end - first > EXACT_DIGITS + 1 || first >= end) return false;
  if (bytes[first] === ZERO && end - first > 1 && bytes[first + 1] !== POINT) return false;
  let value = 0;
  let point = -1;
  for (let at = first; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (digit === POINT - ZERO && point < 0 && at > first && at < end - 1) point = at;
    else return false;
  }
  if (end - first - (point < 0 ? 0 : 1) > EXACT_DIGITS) return false;
  into.whole = isNegative ? -value : value;
  into.fraction = point < 0 ? 0 : end - 1 - point;
  return true;
}

const PARTS: FixedPoint = { whole: 0, fraction: 0 };
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Longest number that is worth a try. */
const MAX_NUMBER_CHARS = 64;

function slowNumber(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > MAX_NUMBER_CHARS) return NaN;
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return JSON_NUMBER.test(text) ? Number(text) : NaN;
}

/** Days since the epoch of `2024-01-31`; NaN for anything else. */
export function daysFromText(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 10 || bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS) return NaN;
  const year = digitsFrom(bytes, start, start + 4);
  const month = digitsFrom(bytes, start + 5, start + 7);
  const day = digitsFrom(bytes, start + 8, start + 10);
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return NaN;
  // Years begin in March here, so that the day that may be missing is the last.
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468;
}

/** Where a moment's text ends, and whether it says its zone. */
export interface MomentText {
  readonly end: number;
  readonly hasZone: boolean;
}

/**
 * Seconds since the epoch and microseconds beyond them, of `2024-01-31T23:59:59`, with a fraction of
 * up to six digits, and `Z` or `+01:00` where there is a zone. False for anything else.
 */
export function secondsFromText(
  bytes: Uint8Array,
  start: number,
  { end, hasZone }: MomentText,
  into: FixedPoint,
): boolean {
  const clock = start + 11;
  const separator = bytes[start + 10];
  if (separator !== 0x54 || bytes[clock + 2] !== COLON || bytes[clock + 5] !== COLON) return false;
  const days = daysFromText(bytes, start, start + 10);
  const hour = digitsFrom(bytes, clock, clock + 2);
  const minute = digitsFrom(bytes, clock + 3, clock + 5);
  const second = digitsFrom(bytes, clock + 6, clock + 8);
  let at = clock + 8;
  let fraction = 0;
  if (at < end && bytes[at] === POINT) {
    const first = ++at;
    while (at < end && bytes[at]! >= ZERO && bytes[at]! <= ZERO + 9) at++;
    if (at === first || at - first > 6) return false;
    fraction = digitsFrom(bytes, first, at) * EXACT_POWERS[6 - (at - first)]!;
  }
  const offset = hasZone ? offsetFrom(bytes, at, end) : at === end ? 0 : NaN;
  into.whole = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
  into.fraction = fraction;
  // Whatever is no number makes the sum none.
  return !Number.isNaN(into.whole) && hour <= 23 && minute <= 59 && second <= 59;
}

/** The bytes of a UUID in its usual form; false for anything else. */
export function uuidFromText(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
): boolean {
  if (end - start !== 36) return false;
  let at = start;
  for (let byte = 0; byte < 16; byte++) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) {
      if (bytes[at++] !== MINUS) return false;
    }
    const high = hexDigit(bytes[at++]!);
    const low = hexDigit(bytes[at++]!);
    if (high < 0 || low < 0) return false;
    into[byte] = high << 4 | low;
  }
  return true;
}

/** Seconds east of Greenwich; NaN where it is no offset. */
function offsetFrom(bytes: Uint8Array, at: number, end: number): number {
  const sign = bytes[at];
  if (sign === 0x5a) return at + 1 === end ? 0 : NaN;
  if ((sign !== PLUS && sign !== MINUS) || at + 6 !== end || bytes[at + 3] !== COLON) return NaN;
  const hours = digitsFrom(bytes, at + 1, at + 3);
  const minutes = digitsFrom(bytes, at + 4, at + 6);
  if (!(hours <= 14 && minutes <= 59)) return NaN;
  return (sign === PLUS ? 1 : -1) * (hours * 3600 + minutes * 60);
}

/** NaN where a byte is no digit. */
function digitsFrom(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
