/** Typed arrays that grow while columns are built. */
import { newBitmap, setBit } from "./bitmap.ts";

type NumberArray = Int32Array | Uint32Array | Float32Array | Float64Array;

const FIRST_CAPACITY = 64;

/** Numbers of a fixed width. */
export class GrowableNumbers<A extends NumberArray | BigInt64Array> {
  readonly #make: (length: number) => A;
  #array: A;
  length = 0;

  constructor(make: (length: number) => A) {
    this.#make = make;
    this.#array = make(FIRST_CAPACITY);
  }

  /** Room for `count` more elements; they count as used, and are zero until written. */
  extend(count: number): A {
    const needed = this.length + count;
    if (needed > this.#array.length) {
      const grown = this.#make(Math.max(needed, 2 * this.#array.length));
      grown.set(this.#array.subarray(0, this.length) as never);
      this.#array = grown;
    }
    this.length = needed;
    return this.#array;
  }

  /** Bytes in use. */
  get byteLength(): number {
    return this.length * this.#array.BYTES_PER_ELEMENT;
  }

  /** What was written, in a buffer of its own; starts anew. */
  take(): A {
    const taken = this.#array.slice(0, this.length) as A;
    this.#array = this.#make(FIRST_CAPACITY);
    this.length = 0;
    return taken;
  }
}

/** Bytes. */
export class GrowableBytes {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  length = 0;

  /** Room for `count` more bytes, from `length` on; they do not count as used yet. */
  reserve(count: number): Uint8Array<ArrayBuffer> {
    const needed = this.length + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    return this.#bytes;
  }

  /** Adds bytes. */
  push(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What was written, in a buffer of its own; starts anew. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.length);
    this.#bytes = new Uint8Array(FIRST_CAPACITY);
    this.length = 0;
    return taken;
  }
}

/** Bits. */
export class GrowableBits {
  #bits = newBitmap(8 * FIRST_CAPACITY);
  length = 0;

  /** Adds a bit. */
  push(bit: boolean): void {
    if (this.length === 8 * this.#bits.length) {
      const grown = newBitmap(2 * this.length);
      grown.set(this.#bits);
      this.#bits = grown;
    }
    if (bit) setBit(this.#bits, this.length);
    this.length++;
  }

  /** What was written, in a buffer of its own; starts anew. */
  take(): Uint8Array {
    const taken = newBitmap(this.length);
    taken.set(this.#bits.subarray(0, taken.length));
    this.#bits = newBitmap(8 * FIRST_CAPACITY);
    this.length = 0;
    return taken;
  }
}
