/** A growing buffer with writers for Avro's primitive encodings. */

const FIRST_CAPACITY = 64 * 1024;
const MAX_VARINT_BYTES = 10;
const encoder = new TextEncoder();

/** Bytes under construction. */
export class ByteSink {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets what was written and keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  /** An `int` or `long`. */
  writeLong(value: number | bigint): void {
    this.#reserve(MAX_VARINT_BYTES);
    // Nearly every number of a manifest fits 32 bits; the others are not worth a second fast path.
    if (typeof value === "number" && value === (value | 0)) {
      this.#writeVarint32(((value << 1) ^ (value >> 31)) >>> 0);
      return;
    }
    const wide = BigInt(value);
    if (BigInt.asIntN(64, wide) !== wide) {
      throw new RangeError(`Cannot write ${wide} as a long: it takes more than 64 bits`);
    }
    let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
    while (rest > 0x7fn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** A boolean. */
  writeBoolean(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value ? 1 : 0;
  }

  /** A 4-byte float. */
  writeFloat(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  /** An 8-byte float. */
  writeDouble(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** UTF-8 text with its length in front. */
  writeString(value: string): void {
    this.writeBytes(encoder.encode(value));
  }

  /** Bytes with their length in front. */
  writeBytes(value: Uint8Array): void {
    this.writeLong(value.length);
    this.writeRaw(value);
  }

  /** Bytes as they are. */
  writeRaw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #writeVarint32(raw: number): void {
    let rest = raw;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
