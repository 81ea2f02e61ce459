/** Bounds that every store keeps, and the checks of a caller's own. */
import type { ReadOptions } from "../iceberg/ports.ts";

/** Most bytes one `read` returns where the caller sets no `maxBytes`; also what one buffer holds. */
export const MAX_READ_BYTES = 2 ** 31 - 1;

/** Most names one `listFolder` returns. */
export const MAX_FOLDER_ENTRIES = 1_000_000;

/** Checks a caller's read options; a wrong one is a programmer's mistake. Returns the byte limit. */
export function checkReadOptions(options: ReadOptions): number {
  const { range, maxBytes = MAX_READ_BYTES } = options;
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) {
    throw new RangeError(`Cannot read at most ${maxBytes} bytes: want a whole number from 0 on`);
  }
  if (range === undefined) return Math.min(maxBytes, MAX_READ_BYTES);
  for (const value of [range.offset, range.length, range.offset + range.length]) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Cannot read a range at ${range.offset} of ${range.length} bytes`);
    }
  }
  return Math.min(maxBytes, MAX_READ_BYTES);
}

/** Order of names: by UTF-16 code unit, the same on every machine and in every store. */
export function compareNames(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
