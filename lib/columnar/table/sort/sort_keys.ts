/**
 * Sorts rows by their keys (`arrow/row_keys.ts`): radix sort on eight bytes at a time, from the first
 * byte on in which the keys differ; what is equal in them is sorted on by the next eight. Stable.
 */
import type { RowKeys } from "../../arrow/row_keys.ts";

/** Memory that sorting takes per row, in bytes, keys not counted. */
export const SORT_BYTES_PER_ROW = 24;

/** The rows in the order of their keys; rows of equal keys keep their order. */
export function sortKeys(keys: RowKeys): Uint32Array {
  return new RadixSorter(keys).sort();
}

/** Rows that are equal so far, and the byte from which on they may differ. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** Rows of one radix pass: their numbers and eight bytes of their keys. */
interface Lane {
  readonly order: Uint32Array;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** Runs shorter than this are sorted by comparing. */
const SHORT_RUN = 24;
/** Bytes that one round looks at. */
const ROUND_BYTES = 8;

class RadixSorter {
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #length: number;
  #lane: Lane;
  #spare: Lane;
  readonly #counts = new Uint32Array(256 * ROUND_BYTES);

  constructor({ bytes, offsets, length }: RowKeys) {
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.#length = length;
    this.#lane = newLane(length);
    this.#spare = newLane(length);
  }

  sort(): Uint32Array {
    const { order } = this.#lane;
    for (let row = 0; row < this.#length; row++) order[row] = row;
    // A stack of our own: keys may be equal for megabytes.
    const runs: Run[] = [{ from: 0, to: this.#length, depth: 0 }];
    for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
      if (run.to - run.from < 2) continue;
      if (run.to - run.from < SHORT_RUN) this.#insertionSort(run);
      else this.#radixSort(run, runs);
    }
    return this.#lane.order;
  }

  #radixSort(run: Run, runs: Run[]): void {
    const { from, to } = run;
    const depth = run.depth + this.#sharedBytes(run);
    // No key is the beginning of another: one that ends here equals all others.
    if (depth >= this.#lengthAt(from)) return;
    this.#loadWords({ from, to, depth });
    for (let digit = 0; digit < ROUND_BYTES; digit++) this.#scatter(from, to, digit);
    const { high, low } = this.#lane;
    for (let start = from; start < to;) {
      let end = start + 1;
      while (end < to && high[end] === high[start] && low[end] === low[start]) end++;
      if (end - start > 1 && this.#lengthAt(start) > depth + ROUND_BYTES) {
        runs.push({ from: start, to: end, depth: depth + ROUND_BYTES });
      }
      start = end;
    }
  }

  /** How many bytes from `depth` on all keys of a run share. */
  #sharedBytes({ from, to, depth }: Run): number {
    const { order } = this.#lane;
    const bytes = this.#bytes;
    const offsets = this.#offsets;
    const first = offsets[order[from]!]! + depth;
    let shared = this.#lengthAt(from) - depth;
    for (let at = from + 1; at < to && shared > 0; at++) {
      const row = order[at]!;
      const start = offsets[row]! + depth;
      const limit = Math.min(shared, offsets[row + 1]! - start);
      let same = 0;
      while (same < limit && bytes[first + same] === bytes[start + same]) same++;
      shared = same;
    }
    return shared;
  }

  /** Takes eight bytes of each key, zeros after its end, and counts their values. */
  #loadWords({ from, to, depth }: Run): void {
    const { order, high, low } = this.#lane;
    const bytes = this.#bytes;
    const offsets = this.#offsets;
    const counts = this.#counts.fill(0);
    for (let at = from; at < to; at++) {
      const row = order[at]!;
      const start = offsets[row]! + depth;
      const end = offsets[row + 1]!;
      let upper = 0;
      let lower = 0;
      if (start + ROUND_BYTES <= end) {
        upper = bytes[start]! << 24 | bytes[start + 1]! << 16 | bytes[start + 2]! << 8 |
          bytes[start + 3]!;
        lower = bytes[start + 4]! << 24 | bytes[start + 5]! << 16 | bytes[start + 6]! << 8 |
          bytes[start + 7]!;
      } else {
        for (let i = 0; i < ROUND_BYTES; i++) {
          const byte = start + i < end ? bytes[start + i]! : 0;
          if (i < 4) upper |= byte << (24 - 8 * i);
          else lower |= byte << (56 - 8 * i);
        }
      }
      high[at] = upper;
      low[at] = lower;
      counts[lower & 0xff]!++;
      counts[256 + (lower >>> 8 & 0xff)]!++;
      counts[512 + (lower >>> 16 & 0xff)]!++;
      counts[768 + (lower >>> 24)]!++;
      counts[1024 + (upper & 0xff)]!++;
      counts[1280 + (upper >>> 8 & 0xff)]!++;
      counts[1536 + (upper >>> 16 & 0xff)]!++;
      counts[1792 + (upper >>> 24)]!++;
    }
  }

  /** One pass of the radix sort, by byte `digit` from the last one on. */
  #scatter(from: number, to: number, digit: number): void {
    const { order, high, low } = this.#lane;
    const word = digit < 4 ? low : high;
    const shift = 8 * (digit & 3);
    const places = this.#counts.subarray(256 * digit, 256 * (digit + 1));
    if (places[word[from]! >>> shift & 0xff] === to - from) return; // All the same.
    for (let value = 0, place = from; value < 256; value++) {
      const count = places[value]!;
      places[value] = place;
      place += count;
    }
    const target = this.#spare;
    for (let at = from; at < to; at++) {
      const value = word[at]! >>> shift & 0xff;
      const place = places[value]!;
      places[value] = place + 1;
      target.order[place] = order[at]!;
      target.high[place] = high[at]!;
      target.low[place] = low[at]!;
    }
    this.#adopt(from, to);
  }

  /** Makes what was scattered the current state. */
  #adopt(from: number, to: number): void {
    if (from === 0 && to === this.#length) {
      [this.#lane, this.#spare] = [this.#spare, this.#lane];
      return;
    }
    this.#lane.order.set(this.#spare.order.subarray(from, to), from);
    this.#lane.high.set(this.#spare.high.subarray(from, to), from);
    this.#lane.low.set(this.#spare.low.subarray(from, to), from);
  }

  #insertionSort({ from, to, depth }: Run): void {
    const { order } = this.#lane;
    for (let at = from + 1; at < to; at++) {
      const row = order[at]!;
      let place = at;
      while (place > from && this.#isAfter(order[place - 1]!, row, depth)) {
        order[place] = order[place - 1]!;
        place--;
      }
      order[place] = row;
    }
  }

  #isAfter(row: number, other: number, depth: number): boolean {
    const bytes = this.#bytes;
    const offsets = this.#offsets;
    const end = offsets[row + 1]!;
    const otherEnd = offsets[other + 1]!;
    let at = offsets[row]! + depth;
    let otherAt = offsets[other]! + depth;
    for (; at < end && otherAt < otherEnd; at++, otherAt++) {
      if (bytes[at] !== bytes[otherAt]) return bytes[at]! > bytes[otherAt]!;
    }
    return end - at > otherEnd - otherAt;
  }

  #lengthAt(at: number): number {
    const row = this.#lane.order[at]!;
    return this.#offsets[row + 1]! - this.#offsets[row]!;
  }
}

function newLane(length: number): Lane {
  return {
    order: new Uint32Array(length),
    high: new Uint32Array(length),
    low: new Uint32Array(length),
  };
}
