/**
 * Thrift's compact protocol, reading side, for bytes that may lie: every read stays inside the
 * buffer, every step consumes at least one byte, and nesting of skipped values is bounded, so that
 * time and depth are bounded by the length of the input.
 */
import { corruptData, displayPath } from "../../../errors.ts";

/** Types on the wire, as field and list headers name them. */
export const WireType = {
  stop: 0,
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
  uuid: 13,
} as const;

/** How deep values may nest that the reader does not know and skips. */
export const MAX_SKIP_DEPTH = 32;

/** Elements of all lists of one footer: each takes many times its bytes once it is read. */
export const MAX_LIST_ITEMS = 5_000_000;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const MAX_VARINT_BYTES = 10;

/** A position in Thrift data. */
export class CompactReader {
  readonly #bytes: Uint8Array;
  readonly #location: string;
  #pos: number;
  #items = 0;
  /** Wire type of the field whose header was read last. */
  fieldType = 0;

  constructor(bytes: Uint8Array, options: CompactReaderOptions) {
    this.#bytes = bytes;
    this.#location = options.location;
    this.#pos = options.offset ?? 0;
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.#pos;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#bytes.length - this.#pos;
  }

  /** Throws `corrupt_data` (code `parquet_corrupt`) with the file's name in the message. */
  fail(detail: string): never {
    throw corruptData(
      "parquet_corrupt",
      `Cannot read "${displayPath(this.#location)}": ${detail}`,
      {
        context: { location: this.#location, offset: this.#pos },
      },
    );
  }

  /** The id of the next field of a struct, 0 after its last; `previous` is that of the one before. */
  readFieldHeader(previous: number): number {
    const byte = this.readByte();
    if (byte === WireType.stop) return 0;
    this.fieldType = byte & 0x0f;
    const delta = byte >>> 4;
    const id = delta === 0 ? this.readI32() : previous + delta;
    if (id <= 0) this.fail(`a field has the id ${id}`);
    return id;
  }

  /** Element type and size of a list; a size beyond the bytes that are left is refused. */
  readListHeader(): { readonly type: number; readonly size: number } {
    const byte = this.readByte();
    const short = byte >>> 4;
    const size = short === 15 ? this.#readUnsigned() : short;
    // No element takes less than a byte, so that a size is never larger than the data.
    if (size > this.remaining) this.fail(`a list claims ${size} elements and ends before them`);
    return { type: byte & 0x0f, size };
  }

  /** Books elements that are kept. */
  spendItems(items: number): void {
    this.#items += items;
    if (this.#items > MAX_LIST_ITEMS) this.fail(`its lists have more than ${MAX_LIST_ITEMS} items`);
  }

  /** One byte. */
  readByte(): number {
    const byte = this.#bytes[this.#pos];
    if (byte === undefined) this.fail("its metadata ends in the middle of a value");
    this.#pos++;
    return byte;
  }

  /** A signed byte. */
  readI8(): number {
    return this.readByte() << 24 >> 24;
  }

  /** An integer of 16 or 32 bits. */
  readI32(): number {
    const raw = this.#readUnsigned();
    if (raw > 0xffff_ffff) this.fail("a 32-bit integer takes more than 32 bits");
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** An integer of 64 bits that must be safe: counts, sizes and offsets. */
  readI64(): number {
    const start = this.#pos;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.readByte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    this.#pos = start;
    const raw = this.#readWide();
    const value = raw & 1n ? -(raw >> 1n) - 1n : raw >> 1n;
    const safe = Number(value);
    if (!Number.isSafeInteger(safe)) this.fail("a count, size or offset is beyond 2^53");
    return safe;
  }

  /** An IEEE double. */
  readDouble(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getFloat64(at, true);
  }

  /** Bytes with their length in front, copied. */
  readBinary(): Uint8Array<ArrayBuffer> {
    const length = this.#readUnsigned();
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  /** UTF-8 text with its length in front. */
  readString(): string {
    const length = this.#readUnsigned();
    const at = this.#take(length);
    try {
      return UTF8.decode(this.#bytes.subarray(at, at + length));
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      this.fail("a name in its metadata is not UTF-8");
    }
  }

  /** Moves over one value. */
  skip(type: number, depth = 0): void {
    if (depth > MAX_SKIP_DEPTH) this.fail("its metadata nests too deep");
    switch (type) {
      case WireType.true:
      case WireType.false:
        return;
      case WireType.i8:
        this.readByte();
        return;
      case WireType.i16:
      case WireType.i32:
      case WireType.i64:
        this.#skipVarint();
        return;
      case WireType.double:
        this.#take(8);
        return;
      case WireType.uuid:
        this.#take(16);
        return;
      case WireType.binary:
        this.#take(this.#readUnsigned());
        return;
      case WireType.list:
      case WireType.set:
        return this.#skipList(depth);
      case WireType.map:
        return this.#skipMap(depth);
      case WireType.struct:
        return this.#skipStruct(depth);
    }
    this.fail(`its metadata holds a value of the unknown wire type ${type}`);
  }

  #skipList(depth: number): void {
    const { type, size } = this.readListHeader();
    for (let at = 0; at < size; at++) this.#skipElement(type, depth);
  }

  #skipMap(depth: number): void {
    const size = this.#readUnsigned();
    if (size === 0) return;
    if (size > this.remaining) this.fail(`a map claims ${size} entries and ends before them`);
    const types = this.readByte();
    for (let at = 0; at < size; at++) {
      this.#skipElement(types >>> 4, depth);
      this.#skipElement(types & 0x0f, depth);
    }
  }

  #skipElement(type: number, depth: number): void {
    // Booleans live in the header of a field, but take a byte of their own inside a list.
    if (type === WireType.true || type === WireType.false) this.readByte();
    else this.skip(type, depth + 1);
  }

  #skipStruct(depth: number): void {
    let id = 0;
    while ((id = this.readFieldHeader(id)) !== 0) this.skip(this.fieldType, depth + 1);
  }

  #skipVarint(): void {
    for (let count = 0; count < MAX_VARINT_BYTES; count++) {
      if (this.readByte() < 0x80) return;
    }
    this.fail("an integer takes more than 64 bits");
  }

  #take(size: number): number {
    const at = this.#pos;
    if (size > this.#bytes.length - at) this.fail("its metadata ends in the middle of a value");
    this.#pos = at + size;
    return at;
  }

  /** An unsigned varint of at most 35 bits. */
  #readUnsigned(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 5; count++) {
      const byte = this.readByte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    this.fail("an integer takes more than 32 bits");
  }

  #readWide(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 7n * BigInt(MAX_VARINT_BYTES); shift += 7n) {
      const byte = this.readByte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    this.fail("an integer takes more than 64 bits");
  }
}

/** Options of {@linkcode CompactReader}. */
export interface CompactReaderOptions {
  /** Of the file, for messages. */
  readonly location: string;
  /** Where to start; 0 by default. */
  readonly offset?: number;
}
