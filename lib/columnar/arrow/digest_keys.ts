/**
 * Keys cut down to 16 bytes, for sets of whole rows that would not fit in memory otherwise: a keyed
 * hash of 128 bits, built of HalfSipHash's rounds (Aumasson, Bernstein: "SipHash"). Two different rows
 * share a digest with a chance of 2^-128; nobody who does not know the secret can make them do so.
 */
import type { RowKeys } from "./row_keys.ts";

/** Bytes of a digest. */
export const DIGEST_BYTES = 16;

const ROUNDS_PER_WORD = 2;
const ROUNDS_PER_OUTPUT = 4;

/** Makes digests under one secret, random and of four words. */
export class KeyDigester {
  readonly #secret: Uint32Array;
  /** The four words of the state; one after another, as calls are not to allocate. */
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  constructor(secret: Uint32Array) {
    if (secret.length !== 4) throw new RangeError("Cannot digest keys without four secret words");
    this.#secret = secret.slice();
  }

  /** The digests of all keys, as keys. */
  digest({ bytes, offsets, length }: RowKeys): RowKeys {
    const digests = new Int32Array(DIGEST_BYTES / 4 * length);
    const ends = new Uint32Array(length + 1);
    for (let row = 0; row < length; row++) {
      this.#start();
      this.#absorb(bytes, offsets[row]!, offsets[row + 1]!);
      for (let word = 0; word < DIGEST_BYTES / 4; word++) {
        this.#c ^= 0xee + word;
        this.#rounds(ROUNDS_PER_OUTPUT);
        digests[DIGEST_BYTES / 4 * row + word] = this.#b ^ this.#d;
      }
      ends[row + 1] = DIGEST_BYTES * (row + 1);
    }
    return { length, bytes: new Uint8Array(digests.buffer), offsets: ends };
  }

  #start(): void {
    const [a = 0, b = 0, c = 0, d = 0] = this.#secret;
    this.#a = a;
    this.#b = b;
    this.#c = c ^ 0x6c796765;
    this.#d = d ^ 0x74656462;
  }

  #absorb(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    for (; at + 4 <= end; at += 4) {
      this.#word(bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24);
    }
    // The last word tells how long the key is, so that no key is another one with zeros behind it.
    let last = 0;
    for (let shift = 0; at < end; at++, shift += 8) last |= bytes[at]! << shift;
    this.#word(last);
    this.#word(end - start);
  }

  #word(word: number): void {
    this.#d ^= word;
    this.#rounds(ROUNDS_PER_WORD);
    this.#a ^= word;
  }

  #rounds(count: number): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    for (let round = 0; round < count; round++) {
      a = a + b | 0;
      b = (b << 5 | b >>> 27) ^ a;
      a = a << 16 | a >>> 16;
      c = c + d | 0;
      d = (d << 8 | d >>> 24) ^ c;
      a = a + d | 0;
      d = (d << 7 | d >>> 25) ^ a;
      c = c + b | 0;
      b = (b << 13 | b >>> 19) ^ c;
      c = c << 16 | c >>> 16;
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }
}
