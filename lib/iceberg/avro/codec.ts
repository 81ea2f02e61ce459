/** Compression of Avro blocks (Avro specification: "Required Codecs", "Optional Codecs"). */
import { crc32, deflateRawSync, inflateRawSync, zstdDecompressSync } from "node:zlib";
import { AppError, corruptData, displayPath } from "../../errors.ts";
import { MAX_BLOCK_BYTES } from "./limits.ts";
import { snappyDecompress } from "./snappy.ts";

/** Codecs that drls reads. */
export type AvroCodec = "null" | "deflate" | "snappy" | "zstandard";

/** Codecs that drls writes: what every Iceberg engine reads. */
export type AvroWriteCodec = "null" | "deflate";

/** Bytes of the CRC-32 behind each snappy block. */
const SNAPPY_CHECKSUM_BYTES = 4;

/** Output buffers of the inflater, in bytes: one should hold a typical block. */
const MIN_CHUNK_BYTES = 16 * 1024;
const MAX_CHUNK_BYTES = 1024 * 1024;
/** How far manifests shrink, roughly; a larger guess costs more to clear than a second buffer. */
const CHUNK_RATIO = 4;

/** Where a block lies, for messages. */
export interface CodecOptions {
  readonly location: string;
}

/** The codec that the file metadata names; refuses (`unsupported`) one that drls has not. */
export function parseCodec(name: string, options: CodecOptions): AvroCodec {
  switch (name) {
    case "null":
    case "deflate":
    case "snappy":
    case "zstandard":
      return name;
  }
  throw new AppError(
    "unsupported",
    "avro_codec_unsupported",
    `Cannot read "${displayPath(options.location)}": it is compressed with "${
      name.slice(0, 40)
    }", wanted "null", "deflate", "snappy" or "zstandard"`,
    { context: { location: options.location } },
  );
}

/** Decompresses one block of at most `MAX_BLOCK_BYTES`. Codec `null` has no business here. */
export function decompressBlock(
  codec: Exclude<AvroCodec, "null">,
  block: Uint8Array,
  options: CodecOptions,
): Uint8Array {
  const zlibOptions = {
    maxOutputLength: MAX_BLOCK_BYTES,
    chunkSize: Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, block.length * CHUNK_RATIO)),
  };
  try {
    switch (codec) {
      case "deflate":
        return plain(inflateRawSync(block, zlibOptions));
      case "zstandard":
        return plain(zstdDecompressSync(block, zlibOptions));
      case "snappy":
        return decompressSnappy(block, options);
    }
  } catch (cause) {
    throw codecError(codec, cause, options);
  }
}

/** Compresses one block. */
export function compressBlock(codec: AvroWriteCodec, block: Uint8Array): Uint8Array {
  return codec === "null" ? block : deflateRawSync(block);
}

/** The same memory without `Buffer`, whose `slice` does not copy. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function decompressSnappy(block: Uint8Array, options: CodecOptions): Uint8Array {
  const split = block.length - SNAPPY_CHECKSUM_BYTES;
  if (split < 0) throw malformed("snappy", options);
  const result = snappyDecompress(block.subarray(0, split), { maxOutputBytes: MAX_BLOCK_BYTES });
  if (result === "too_large") throw tooLarge(options);
  if (result === "malformed") throw malformed("snappy", options);
  const expected = new DataView(block.buffer, block.byteOffset + split).getUint32(0);
  if (crc32(result) !== expected) {
    throw corruptData(
      "avro_checksum_mismatch",
      `Cannot read "${displayPath(options.location)}": a block does not match its checksum`,
      { context: { location: options.location } },
    );
  }
  return result;
}

function codecError(codec: AvroCodec, cause: unknown, options: CodecOptions): unknown {
  // A TypeError would be a misuse of zlib by us; what else zlib throws is about the data.
  if (cause instanceof AppError || cause instanceof TypeError) return cause;
  if (cause instanceof RangeError) return tooLarge(options, cause);
  return malformed(codec, options, cause);
}

function tooLarge(options: CodecOptions, cause?: unknown): AppError {
  return corruptData(
    "avro_too_large",
    `Cannot read "${
      displayPath(options.location)
    }": a block decompresses to more than ${MAX_BLOCK_BYTES} bytes`,
    { context: { location: options.location }, cause },
  );
}

function malformed(codec: AvroCodec, options: CodecOptions, cause?: unknown): AppError {
  return corruptData(
    "avro_malformed",
    `Cannot read "${displayPath(options.location)}": a block is not valid ${codec} data`,
    { context: { location: options.location }, cause },
  );
}
