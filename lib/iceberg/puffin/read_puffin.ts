/**
 * Reads Puffin files (Puffin spec): `magic blob... magic payload size flags magic`. A caller who
 * cannot hold the file reads its last bytes, then the footer, then the blobs it wants.
 */
import { zstdDecompressSync } from "node:zlib";
import { AppError, corruptData, displayPath } from "../../errors.ts";
import { type JsonObject, type JsonValue, parseJson } from "../../json.ts";
import type { BlobMetadata } from "../spec/statistics.ts";

/** `PFA1`. */
export const PUFFIN_MAGIC: Uint8Array = Uint8Array.of(0x50, 0x46, 0x41, 0x31);

/** Bytes at the end of the footer that tell its length: payload size, flags, magic. */
export const PUFFIN_TRAILER_BYTES = 12;

/** Largest footer that is read, in bytes. */
export const MAX_PUFFIN_FOOTER_BYTES = 64 * 1024 * 1024;

/** Largest blob after decompression, in bytes. */
export const MAX_PUFFIN_BLOB_BYTES = 256 * 1024 * 1024;

/** Blobs in one file. */
export const MAX_PUFFIN_BLOBS = 1_000_000;

/** Longest piece of a name that an error repeats, in characters. */
const MAX_QUOTED = 64;

/** A blob as the footer describes it. */
export interface PuffinBlob extends BlobMetadata {
  /** Where the blob lies in the file, in bytes; checked against the file. */
  readonly offset: number;
  readonly length: number;
  /** `lz4`, `zstd`; null for plain bytes. */
  readonly compressionCodec: string | null;
}

/** The footer's contents. */
export interface PuffinFooter {
  readonly blobs: readonly PuffinBlob[];
  readonly properties: Readonly<Record<string, string>>;
}

/** Which file is read. */
export interface ReadPuffinOptions {
  readonly location: string;
  readonly fileSizeInBytes: number;
}

/**
 * The footer's length in bytes, from the last {@linkcode PUFFIN_TRAILER_BYTES} of the file. A
 * compressed footer is `unsupported`.
 */
export function readPuffinFooterLength(trailer: Uint8Array, options: ReadPuffinOptions): number {
  if (trailer.length !== PUFFIN_TRAILER_BYTES) {
    throw new RangeError(`Cannot read a trailer of ${trailer.length} bytes, wanted 12`);
  }
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (!isMagic(trailer, 8)) throw malformed(options, "it does not end in the Puffin magic");
  const payload = view.getInt32(0, true);
  const flags = view.getUint32(4, true);
  const length = PUFFIN_MAGIC.length + payload + PUFFIN_TRAILER_BYTES;
  if (payload < 0 || length > options.fileSizeInBytes - PUFFIN_MAGIC.length) {
    throw malformed(options, `its footer claims ${payload} bytes`);
  }
  if (length > MAX_PUFFIN_FOOTER_BYTES) {
    throw malformed(options, `its footer takes more than ${MAX_PUFFIN_FOOTER_BYTES} bytes`);
  }
  if (flags === 1) throw unsupported(options, "its footer is compressed with lz4, wanted none");
  if (flags !== 0) throw unsupported(options, `its footer has the unknown flags ${flags}`);
  return length;
}

/** Parses a footer, from its leading magic to the end of the file. */
export function readPuffinFooter(footer: Uint8Array, options: ReadPuffinOptions): PuffinFooter {
  if (footer.length < PUFFIN_TRAILER_BYTES) throw malformed(options, "it is too short");
  const length = readPuffinFooterLength(footer.subarray(-PUFFIN_TRAILER_BYTES), options);
  if (footer.length !== length) {
    throw malformed(options, `its footer claims ${length} bytes and has ${footer.length}`);
  }
  if (!isMagic(footer, 0)) throw malformed(options, "its footer does not start with the magic");
  const payload = footer.subarray(PUFFIN_MAGIC.length, footer.length - PUFFIN_TRAILER_BYTES);
  return parsePayload(payload, { ...options, blobsEnd: options.fileSizeInBytes - length });
}

/** The footer of a whole file. */
export function readPuffin(
  bytes: Uint8Array,
  options: { readonly location: string },
): PuffinFooter {
  const sized = { location: options.location, fileSizeInBytes: bytes.length };
  if (!isMagic(bytes, 0)) throw malformed(sized, "it does not start with the Puffin magic");
  if (bytes.length < PUFFIN_TRAILER_BYTES) throw malformed(sized, "it is too short");
  const length = readPuffinFooterLength(bytes.subarray(-PUFFIN_TRAILER_BYTES), sized);
  return readPuffinFooter(bytes.subarray(bytes.length - length), sized);
}

/** The contents of a blob from its bytes in the file: decompressed where it is compressed. */
export function decodePuffinBlob(
  blob: PuffinBlob,
  stored: Uint8Array,
  options: ReadPuffinOptions,
): Uint8Array {
  if (stored.length !== blob.length) {
    throw new RangeError(`Cannot decode ${stored.length} bytes as a blob of ${blob.length}`);
  }
  switch (blob.compressionCodec) {
    case null:
      return stored;
    case "zstd":
      return decompressZstd(stored, options);
    default:
      throw unsupported(
        options,
        `a blob is compressed with "${blob.compressionCodec.slice(0, MAX_QUOTED)}"`,
      );
  }
}

function decompressZstd(stored: Uint8Array, options: ReadPuffinOptions): Uint8Array {
  let contents: Uint8Array;
  try {
    contents = new Uint8Array(
      zstdDecompressSync(stored, { maxOutputLength: MAX_PUFFIN_BLOB_BYTES }),
    );
  } catch (cause) {
    if (cause instanceof TypeError) throw cause;
    throw malformed(options, "a blob is not valid zstd data", cause);
  }
  // The decompressor returns what it has of a frame that is cut off, without an error; Puffin
  // demands the content size in the frame, which tells.
  if (zstdContentSize(stored) !== contents.length) {
    throw malformed(options, "a blob's zstd frame does not hold what it says");
  }
  return contents;
}

/** The content size in a Zstandard frame header (RFC 8878, section 3.1.1.1), null where absent. */
function zstdContentSize(frame: Uint8Array): number | null {
  const descriptor = frame[4];
  if (descriptor === undefined) return null;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  if (sizeBytes === 0 || at + sizeBytes > frame.length) return null;
  let size = 0;
  for (let index = sizeBytes - 1; index >= 0; index--) size = size * 256 + frame[at + index]!;
  return sizeBytes === 2 ? size + 256 : size;
}

type PayloadOptions = ReadPuffinOptions & { readonly blobsEnd: number };

function parsePayload(payload: Uint8Array, options: PayloadOptions): PuffinFooter {
  let json: JsonValue;
  try {
    json = parseJson(payload);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw malformed(options, "its footer is not JSON", cause);
  }
  const { blobs, properties } = requireObject(json, options);
  if (!Array.isArray(blobs) || blobs.length > MAX_PUFFIN_BLOBS) {
    throw malformed(options, "its footer lists no blobs");
  }
  return {
    blobs: blobs.map((blob: JsonValue) => parseBlob(requireObject(blob, options), options)),
    properties: parseProperties(properties, options),
  };
}

function parseBlob(json: JsonObject, options: PayloadOptions): PuffinBlob {
  const { type, fields } = json;
  const codec = json["compression-codec"] ?? null;
  const offset = requireCount(json.offset, options);
  const length = requireCount(json.length, options);
  if (offset < PUFFIN_MAGIC.length || length > options.blobsEnd - offset) {
    throw malformed(options, `a blob lies outside of the file, at ${offset} with ${length} bytes`);
  }
  if (typeof type !== "string" || (codec !== null && typeof codec !== "string")) {
    throw malformed(options, "a blob has no valid type or codec");
  }
  if (!Array.isArray(fields)) throw malformed(options, "a blob names no fields");
  return {
    type,
    snapshotId: requireLong(json["snapshot-id"], options),
    sequenceNumber: requireLong(json["sequence-number"], options),
    fields: fields.map((field: JsonValue) => requireInteger(field, options)),
    properties: parseProperties(json.properties, options),
    offset,
    length,
    compressionCodec: codec,
  };
}

function parseProperties(
  json: JsonValue | undefined,
  options: ReadPuffinOptions,
): Readonly<Record<string, string>> {
  if (json === undefined || json === null) return {};
  const entries = Object.entries(requireObject(json, options));
  return Object.fromEntries(entries.map(([key, value]) => {
    if (typeof value !== "string") {
      throw malformed(options, `its property "${key.slice(0, MAX_QUOTED)}" is no text`);
    }
    return [key, value];
  }));
}

function requireObject(json: JsonValue, options: ReadPuffinOptions): JsonObject {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw malformed(options, "its footer has something else where an object belongs");
  }
  // Array.isArray does not narrow read-only arrays away.
  return json as JsonObject;
}

function requireInteger(json: JsonValue | undefined, options: ReadPuffinOptions): number {
  if (typeof json === "number" && Number.isSafeInteger(json)) return json;
  throw malformed(options, "its footer has something else where an integer belongs");
}

function requireCount(json: JsonValue | undefined, options: ReadPuffinOptions): number {
  const value = requireInteger(json, options);
  if (value < 0) throw malformed(options, `its footer has the offset or length ${value}`);
  return value;
}

function requireLong(json: JsonValue | undefined, options: ReadPuffinOptions): bigint {
  return typeof json === "bigint" ? json : BigInt(requireInteger(json, options));
}

function isMagic(bytes: Uint8Array, at: number): boolean {
  return PUFFIN_MAGIC.every((byte, index) => bytes[at + index] === byte);
}

function malformed(options: ReadPuffinOptions, detail: string, cause?: unknown): AppError {
  return corruptData(
    "puffin_malformed",
    `Cannot read Puffin file "${displayPath(options.location)}": ${detail}`,
    { context: { location: options.location }, cause },
  );
}

function unsupported(options: ReadPuffinOptions, detail: string): AppError {
  return new AppError(
    "unsupported",
    "puffin_unsupported",
    `Cannot read Puffin file "${displayPath(options.location)}": ${detail}`,
    { context: { location: options.location } },
  );
}
