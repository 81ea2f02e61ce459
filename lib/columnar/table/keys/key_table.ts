/**
 * Numbers keys in the order of their first appearance, any number of them within a bound of bytes:
 * open addressing over one growing block. What belongs to a key is kept by its number, outside.
 */
import type { AppError } from "../../../errors.ts";
import type { RowKeys } from "../../arrow/row_keys.ts";

const FIRST_SLOTS = 1024;
const FIRST_BYTES = 16 * 1024;
/** Slots per key, at least. */
const MIN_SLOTS_PER_KEY = 2;
/** Bytes that a key takes beside its own: where it ends, its hash, and its slots. */
const BYTES_PER_KEY = 4 + 4 + 4 * MIN_SLOTS_PER_KEY;
/** Offsets have 32 bits. */
const MAX_KEY_BYTES = 2 ** 32 - 1;

/** Options of {@linkcode KeyTable}. */
export interface KeyTableOptions {
  /** Bytes of the keys, and of what finding them takes. */
  readonly maxBytes: number;
  /** The error where they are more. */
  readonly tooLarge: (maxBytes: number) => AppError;
}

/** Keys with their numbers, from 0 on. */
export class KeyTable {
  readonly #options: KeyTableOptions;
  #bytes = new Uint8Array(FIRST_BYTES);
  #ends = new Uint32Array(FIRST_SLOTS);
  #hashes = new Uint32Array(FIRST_SLOTS);
  /** Number of the key in each slot plus one; 0 for an empty slot. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #size = 0;

  constructor(options: KeyTableOptions) {
    this.#options = options;
  }

  /** Distinct keys so far. */
  get size(): number {
    return this.#size;
  }

  /** What the keys take, in bytes. */
  get byteLength(): number {
    return this.#usedBytes + BYTES_PER_KEY * this.#size;
  }

  /** The number of a row's key, -1 where it has none; `hash` is that of `hashKeys`. */
  find(keys: RowKeys, row: number, hash: number): number {
    return this.#slots[this.#slotOf(keys, row, hash)]! - 1;
  }

  /** The number of a row's key; a new key gets the next. */
  add(keys: RowKeys, row: number, hash: number): number {
    const slot = this.#slotOf(keys, row, hash);
    const held = this.#slots[slot]!;
    if (held !== 0) return held - 1;
    const number = this.#size;
    this.#append(keys, row, hash);
    this.#slots[slot] = this.#size;
    if (MIN_SLOTS_PER_KEY * this.#size > this.#slots.length) this.#grow();
    return number;
  }

  get #usedBytes(): number {
    return this.#size === 0 ? 0 : this.#ends[this.#size - 1]!;
  }

  #append({ bytes, offsets }: RowKeys, row: number, hash: number): void {
    const start = this.#usedBytes;
    const end = start + offsets[row + 1]! - offsets[row]!;
    const { maxBytes, tooLarge } = this.#options;
    const needed = end + BYTES_PER_KEY * (this.#size + 1);
    if (needed > maxBytes || end > MAX_KEY_BYTES) throw tooLarge(maxBytes);
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, end);
    if (this.#size === this.#ends.length) {
      this.#ends = grown(this.#ends, this.#size + 1);
      this.#hashes = grown(this.#hashes, this.#size + 1);
    }
    this.#bytes.set(bytes.subarray(offsets[row]!, offsets[row + 1]!), start);
    this.#ends[this.#size] = end;
    this.#hashes[this.#size] = hash;
    this.#size++;
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = this.#hashes[number]! & mask;
      while (slots[slot] !== 0) slot = slot + 1 & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }

  /** The slot of a key, or the empty one where it would go. */
  #slotOf(keys: RowKeys, row: number, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const held = this.#slots[slot]!;
      if (held === 0) return slot;
      if (this.#hashes[held - 1] === hash >>> 0 && this.#equals(held - 1, keys, row)) return slot;
      slot = slot + 1 & mask;
    }
  }

  #equals(own: number, { bytes, offsets }: RowKeys, row: number): boolean {
    const start = own === 0 ? 0 : this.#ends[own - 1]!;
    const length = this.#ends[own]! - start;
    const other = offsets[row]!;
    if (offsets[row + 1]! - other !== length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[other + i]) return false;
    return true;
  }
}

/** The same numbers with room for `needed`, at least twice as many. */
function grown<A extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(
  array: A,
  needed: number,
): A {
  const room = Math.max(needed, 2 * array.length);
  const larger = (array instanceof Uint8Array ? new Uint8Array(room) : new Uint32Array(room)) as A;
  larger.set(array as never);
  return larger;
}
