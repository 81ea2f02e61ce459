/** The values of keys, one column at a time: see `row_keys.ts`. */
import type { Data } from "apache-arrow";
import { AppError } from "../../errors.ts";
import type { Type } from "../../iceberg/spec/types.ts";
import { getBit } from "./bitmap.ts";
import { offsetsOf } from "./layout.ts";

/** The byte in front of a value that is not null. */
export const VALID_MARK = 1;

/** Where the values of one column go. */
export interface KeyTarget {
  readonly bytes: Uint8Array;
  /** By row: the mark in front of the value; moves behind the value. */
  readonly cursors: Uint32Array;
  /** 0 to keep the bits of values, -1 to turn them. */
  readonly flip: number;
}

/** Decimals of up to this many digits take 8 bytes, others 16. */
const SHORT_DECIMAL_DIGITS = 18;

/** Bytes of a value's key, null where they vary; types without an order are `unsupported`. */
export function fixedWidth(type: Type): number | null {
  switch (type.kind) {
    case "unknown":
      return 0;
    case "boolean":
      return 1;
    case "int":
    case "date":
    case "float":
      return 4;
    case "long":
    case "double":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return 8;
    case "decimal":
      return type.precision <= SHORT_DECIMAL_DIGITS ? 8 : 16;
    case "uuid":
      return 16;
    case "fixed":
      return type.length;
    case "string":
    case "binary":
      return null;
    default:
      throw new AppError(
        "unsupported",
        "type_unordered",
        `Cannot order values of type ${type.kind}: they have no order`,
      );
  }
}

/** Writes values whose keys have one width. */
export function writeFixedKeys(column: Data, type: Type, target: KeyTarget): void {
  switch (type.kind) {
    case "unknown":
      return moveOn(target, 0);
    case "boolean":
      return writeBooleans(column, target);
    case "int":
    case "date":
      return writeInts(column.values, target);
    case "float":
      return writeFloats(column.values, target);
    case "double":
      return writeDoubles(column.values, target);
    case "decimal":
      return writeDecimals(column.values, fixedWidth(type) === 8 ? 2 : 4, target);
    case "uuid":
    case "fixed":
      return writeRaw(column.values, column.stride, target);
    default:
      return writeLongs(column.values, target);
  }
}

/** Writes text and bytes: a zero becomes `00 FF`, and `00 00` ends the value. */
export function writeBytesKeys(column: Data, { bytes, cursors, flip }: KeyTarget): void {
  const offsets = offsetsOf(column);
  const values: Uint8Array = column.values;
  for (let row = 0; row < cursors.length; row++) {
    let to = cursors[row]!;
    if (bytes[to++] === VALID_MARK) {
      const end = offsets[row + 1]!;
      for (let at = offsets[row]!; at < end; at++) {
        const byte = values[at]!;
        bytes[to++] = byte ^ flip;
        if (byte === 0) bytes[to++] = 0xff ^ flip;
      }
      bytes[to++] = flip;
      bytes[to++] = flip;
    }
    cursors[row] = to;
  }
}

function moveOn({ cursors }: KeyTarget, width: number): void {
  for (let row = 0; row < cursors.length; row++) cursors[row]! += 1 + width;
}

function writeBooleans(column: Data, target: KeyTarget): void {
  const { bytes, cursors, flip } = target;
  const values: Uint8Array = column.values;
  for (let row = 0; row < cursors.length; row++) {
    const at = cursors[row]!;
    if (bytes[at] !== VALID_MARK) continue;
    bytes[at + 1] = Number(getBit(values, column.offset + row)) ^ flip;
  }
  moveOn(target, 1);
}

function writeInts(values: Int32Array, target: KeyTarget): void {
  const { bytes, cursors, flip } = target;
  for (let row = 0; row < cursors.length; row++) {
    const at = cursors[row]!;
    if (bytes[at] === VALID_MARK) putWord(bytes, at + 1, values[row]! ^ SIGN ^ flip);
  }
  moveOn(target, 4);
}

function writeLongs(values: BigInt64Array, target: KeyTarget): void {
  const { bytes, cursors, flip } = target;
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * cursors.length);
  for (let row = 0; row < cursors.length; row++) {
    const at = cursors[row]!;
    if (bytes[at] !== VALID_MARK) continue;
    putWord(bytes, at + 1, words[2 * row + 1]! ^ SIGN ^ flip);
    putWord(bytes, at + 5, words[2 * row]! ^ flip);
  }
  moveOn(target, 8);
}

/** IEEE numbers sort as their bits do, once the sign is turned and negative ones as a whole. */
function writeFloats(values: Float32Array, target: KeyTarget): void {
  const { bytes, cursors, flip } = target;
  const words = new Int32Array(values.buffer, values.byteOffset, cursors.length);
  for (let row = 0; row < cursors.length; row++) {
    const at = cursors[row]!;
    if (bytes[at] !== VALID_MARK) continue;
    const bits = Number.isNaN(values[row]!) ? FLOAT_NAN : words[row]!;
    putWord(bytes, at + 1, bits ^ (bits >> 31 | SIGN) ^ flip);
  }
  moveOn(target, 4);
}

function writeDoubles(values: Float64Array, target: KeyTarget): void {
  const { bytes, cursors, flip } = target;
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * cursors.length);
  for (let row = 0; row < cursors.length; row++) {
    const at = cursors[row]!;
    if (bytes[at] !== VALID_MARK) continue;
    const isNan = Number.isNaN(values[row]!);
    const high = isNan ? DOUBLE_NAN_HIGH : words[2 * row + 1]!;
    const low = isNan ? 0 : words[2 * row]!;
    putWord(bytes, at + 1, high ^ (high >> 31 | SIGN) ^ flip);
    putWord(bytes, at + 5, low ^ high >> 31 ^ flip);
  }
  moveOn(target, 8);
}

/** The lowest `wordsUsed` words of 128-bit integers. */
function writeDecimals(values: Uint32Array, wordsUsed: 2 | 4, target: KeyTarget): void {
  const { bytes, cursors, flip } = target;
  for (let row = 0; row < cursors.length; row++) {
    const at = cursors[row]!;
    if (bytes[at] !== VALID_MARK) continue;
    for (let word = 0; word < wordsUsed; word++) {
      const bits = values[4 * row + wordsUsed - 1 - word]! ^ (word === 0 ? SIGN : 0);
      putWord(bytes, at + 1 + 4 * word, bits ^ flip);
    }
  }
  moveOn(target, 4 * wordsUsed);
}

function writeRaw(values: Uint8Array, width: number, target: KeyTarget): void {
  const { bytes, cursors, flip } = target;
  for (let row = 0; row < cursors.length; row++) {
    const at = cursors[row]!;
    if (bytes[at] !== VALID_MARK) continue;
    for (let i = 0; i < width; i++) bytes[at + 1 + i] = values[width * row + i]! ^ flip;
  }
  moveOn(target, width);
}

const SIGN = -0x8000_0000;
const FLOAT_NAN = 0x7fc0_0000;
const DOUBLE_NAN_HIGH = 0x7ff8_0000;

/** A word, highest byte first. */
function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
