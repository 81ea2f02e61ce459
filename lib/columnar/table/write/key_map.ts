/** Numbers keys in the order of their first appearance. */
import type { RowKeys } from "../../arrow/row_keys.ts";
import { hashKeys } from "../deletes/key_set.ts";

/** Keys with their numbers, from 0 on. Keys are few against rows: each is kept as bytes of its own. */
export class KeyMap {
  readonly #byHash = new Map<number, number[]>();
  readonly #keys: Uint8Array[] = [];

  /** Distinct keys so far. */
  get size(): number {
    return this.#keys.length;
  }

  /** The number of each row's key; new keys get the next numbers. */
  numbersOf(keys: RowKeys): Int32Array {
    const hashes = hashKeys(keys);
    const numbers = new Int32Array(keys.length);
    let last = -1;
    for (let row = 0; row < keys.length; row++) {
      // Rows of one partition tend to follow one another.
      const isLast = last >= 0 && this.#isAt(last, keys, row);
      if (!isLast) last = this.#find(keys, row, hashes[row]!);
      numbers[row] = last;
    }
    return numbers;
  }

  #find(keys: RowKeys, row: number, hash: number): number {
    const candidates = this.#byHash.get(hash) ?? [];
    for (const number of candidates) if (this.#isAt(number, keys, row)) return number;
    const number = this.#keys.length;
    this.#keys.push(keys.bytes.slice(keys.offsets[row], keys.offsets[row + 1]));
    if (candidates.length === 0) this.#byHash.set(hash, candidates);
    candidates.push(number);
    return number;
  }

  #isAt(number: number, { bytes, offsets }: RowKeys, row: number): boolean {
    const own = this.#keys[number]!;
    const start = offsets[row]!;
    if (offsets[row + 1]! - start !== own.length) return false;
    for (let at = 0; at < own.length; at++) if (own[at] !== bytes[start + at]) return false;
    return true;
  }
}
