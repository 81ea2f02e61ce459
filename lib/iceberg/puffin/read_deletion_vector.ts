/**
 * Reads `deletion-vector-v1` blobs (Puffin spec): length and magic, then 64-bit Roaring bitmaps in
 * the portable format, then a CRC-32. Also reads the bare blob without a Puffin file around it that
 * some writers store: both lie at `content_offset` of a delete file.
 */
import { crc32 } from "node:zlib";
import { type AppError, corruptData, displayPath } from "../../errors.ts";
import { type Container, DeletionVector, type PlacedContainer } from "./deletion_vector.ts";

/** Largest blob that is read, in bytes. Java's limit is 2 GiB; real ones are a few megabytes. */
export const MAX_DELETION_VECTOR_BYTES = 256 * 1024 * 1024;

/** The four bytes in front of the bitmaps. */
export const DELETION_VECTOR_MAGIC: Uint8Array = Uint8Array.of(0xd1, 0xd3, 0x39, 0x64);

/** Roaring's mark for a bitmap without run containers. */
export const COOKIE_WITHOUT_RUNS = 12_346;

/** Roaring's mark, in the lower half of the word, for a bitmap with run containers. */
export const COOKIE_WITH_RUNS = 12_347;

/** Bitmaps with runs have offsets only from this many containers on. */
export const OFFSETS_FROM_CONTAINERS = 4;

/** Containers of more values than this are bitmaps. */
export const MAX_ARRAY_VALUES = 4_096;

/** Bytes of a bitmap container. */
export const BITMAP_BYTES = 8_192;

const LENGTH_BYTES = 4;
const CHECKSUM_BYTES = 4;
const CONTAINERS_PER_BITMAP = 65_536;
/** Bytes of a key, a cookie and a container count of 0. */
const MIN_BITMAP_BYTES = 12;

/** Highest 32-bit key whose positions are all safe integers. */
const MAX_KEY = 2 ** 21 - 1;

/** Options of {@linkcode readDeletionVector}. */
export interface ReadDeletionVectorOptions {
  /** The file that holds the blob, for messages. */
  readonly location: string;
}

/** Decodes a blob, all of it and nothing else; throws `corrupt_data`. */
export function readDeletionVector(
  bytes: Uint8Array,
  options: ReadDeletionVectorOptions,
): DeletionVector {
  const reader = new VectorReader(bytes, options.location);
  return reader.read();
}

class VectorReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #location: string;
  readonly #containers: PlacedContainer[] = [];
  /** Offset after the bitmaps. */
  readonly #end: number;
  #pos = 0;

  constructor(bytes: Uint8Array, location: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#location = location;
    this.#end = bytes.length - CHECKSUM_BYTES;
  }

  read(): DeletionVector {
    this.#readEnvelope();
    const bitmaps = this.#readCount64();
    let previousKey = -1;
    for (let left = bitmaps; left > 0; left--) {
      const key = this.#uint32();
      if (key <= previousKey) throw this.#error("its bitmaps are not in order");
      if (key > MAX_KEY) throw this.#error("it holds positions beyond 2^53");
      previousKey = key;
      this.#readBitmap(key);
    }
    if (this.#pos !== this.#end) throw this.#error("bytes are left after its bitmaps");
    return new DeletionVector(this.#containers);
  }

  #readEnvelope(): void {
    const { length } = this.#bytes;
    if (length > MAX_DELETION_VECTOR_BYTES) {
      throw this.#error(`it takes ${length} bytes, more than ${MAX_DELETION_VECTOR_BYTES}`);
    }
    const overhead = LENGTH_BYTES + DELETION_VECTOR_MAGIC.length + CHECKSUM_BYTES;
    if (length < overhead) throw this.#error("it is too short");
    const covered = this.#view.getUint32(0);
    if (covered !== length - LENGTH_BYTES - CHECKSUM_BYTES) {
      throw this.#error(`it claims ${covered} bytes and has ${length - overhead + 4}`);
    }
    const start = LENGTH_BYTES;
    if (DELETION_VECTOR_MAGIC.some((byte, index) => this.#bytes[start + index] !== byte)) {
      throw this.#error("its magic bytes are wrong");
    }
    if (crc32(this.#bytes.subarray(start, this.#end)) !== this.#view.getUint32(this.#end)) {
      throw this.#error("it does not match its checksum");
    }
    this.#pos = start + DELETION_VECTOR_MAGIC.length;
  }

  #readBitmap(key: number): void {
    const cookie = this.#uint32();
    const withRuns = (cookie & 0xffff) === COOKIE_WITH_RUNS;
    if (!withRuns && cookie !== COOKIE_WITHOUT_RUNS) throw this.#error("a bitmap has no cookie");
    const count = withRuns ? (cookie >>> 16) + 1 : this.#uint32();
    if (count > CONTAINERS_PER_BITMAP) throw this.#error(`a bitmap claims ${count} containers`);
    const runFlags = withRuns ? this.#take((count + 7) >>> 3) : null;
    const header = this.#take(4 * count);
    // Containers follow one another, so their offsets tell nothing new.
    if (!withRuns || count >= OFFSETS_FROM_CONTAINERS) this.#take(4 * count);
    let previous = -1;
    for (let index = 0; index < count; index++) {
      const low = this.#view.getUint16(header + 4 * index, true);
      const cardinality = this.#view.getUint16(header + 4 * index + 2, true) + 1;
      if (low <= previous) throw this.#error("its containers are not in order");
      previous = low;
      const isRun = runFlags !== null &&
        (this.#bytes[runFlags + (index >>> 3)]! & (1 << (index & 7))) !== 0;
      const container = this.#readContainer(isRun, cardinality);
      this.#containers.push({ index: key * CONTAINERS_PER_BITMAP + low, cardinality, container });
    }
  }

  #readContainer(isRun: boolean, cardinality: number): Container {
    if (isRun) {
      const pairs = this.#uint16s(2 * this.#uint16());
      if (countRuns(pairs) !== cardinality) throw this.#error("its runs are wrong");
      return { kind: "run", pairs };
    }
    if (cardinality <= MAX_ARRAY_VALUES) {
      const values = this.#uint16s(cardinality);
      if (!isAscending(values)) throw this.#error("its positions are not in order");
      return { kind: "array", values };
    }
    const at = this.#take(BITMAP_BYTES);
    const bits = this.#bytes.slice(at, at + BITMAP_BYTES);
    if (countBits(bits) !== cardinality) throw this.#error("a bitmap has another cardinality");
    return { kind: "bitmap", bits };
  }

  #uint16s(count: number): Uint16Array {
    const at = this.#take(2 * count);
    const values = new Uint16Array(count);
    for (let index = 0; index < count; index++) {
      values[index] = this.#view.getUint16(at + 2 * index, true);
    }
    return values;
  }

  #uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** The number of bitmaps; each takes at least a key and an empty bitmap. */
  #readCount64(): number {
    const count = this.#view.getBigUint64(this.#take(8), true);
    if (count > BigInt(Math.floor((this.#end - this.#pos) / MIN_BITMAP_BYTES))) {
      throw this.#error(`it claims ${count} bitmaps and ends before them`);
    }
    return Number(count);
  }

  #take(bytes: number): number {
    const at = this.#pos;
    if (bytes > this.#end - at) throw this.#error("it ends in the middle of a bitmap");
    this.#pos = at + bytes;
    return at;
  }

  #error(detail: string): AppError {
    return corruptData(
      "deletion_vector_malformed",
      `Cannot read a deletion vector of "${displayPath(this.#location)}": ${detail}`,
      { context: { location: this.#location, offset: this.#pos } },
    );
  }
}

/** The positions in a list of runs, or -1 where they overlap, touch out of order or overflow. */
function countRuns(pairs: Uint16Array): number {
  let count = 0;
  let previousLast = -1;
  for (let at = 0; at < pairs.length; at += 2) {
    const first = pairs[at]!;
    const last = first + pairs[at + 1]!;
    if (first <= previousLast || last > 0xffff) return -1;
    count += last - first + 1;
    previousLast = last;
  }
  return count;
}

function isAscending(values: Uint16Array): boolean {
  for (let index = 1; index < values.length; index++) {
    if (values[index - 1]! >= values[index]!) return false;
  }
  return true;
}

function countBits(bits: Uint8Array): number {
  let count = 0;
  for (const byte of bits) {
    let rest = byte;
    for (; rest !== 0; rest &= rest - 1) count++;
  }
  return count;
}
