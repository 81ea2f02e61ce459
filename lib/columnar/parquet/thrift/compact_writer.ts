/** Thrift's compact protocol, writing side. */
import { WireType } from "./compact_reader.ts";

const FIRST_CAPACITY = 4 * 1024;
const MAX_VARINT_BYTES = 10;
const encoder = new TextEncoder();

/** Thrift data under construction. */
export class CompactWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  /** A copy of what was written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** The header of a struct's next field; `previous` is the id of the one before, 0 for none. */
  writeFieldHeader(id: number, { type, previous }: FieldHeader): void {
    const delta = id - previous;
    if (delta > 0 && delta <= 15) {
      this.writeByte(delta << 4 | type);
    } else {
      this.writeByte(type);
      this.writeI32(id);
    }
  }

  /** The end of a struct. */
  writeStop(): void {
    this.writeByte(WireType.stop);
  }

  /** The header of a list. */
  writeListHeader(type: number, size: number): void {
    if (size < 15) {
      this.writeByte(size << 4 | type);
    } else {
      this.writeByte(0xf0 | type);
      this.writeUnsigned(size);
    }
  }

  /** One byte. */
  writeByte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer of 16 or 32 bits. */
  writeI32(value: number): void {
    if ((value | 0) !== value) {
      throw new RangeError(`Cannot write ${value} as a 32-bit integer`);
    }
    this.writeUnsigned(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** An integer of 64 bits. */
  writeI64(value: number): void {
    if ((value | 0) === value) return this.writeI32(value);
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    this.#reserve(MAX_VARINT_BYTES);
    while (rest > 0x7fn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** An IEEE double. */
  writeDouble(value: number): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** Bytes with their length in front. */
  writeBinary(value: Uint8Array): void {
    this.writeUnsigned(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** UTF-8 text with its length in front. */
  writeString(value: string): void {
    this.writeBinary(encoder.encode(value));
  }

  /** An unsigned integer of at most 32 bits, without zig-zag. */
  writeUnsigned(value: number): void {
    this.#reserve(MAX_VARINT_BYTES);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = rest & 0x7f | 0x80;
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
  }
}

/** Options of {@linkcode CompactWriter.writeFieldHeader}. */
export interface FieldHeader {
  readonly type: number;
  readonly previous: number;
}
