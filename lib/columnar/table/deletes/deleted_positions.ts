/** Which rows of one data file are deleted by their position. */
import type { DeletionVector } from "../../../iceberg/puffin/deletion_vector.ts";
import { getBit } from "../../arrow/bitmap.ts";

/** Rows of a file, from one position on. */
export interface PositionRange {
  readonly firstPosition: number;
  readonly length: number;
}

/** Deleted positions of one data file. */
export interface DeletedPositions {
  readonly cardinality: number;
  /** Clears the bits of deleted rows; bit 0 stands for the first row of the range. */
  clearIn(keep: Uint8Array, range: PositionRange): void;
  /** The positions in ascending order. */
  positions(): Iterable<number>;
}

/** Positions in ascending order, repeated ones allowed. */
export function sortedPositions(sorted: Uint32Array | Float64Array): DeletedPositions {
  return {
    cardinality: sorted.length,
    clearIn(keep, { firstPosition, length }) {
      const end = firstPosition + length;
      for (let at = firstAtLeast(sorted, firstPosition); at < sorted.length; at++) {
        const position = sorted[at]!;
        if (position >= end) return;
        clearBit(keep, position - firstPosition);
      }
    },
    positions: () => sorted,
  };
}

/** The positions of a deletion vector. */
export function vectorPositions(vector: DeletionVector): DeletedPositions {
  return {
    cardinality: vector.cardinality,
    clearIn(keep, { firstPosition, length }) {
      for (let row = 0; row < length; row++) {
        if (getBit(keep, row) && vector.has(firstPosition + row)) clearBit(keep, row);
      }
    },
    positions: () => vector,
  };
}

function clearBit(bits: Uint8Array, at: number): void {
  bits[at >>> 3]! &= ~(1 << (at & 7));
}

/** Place of the first position not below `position`. */
function firstAtLeast(sorted: Uint32Array | Float64Array, position: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
