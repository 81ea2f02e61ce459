/**
 * A position in a block of Avro data, with readers for the primitive encodings.
 *
 * Speed rule: reads of a bounded number of bytes do not check the end of the block. A loop whose
 * length comes from the data checks it first, and whoever decodes a record calls `checkEnd` after
 * it, before a value of that record is used. Bytes past the end of the buffer read as `undefined`,
 * which sends a varint to its slow path, and that one does check.
 */
import { corruptData, displayPath } from "../../errors.ts";
import { MAX_FILE_ITEMS, MAX_FREE_STEPS } from "./limits.ts";

const NOTHING = new Uint8Array(0);
const TWO_27 = 2 ** 27;
const TWO_55 = 2 ** 55;

// Shared scratch: filled and read within one call, so calls cannot interleave.
const words = new Int32Array(2);
const quads = new BigInt64Array(words.buffer);
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Longest text that is put together without the decoder, whose call overhead it would not repay. */
const SHORT_TEXT_BYTES = 12;

/** Decompressed data that outlives its cursor. */
export interface AvroBlock {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly location: string;
}

/** See the module comment. One cursor serves one file, block after block. */
export class AvroCursor {
  bytes: Uint8Array = NOTHING;
  pos = 0;
  /** Offset after the last byte of the block. */
  end = 0;
  /** Where the bytes come from; for messages only. */
  location: string;
  #view: DataView | null = null;
  #block: AvroBlock | null = null;
  #freeSteps = 0;
  #items = 0;
  // The varint that #readParts read last.
  #low = 0;
  #mid = 0;
  #high = 0;
  #more = false;
  // Ids repeat from entry to entry; handing out the last bigint again saves most allocations.
  #lastLow = 0;
  #lastHigh = 0;
  #lastLong = 0n;

  constructor(location: string) {
    this.location = location;
  }

  /** Points the cursor at `bytes[start, end)`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
    this.#view = null;
    this.#block = null;
  }

  /** The current block, for values that decode themselves later; one object per block. */
  get block(): AvroBlock {
    return this.#block ??= { bytes: this.bytes, end: this.end, location: this.location };
  }

  /** Throws where a record ran past the end of its block. */
  checkEnd(): void {
    if (this.pos > this.end) this.#truncated();
  }

  /** Throws `corrupt_data` with this file's name in the message. */
  fail(code: string, detail: string): never {
    throw corruptData(code, `Cannot read "${displayPath(this.location)}": ${detail}`, {
      context: { location: this.location, offset: this.pos },
    });
  }

  /** Books decoding steps that consume no byte. */
  spendFreeSteps(steps: number): void {
    this.#freeSteps += steps;
    if (this.#freeSteps > MAX_FREE_STEPS) {
      this.fail("avro_too_large", "the file declares more empty values than drls decodes");
    }
  }

  /** Books items of arrays and maps that are decoded, which take many times their bytes. */
  spendItems(items: number): void {
    this.#items += items;
    if (this.#items > MAX_FILE_ITEMS) {
      this.fail("avro_too_large", `its lists have more than ${MAX_FILE_ITEMS} items in all`);
    }
  }

  /** A 32-bit integer (zig-zag varint). */
  readInt(): number {
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80) {
      this.pos++;
      return (byte >>> 1) ^ -(byte & 1);
    }
    const value = this.#readWide();
    if (value !== (value | 0)) this.fail("avro_malformed", `an int holds the value ${value}`);
    return value;
  }

  /** A 64-bit integer that must be a safe integer: counts, sizes, offsets. */
  readSafeLong(): number {
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80) {
      this.pos++;
      return (byte >>> 1) ^ -(byte & 1);
    }
    const next = this.bytes[this.pos + 1]!;
    if (next < 0x80) {
      this.pos += 2;
      const raw = (byte & 0x7f) | (next << 7);
      return (raw >>> 1) ^ -(raw & 1);
    }
    return this.#readWide();
  }

  /** A 64-bit integer in full. */
  readLong(): bigint {
    this.#readParts();
    const raw0 = this.#low | (this.#mid << 28);
    const raw1 = (this.#mid >>> 4) | (this.#high << 24);
    const sign = -(raw0 & 1);
    const word0 = ((raw0 >>> 1) | (raw1 << 31)) ^ sign;
    const word1 = (raw1 >>> 1) ^ sign;
    if (word0 !== this.#lastLow || word1 !== this.#lastHigh) {
      words[0] = word0;
      words[1] = word1;
      this.#lastLow = word0;
      this.#lastHigh = word1;
      this.#lastLong = quads[0]!;
    }
    return this.#lastLong;
  }

  /** A boolean: one byte, 0 or 1. */
  readBoolean(): boolean {
    const byte = this.bytes[this.pos++];
    if (byte === 1) return true;
    if (byte !== 0) this.fail("avro_malformed", "a boolean is neither 0 nor 1");
    return false;
  }

  /** A 4-byte float. */
  readFloat(): number {
    const at = this.#take(4);
    return this.#dataView().getFloat32(at, true);
  }

  /** An 8-byte float. */
  readDouble(): number {
    const at = this.#take(8);
    return this.#dataView().getFloat64(at, true);
  }

  /** The length of what follows, checked against what is left of the block. */
  readLength(): number {
    const length = this.readSafeLong();
    if (length < 0) this.fail("avro_malformed", `a length is negative (${length})`);
    if (length > this.end - this.pos) this.#truncated();
    return length;
  }

  /** Bytes with a length in front, copied so that they do not keep the block alive. */
  readBytes(): Uint8Array {
    const length = this.readLength();
    return this.bytes.slice(this.pos, this.pos += length);
  }

  /** A number of bytes that the schema fixes, copied. */
  readFixed(size: number): Uint8Array {
    const at = this.#take(size);
    return this.bytes.slice(at, at + size);
  }

  /** UTF-8 text with a length in front. */
  readString(): string {
    const length = this.readLength();
    const start = this.pos;
    this.pos += length;
    if (length <= SHORT_TEXT_BYTES) {
      const short = this.#shortAscii(start, length);
      if (short !== null) return short;
    }
    try {
      return textDecoder.decode(this.bytes.subarray(start, start + length));
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      this.fail("avro_malformed", "a string is not UTF-8");
    }
  }

  /**
   * The item count of the next array or map block, 0 at the end. A negative count announces the
   * block's byte size, which matters only to those who skip; it is read and checked.
   */
  readBlockCount(minItemBytes: number): number {
    let count = this.readSafeLong();
    if (count < 0) {
      count = -count;
      this.readLength();
    }
    this.checkItems(count, minItemBytes);
    return count;
  }

  /** Refuses a count that the rest of the block cannot hold. */
  checkItems(count: number, minItemBytes: number): void {
    if (count * minItemBytes > this.end - this.pos) {
      this.fail("avro_truncated", `a block claims ${count} items and ends before them`);
    }
  }

  /**
   * Moves over `count` varints by counting their last bytes, the ones below 0x80, four at a time:
   * most of a manifest that is only scanned is skipped here.
   */
  skipVarints(count: number): void {
    const { bytes, end } = this;
    let { pos } = this;
    let left = count;
    if (left >= 4) {
      const view = this.#dataView();
      for (; left >= 4 && pos + 4 <= end; pos += 4) {
        const lastBytes = ~view.getUint32(pos, true) & 0x80808080;
        left -= Math.imul(lastBytes >>> 7, 0x01010101) >>> 24;
      }
    }
    while (left > 0 && pos < end) {
      if (bytes[pos++]! < 0x80) left--;
    }
    this.pos = pos;
    if (left > 0) this.#truncated();
  }

  /** Moves over one value with a length in front. */
  skipBytes(): void {
    const length = this.readLength();
    this.pos += length;
  }

  /**
   * Moves over `count` pairs of a varint and a value with a length in front: the bounds of columns,
   * of which a manifest has more than of anything else. Short lengths are taken in place.
   */
  skipKeyedBytes(count: number): void {
    const { bytes, end } = this;
    let { pos } = this;
    for (let left = count; left > 0; left--) {
      while (pos < end && bytes[pos]! >= 0x80) pos++;
      const byte = bytes[++pos]!;
      if (byte < 0x80 && (byte & 1) === 0) {
        pos += 1 + (byte >>> 1);
      } else {
        this.pos = pos;
        const length = this.readLength();
        pos = this.pos + length;
      }
      if (pos > end) this.#truncated();
    }
    this.pos = pos;
  }

  #take(size: number): number {
    const at = this.pos;
    if (size > this.end - at) this.#truncated();
    this.pos = at + size;
    return at;
  }

  #dataView(): DataView {
    const { bytes } = this;
    return this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #shortAscii(start: number, length: number): string | null {
    let text = "";
    for (let at = start; at < start + length; at++) {
      const byte = this.bytes[at]!;
      if (byte >= 0x80) return null;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #readWide(): number {
    this.#readParts();
    const magnitude = (this.#low >>> 1) + this.#mid * TWO_27 + this.#high * TWO_55;
    if (magnitude > Number.MAX_SAFE_INTEGER) {
      this.fail("avro_malformed", "a count, size or offset is beyond 2^53");
    }
    return (this.#low & 1) === 0 ? magnitude : -magnitude - 1;
  }

  /** Reads a raw varint into groups of 28, 28 and 8 bits. */
  #readParts(): void {
    this.#low = this.#readGroup(4);
    this.#mid = this.#more ? this.#readGroup(4) : 0;
    this.#high = this.#more ? this.#readGroup(2) : 0;
    if (this.#more || this.#high > 0xff) {
      this.fail("avro_malformed", "an integer takes more than 64 bits");
    }
  }

  #readGroup(maxBytes: number): number {
    const { bytes, end } = this;
    let value = 0;
    for (let shift = 0; shift < 7 * maxBytes; shift += 7) {
      if (this.pos >= end) this.#truncated();
      const byte = bytes[this.pos++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#more = false;
        return value;
      }
    }
    this.#more = true;
    return value;
  }

  #truncated(): never {
    this.fail("avro_truncated", "the data ends in the middle of a value");
  }
}
