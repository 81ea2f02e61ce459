/**
 * Avro object container files (Avro specification: "Object Container Files"):
 * `Obj\x01`, a metadata map, a sync marker, then blocks of `count, size, data, sync marker`.
 */
import { AvroCursor } from "./cursor.ts";
import { type AvroCodec, decompressBlock, parseCodec } from "./codec.ts";
import {
  MAX_BLOCK_BYTES,
  MAX_FILE_BYTES,
  MAX_HEADER_BYTES,
  MAX_HEADER_ENTRIES,
  MAX_RECORDS,
} from "./limits.ts";

/** `Obj` and version 1. */
export const AVRO_MAGIC: Uint8Array = Uint8Array.of(0x4f, 0x62, 0x6a, 0x01);

/** Bytes of a sync marker. */
export const SYNC_MARKER_BYTES = 16;

/** Where a file's bytes come from, for messages. */
export interface OpenContainerOptions {
  readonly location: string;
}

/** A file whose header has been read. */
export interface AvroContainer {
  readonly location: string;
  readonly bytes: Uint8Array;
  /** Raw values of the file metadata; they are views of `bytes`. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  /** The writer schema as it stands in the file. */
  readonly schemaText: string;
  readonly codec: AvroCodec;
  readonly sync: Uint8Array;
  /** Offset of the first block. */
  readonly blocksStart: number;
}

/** Reads the header of a container file. */
export function openContainer(bytes: Uint8Array, options: OpenContainerOptions): AvroContainer {
  const { location } = options;
  const cursor = new AvroCursor(location);
  cursor.reset(bytes, 0, Math.min(bytes.length, MAX_HEADER_BYTES));
  if (!startsWith(bytes, AVRO_MAGIC)) {
    cursor.fail("avro_malformed", "it is not an Avro file (wrong magic bytes)");
  }
  cursor.pos = AVRO_MAGIC.length;
  const metadata = readMetadata(cursor);
  const blocksStart = cursor.pos + SYNC_MARKER_BYTES;
  if (blocksStart > cursor.end) cursor.fail("avro_truncated", "it ends inside its header");
  const schemaText = metadataText(metadata.get("avro.schema"), cursor) ??
    cursor.fail("avro_malformed", "it names no writer schema");
  const codec = metadataText(metadata.get("avro.codec"), cursor) ?? "null";
  return {
    location,
    bytes,
    metadata,
    schemaText,
    codec: parseCodec(codec === "" ? "null" : codec, options),
    sync: bytes.subarray(cursor.pos, blocksStart),
    blocksStart,
  };
}

/** A metadata value as text, or null where the file has none. */
export function containerText(container: AvroContainer, key: string): string | null {
  const cursor = new AvroCursor(container.location);
  return metadataText(container.metadata.get(key), cursor);
}

/**
 * Points `cursor` at one block after another and yields the record count of each. The caller reads
 * that many records before it asks for the next block.
 */
export function* readBlocks(container: AvroContainer, cursor: AvroCursor): Generator<number> {
  const { bytes } = container;
  // Sums over all blocks: many small lies must not add up to a large one.
  let totalRecords = 0;
  let totalBytes = 0;
  for (let at = container.blocksStart; at < bytes.length;) {
    cursor.reset(bytes, at, bytes.length);
    const count = cursor.readSafeLong();
    const size = cursor.readLength();
    const start = cursor.pos;
    at = start + size + SYNC_MARKER_BYTES;
    checkBlock(container, cursor, { count, size, at });
    totalRecords += count;
    totalBytes += enterBlock(container, cursor, { start, end: start + size });
    if (totalRecords > MAX_RECORDS || totalBytes > MAX_FILE_BYTES) {
      cursor.fail("avro_too_large", "it holds more data than drls decodes from one file");
    }
    yield count;
    if (cursor.pos !== cursor.end) {
      cursor.fail("avro_malformed", "a block holds more bytes than its records take");
    }
  }
}

function readMetadata(cursor: AvroCursor): Map<string, Uint8Array> {
  const metadata = new Map<string, Uint8Array>();
  for (;;) {
    const count = cursor.readBlockCount(2);
    if (count === 0) return metadata;
    if (metadata.size + count > MAX_HEADER_ENTRIES) {
      cursor.fail("avro_too_large", `its header has more than ${MAX_HEADER_ENTRIES} entries`);
    }
    for (let left = count; left > 0; left--) {
      const key = cursor.readString();
      const length = cursor.readLength();
      metadata.set(key, cursor.bytes.subarray(cursor.pos, cursor.pos += length));
    }
  }
}

function checkBlock(
  container: AvroContainer,
  cursor: AvroCursor,
  block: { readonly count: number; readonly size: number; readonly at: number },
): void {
  const { count, size, at } = block;
  if (count < 0) cursor.fail("avro_malformed", `a block claims ${count} records`);
  if (size > MAX_BLOCK_BYTES) {
    cursor.fail("avro_too_large", `a block takes ${size} bytes, more than ${MAX_BLOCK_BYTES}`);
  }
  if (at > container.bytes.length) cursor.fail("avro_truncated", "it ends inside a block");
  const { bytes, sync } = container;
  const marker = at - SYNC_MARKER_BYTES;
  for (let index = 0; index < SYNC_MARKER_BYTES; index++) {
    if (bytes[marker + index] !== sync[index]) {
      cursor.fail("avro_malformed", "a block does not end in the file's sync marker");
    }
  }
}

/** Points the cursor at the block's data, decompressed, and returns its size. */
function enterBlock(
  container: AvroContainer,
  cursor: AvroCursor,
  range: { readonly start: number; readonly end: number },
): number {
  const { bytes, codec, location } = container;
  if (codec === "null") {
    cursor.reset(bytes, range.start, range.end);
    return range.end - range.start;
  }
  const block = decompressBlock(codec, bytes.subarray(range.start, range.end), { location });
  cursor.reset(block, 0, block.length);
  return block.length;
}

function metadataText(value: Uint8Array | undefined, cursor: AvroCursor): string | null {
  if (value === undefined) return null;
  try {
    return headerDecoder.decode(value);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    cursor.fail("avro_malformed", "its header is not UTF-8");
  }
}

const headerDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
