/** A set of row keys (`arrow/row_keys.ts`): open addressing over one block of bytes. */
import type { RowKeys } from "../../arrow/row_keys.ts";

/** Slots per key, at least. */
const MIN_SLOTS_PER_KEY = 2;

/** Hashes of a batch's keys, to look them up in any number of sets. */
export function hashKeys({ bytes, offsets, length }: RowKeys): Uint32Array {
  const hashes = new Uint32Array(length);
  for (let row = 0; row < length; row++) {
    let hash = 0x811c9dc5;
    const end = offsets[row + 1]!;
    for (let at = offsets[row]!; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    // The low bits choose the slot: let the high ones take part.
    hash = Math.imul(hash ^ hash >>> 15, 0x85ebca6b);
    hashes[row] = hash ^ hash >>> 13;
  }
  return hashes;
}

/** An immutable set of keys. */
export class KeySet {
  /** Distinct keys. */
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  /** Number of the key in each slot plus one; 0 for an empty slot. */
  readonly #slots: Uint32Array;
  readonly #mask: number;

  constructor(keys: RowKeys) {
    let slots = 16;
    while (slots < MIN_SLOTS_PER_KEY * keys.length) slots *= 2;
    this.#bytes = keys.bytes;
    this.#offsets = keys.offsets;
    this.#slots = new Uint32Array(slots);
    this.#mask = slots - 1;
    const hashes = hashKeys(keys);
    let size = 0;
    for (let row = 0; row < keys.length; row++) {
      const slot = this.#find(keys, row, hashes[row]!);
      if (this.#slots[slot] !== 0) continue;
      this.#slots[slot] = row + 1;
      size++;
    }
    this.size = size;
  }

  /** Memory, in bytes. */
  get byteLength(): number {
    return this.#bytes.byteLength + this.#offsets.byteLength + this.#slots.byteLength;
  }

  /** Whether the key of a row is in the set; `hash` is its {@linkcode hashKeys}. */
  has(keys: RowKeys, row: number, hash: number): boolean {
    return this.#slots[this.#find(keys, row, hash)] !== 0;
  }

  /** The slot of a key, or the empty one where it would go. */
  #find(keys: RowKeys, row: number, hash: number): number {
    let slot = hash & this.#mask;
    for (;;) {
      const held = this.#slots[slot]!;
      if (held === 0 || this.#equals(held - 1, keys, row)) return slot;
      slot = slot + 1 & this.#mask;
    }
  }

  #equals(own: number, { bytes, offsets }: RowKeys, row: number): boolean {
    const start = this.#offsets[own]!;
    const length = this.#offsets[own + 1]! - start;
    const other = offsets[row]!;
    if (offsets[row + 1]! - other !== length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[other + i]) return false;
    return true;
  }
}
