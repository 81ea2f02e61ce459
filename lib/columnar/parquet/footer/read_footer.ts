/** A Parquet file's footer: fetched with one read of the file's tail, parsed and checked. */
import { AppError, corruptData, displayPath } from "../../../errors.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { CompactReader } from "../thrift/compact_reader.ts";
import { type ColumnChunk, type FileMetaData, fileMetaDataCodec } from "./file_metadata.ts";
import { MAX_FOOTER_BYTES, MAX_ROW_GROUP_ROWS } from "./limits.ts";
import { buildSchemaTree, type ParquetSchema } from "./schema_tree.ts";

/** Bytes of the tail that are read at once; nearly every footer fits. */
export const TAIL_BYTES = 64 * 1024;

/** Files up to this size are read whole: their pages come with the footer, without another read. */
export const SMALL_FILE_BYTES = 1024 * 1024;

/** `PAR1`, at both ends of a file. */
export const MAGIC: readonly number[] = [0x50, 0x41, 0x52, 0x31];

/** `PARE`: a file whose footer is encrypted. */
const ENCRYPTED_MAGIC: readonly number[] = [0x50, 0x41, 0x52, 0x45];

/** Footer length and magic, after the footer. */
export const TRAILER_BYTES = 8;

/** Where a footer is read from. */
export interface FooterOptions {
  readonly location: string;
  readonly sizeBytes: number;
  readonly signal?: AbortSignal;
}

/** A footer that is consistent with itself and with the file's size. */
export interface Footer {
  readonly metaData: FileMetaData;
  readonly schema: ParquetSchema;
  /** The whole file, where it is small. */
  readonly file: Uint8Array | null;
}

/**
 * Reads a footer. Throws `corrupt_data` (code `parquet_corrupt`) where the file is no Parquet file
 * or its footer contradicts itself, `unsupported` where it is encrypted, and what `io` throws.
 */
export async function readFooter(io: FileIo, options: FooterOptions): Promise<Footer> {
  const { location, sizeBytes, signal } = options;
  const fail = failAt(location);
  if (sizeBytes < MAGIC.length + TRAILER_BYTES) fail("it is too short for a Parquet file");
  const read = async (length: number) => {
    const range = { offset: sizeBytes - length, length };
    return await io.read(location, { range, ...(signal === undefined ? {} : { signal }) });
  };
  let tail = await read(sizeBytes <= SMALL_FILE_BYTES ? sizeBytes : TAIL_BYTES);
  const length = footerLength(tail, location);
  if (length > sizeBytes - MAGIC.length - TRAILER_BYTES) fail("its footer is longer than the file");
  if (length > MAX_FOOTER_BYTES) fail(`its footer is larger than ${MAX_FOOTER_BYTES} bytes`);
  if (length + TRAILER_BYTES > tail.length) tail = await read(length + TRAILER_BYTES);
  const footer = tail.subarray(tail.length - TRAILER_BYTES - length, tail.length - TRAILER_BYTES);
  return { ...parseFooter(footer, options), file: tail.length === sizeBytes ? tail : null };
}

/** Parses the bytes between the last page and the trailer. Errors are those of `readFooter`. */
export function parseFooter(
  bytes: Uint8Array,
  { location, sizeBytes }: Pick<FooterOptions, "location" | "sizeBytes">,
): Omit<Footer, "file"> {
  const fail = failAt(location);
  const metaData = fileMetaDataCodec.read(new CompactReader(bytes, { location }));
  if (metaData.isEncrypted === true) throw encrypted(location);
  const schema = buildSchemaTree(metaData.schema, fail);
  let rows = 0;
  for (const { columns, numRows } of metaData.rowGroups) {
    if (numRows < 0 || numRows > MAX_ROW_GROUP_ROWS) fail(`a row group has ${numRows} rows`);
    rows += numRows;
    if (columns.length !== schema.leaves.length) {
      fail(`a row group has ${columns.length} columns, its schema ${schema.leaves.length}`);
    }
    columns.forEach((chunk, index) => {
      if (chunk.isEncrypted === true) throw encrypted(location);
      const leaf = schema.leaves[index]!;
      const problem = problemOf(chunk, { end: sizeBytes, numRows });
      if (problem !== null) fail(`column ${JSON.stringify(leaf.path.join("."))} ${problem}`);
      if (chunk.metaData?.type !== leaf.node.element.type) {
        fail(`column ${JSON.stringify(leaf.path.join("."))} is not of its schema's type`);
      }
    });
  }
  if (rows !== metaData.numRows) {
    fail(`it claims ${metaData.numRows} rows, its row groups have ${rows}`);
  }
  return { metaData, schema };
}

/** Offset and length of a column chunk's pages, in bytes. */
export interface ChunkRange {
  readonly offset: number;
  readonly length: number;
}

/** Where the pages of a chunk lie, the dictionary first. */
export function chunkRange(chunk: ColumnChunk): ChunkRange {
  const { metaData } = chunk;
  if (metaData === null) throw new TypeError("Cannot locate a column chunk without metadata");
  const { dictionaryPageOffset, dataPageOffset, totalCompressedSize } = metaData;
  // Some writers put 0 for "no dictionary", others for "no data page", beside an empty dictionary.
  const hasDictionary = dictionaryPageOffset !== null && dictionaryPageOffset > 0 &&
    (dictionaryPageOffset < dataPageOffset || dataPageOffset === 0);
  return {
    offset: hasDictionary ? dictionaryPageOffset : dataPageOffset,
    length: totalCompressedSize,
  };
}

function problemOf(
  chunk: ColumnChunk,
  bounds: { readonly end: number; readonly numRows: number },
): string | null {
  if (chunk.filePath !== null) return "lies in another file";
  if (chunk.metaData === null) return "has no metadata";
  const { numValues, totalUncompressedSize } = chunk.metaData;
  const { offset, length } = chunkRange(chunk);
  if (length < 0 || totalUncompressedSize < 0) return "has a negative size";
  const isEmpty = length === 0 && numValues === 0;
  if (!isEmpty && (offset < MAGIC.length || offset + length > bounds.end - TRAILER_BYTES)) {
    return "lies outside of the file";
  }
  if (numValues < 0 || numValues > MAX_ROW_GROUP_ROWS) return `has ${numValues} values`;
  if (numValues < bounds.numRows) return "has fewer values than its row group has rows";
  return null;
}

function footerLength(tail: Uint8Array, location: string): number {
  const magic = tail.subarray(tail.length - MAGIC.length);
  const is = (expected: readonly number[]) => expected.every((byte, at) => magic[at] === byte);
  if (is(ENCRYPTED_MAGIC)) throw encrypted(location);
  if (!is(MAGIC)) failAt(location)("it does not end as a Parquet file does");
  const at = tail.length - TRAILER_BYTES;
  return new DataView(tail.buffer, tail.byteOffset).getUint32(at, true);
}

function encrypted(location: string): AppError {
  return new AppError(
    "unsupported",
    "parquet_encrypted",
    `Cannot read "${displayPath(location)}": the file is encrypted; rewrite it without encryption`,
    { context: { location } },
  );
}

/** Throws `corrupt_data` for a file. */
export function failAt(location: string): (detail: string) => never {
  return (detail) => {
    throw corruptData("parquet_corrupt", `Cannot read "${displayPath(location)}": ${detail}`, {
      context: { location },
    });
  };
}
