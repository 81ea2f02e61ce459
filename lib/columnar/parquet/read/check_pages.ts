/**
 * A look at the headers of a chunk's pages before the decoder gets them: what it cannot decode is
 * refused by name, and sizes that only a hostile file has are refused before memory is taken.
 */
import { AppError, displayPath } from "../../../errors.ts";
import type { ColumnMetaData } from "../footer/file_metadata.ts";
import { type PageHeader, pageHeaderCodec, PageType } from "../footer/page_header.ts";
import { CODEC_NAMES, ENCODING_NAMES } from "../footer/physical_type.ts";
import { failAt } from "../footer/read_footer.ts";
import { CompactReader } from "../thrift/compact_reader.ts";

/** Bytes of one page after decompression; writers aim at one MiB. */
export const MAX_PAGE_BYTES = 512 * 1024 * 1024;

const UNSUPPORTED_CODECS: ReadonlySet<string> = new Set(["LZO"]);

/** A chunk to look at. */
export interface ChunkToCheck {
  /** From the chunk's first byte to its last. */
  readonly bytes: Uint8Array;
  readonly metaData: ColumnMetaData;
  readonly location: string;
  /** Dotted path of the column. */
  readonly column: string;
}

/** What the headers say. */
export interface PageCheck {
  /** Bytes of the dictionary page after decompression, 0 without one. */
  readonly dictionaryBytes: number;
  /** Bytes of all pages after decompression. */
  readonly uncompressedBytes: number;
  /** Values in the dictionary that every data page refers to; null where any holds values itself. */
  readonly dictionaryValues: number | null;
}

/** Refuses (`unsupported`) codecs and encodings that cannot be decoded, before anything is fetched. */
export function checkDecodable(options: Omit<ChunkToCheck, "bytes">): void {
  const { metaData, location, column } = options;
  const codec = CODEC_NAMES[metaData.codec];
  if (codec === undefined || UNSUPPORTED_CODECS.has(codec)) {
    const name = codec ?? `number ${metaData.codec}`;
    throw unsupported(`is compressed with the codec ${name}`, location, column);
  }
  for (const encoding of metaData.encodings) checkEncoding(encoding, location, column);
}

/** Walks the pages of a chunk. Throws `corrupt_data` or `unsupported`. */
export function checkPages(chunk: ChunkToCheck): PageCheck {
  const { bytes, metaData, location, column } = chunk;
  const fail = (detail: string) => failAt(location)(`column ${JSON.stringify(column)} ${detail}`);
  let offset = 0;
  let values = 0;
  let dictionaryBytes = 0;
  let uncompressedBytes = 0;
  let dictionaryValues: number | null = null;
  let isPlain = false;
  while (values < metaData.numValues && offset < bytes.length) {
    const reader = new CompactReader(bytes, { location, offset });
    const header = pageHeaderCodec.read(reader);
    const { compressedSize, uncompressedSize } = header;
    if (compressedSize < 0 || compressedSize > reader.remaining) {
      fail("has a page that ends outside of it");
    }
    if (uncompressedSize < 0) fail("has a page of negative size");
    if (uncompressedSize > MAX_PAGE_BYTES) {
      fail(`has a page of ${uncompressedSize} bytes, at most ${MAX_PAGE_BYTES} are decoded`);
    }
    const page = pageOf(header);
    if (page === null) {
      if (header.type !== PageType.index) fail(`has a page of the unknown type ${header.type}`);
    } else {
      if (page.numValues < 0) fail("has a page with a negative number of values");
      checkEncoding(page.encoding, location, column);
      if (header.type === PageType.dictionary) {
        dictionaryBytes = uncompressedSize;
        dictionaryValues = page.numValues;
      } else {
        values += page.numValues;
        isPlain ||= ENCODING_NAMES[page.encoding]?.endsWith("_DICTIONARY") !== true;
      }
    }
    uncompressedBytes += uncompressedSize;
    offset = reader.position + compressedSize;
  }
  if (values !== metaData.numValues) {
    fail(`claims ${metaData.numValues} values, its pages have ${values}`);
  }
  return {
    dictionaryBytes,
    uncompressedBytes,
    dictionaryValues: isPlain ? null : dictionaryValues,
  };
}

function pageOf(header: PageHeader): PageHeader["dictionary"] {
  switch (header.type) {
    case PageType.data:
      return header.data;
    case PageType.dataV2:
      return header.dataV2;
    case PageType.dictionary:
      return header.dictionary;
  }
  return null;
}

function checkEncoding(encoding: number, location: string, column: string): void {
  if (typeof ENCODING_NAMES[encoding] === "string") return;
  throw unsupported(`has the encoding number ${encoding}`, location, column);
}

function unsupported(what: string, location: string, column: string): AppError {
  return new AppError(
    "unsupported",
    "parquet_unsupported",
    `Cannot read "${displayPath(location)}": column ${JSON.stringify(column)} ${what}; ` +
      "rewrite the file with another one",
    { context: { location } },
  );
}
