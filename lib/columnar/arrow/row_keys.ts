/**
 * Rows as byte strings whose order is the order of the rows, and which are equal where the rows are:
 * sorting, merging, partitioning and equality deletes work on them. Orders are those of the
 * specification ("Sorting"): `-0` before `0`, `NaN` after every number, text by its UTF-8 bytes,
 * UUIDs and bytes unsigned. All NaN are one.
 *
 * Each column gives a byte that tells null from values, then its value: numbers big-endian with the
 * sign turned, text and bytes with zeros escaped and two zeros at their end. Descending turns the
 * bits of the value.
 */
import type { Data } from "apache-arrow";
import { AppError } from "../../errors.ts";
import type { Type } from "../../iceberg/spec/types.ts";
import { getBit } from "./bitmap.ts";
import { offsetsOf, validityOf } from "./layout.ts";
import { fixedWidth, VALID_MARK, writeBytesKeys, writeFixedKeys } from "./_key_values.ts";

/** A column of the key. */
export interface KeyColumn {
  /** In the Arrow form of its type. */
  readonly column: Data;
  readonly type: Type;
  /** Ascending by default. */
  readonly direction?: "asc" | "desc";
  /** Nulls first by default. */
  readonly nullOrder?: "nulls-first" | "nulls-last";
}

/** The keys of a batch's rows, one after another. */
export interface RowKeys {
  readonly length: number;
  readonly bytes: Uint8Array;
  /** Where each key begins, and where the last one ends. */
  readonly offsets: Uint32Array;
}

const NULL_FIRST = 0;
const NULL_LAST = VALID_MARK + 1;
/** Two zero bytes end a value of text or bytes. */
const TERMINATOR_BYTES = 2;

/** Whether keys can be made of values of `type`. */
export function canMakeKeys(type: Type): boolean {
  switch (type.kind) {
    case "struct":
    case "list":
    case "map":
    case "variant":
    case "geometry":
    case "geography":
      return false;
    default:
      return true;
  }
}

/** The keys of `length` rows. A column whose type has no order is `unsupported`. */
export function encodeRowKeys(
  columns: readonly KeyColumn[],
  { length }: { readonly length: number },
): RowKeys {
  const offsets = keyOffsets(columns, length);
  const bytes = new Uint8Array(offsets[length]!);
  // Moves on with each column that is written.
  const cursors = offsets.slice(0, length);
  for (const column of columns) writeColumn(column, bytes, cursors);
  return { length, bytes, offsets };
}

/** The keys of several batches as those of one; `RangeError` beyond 4 GiB. */
export function concatKeys(chunks: readonly RowKeys[]): RowKeys {
  const [only, ...others] = chunks;
  if (only !== undefined && others.length === 0) return only;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const size = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
  if (size >= 2 ** 32) throw new RangeError(`Cannot sort by ${size} bytes of keys at a time`);
  const bytes = new Uint8Array(size);
  const offsets = new Uint32Array(length + 1);
  let row = 0;
  let base = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.bytes, base);
    for (let at = 1; at <= chunk.length; at++) offsets[++row] = base + chunk.offsets[at]!;
    base += chunk.bytes.length;
  }
  return { length, bytes, offsets };
}

/** Negative, zero or positive as one key sorts before, with or after another. */
export function compareKeys(a: KeyPlace, b: KeyPlace): number {
  const { bytes: left, offsets: leftOffsets } = a.keys;
  const { bytes: right, offsets: rightOffsets } = b.keys;
  let at = leftOffsets[a.row]!;
  let other = rightOffsets[b.row]!;
  const end = leftOffsets[a.row + 1]!;
  const otherEnd = rightOffsets[b.row + 1]!;
  for (; at < end && other < otherEnd; at++, other++) {
    const difference = left[at]! - right[other]!;
    if (difference !== 0) return difference;
  }
  return (end - at) - (otherEnd - other);
}

/** One key. */
export interface KeyPlace {
  readonly keys: RowKeys;
  readonly row: number;
}

/** The offsets of the keys, once their lengths are known. */
function keyOffsets(columns: readonly KeyColumn[], length: number): Uint32Array {
  const offsets = new Uint32Array(length + 1);
  let fixedBytes = 0;
  for (const { column, type } of columns) {
    const width = fixedWidth(type);
    fixedBytes += 1 + (width ?? 0);
    if (width === null) addLengths(column, offsets);
  }
  let end = 0;
  for (let row = 1; row <= length; row++) {
    end += fixedBytes + offsets[row]!;
    if (end > MAX_KEY_BYTES) throw tooLarge();
    offsets[row] = end;
  }
  return offsets;
}

/** Keys of one batch, in bytes. */
const MAX_KEY_BYTES = 2 ** 32 - 1;

/** Adds the bytes that each value of a column of text or bytes takes. */
function addLengths(column: Data, lengths: Uint32Array): void {
  const offsets = offsetsOf(column);
  const values: Uint8Array = column.values;
  const validity = validityOf(column);
  for (let row = 0; row < column.length; row++) {
    if (validity !== null && !getBit(validity, column.offset + row)) continue;
    const end = offsets[row + 1]!;
    let bytes = TERMINATOR_BYTES;
    for (let at = offsets[row]!; at < end; at++) bytes += values[at] === 0 ? 2 : 1;
    lengths[row + 1]! += bytes;
  }
}

function writeColumn(key: KeyColumn, bytes: Uint8Array, cursors: Uint32Array): void {
  const { column, type, direction = "asc", nullOrder = "nulls-first" } = key;
  const validity = validityOf(column);
  const nullMark = nullOrder === "nulls-first" ? NULL_FIRST : NULL_LAST;
  for (let row = 0; row < cursors.length; row++) {
    const isNull = type.kind === "unknown" ||
      (validity !== null && !getBit(validity, column.offset + row));
    bytes[cursors[row]!] = isNull ? nullMark : VALID_MARK;
  }
  const target = { bytes, cursors, flip: direction === "asc" ? 0 : -1 };
  if (fixedWidth(type) === null) writeBytesKeys(column, target);
  else writeFixedKeys(column, type, target);
}

function tooLarge(): AppError {
  return new AppError(
    "too_large",
    "batch_too_large",
    `Cannot make keys of more than ${MAX_KEY_BYTES} bytes for one batch`,
  );
}
