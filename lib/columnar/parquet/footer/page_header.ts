/** Headers of pages, of which a column chunk is a sequence. */
import { bool, type Codec, i32, optional, required, struct } from "../thrift/codec.ts";

/** Numbers of page types. */
export const PageType = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;

/** Of data pages, version 1. */
export interface DataPageHeader {
  readonly numValues: number;
  readonly encoding: number;
  /** Encodings of levels. */
  readonly definitionEncoding: number;
  readonly repetitionEncoding: number;
}

/** Of dictionary pages. */
export interface DictionaryPageHeader {
  readonly numValues: number;
  readonly encoding: number;
}

/** Of data pages, version 2. */
export interface DataPageHeaderV2 {
  readonly numValues: number;
  readonly encoding: number;
  readonly numRows: number;
  readonly isCompressed: boolean | null;
}

/** What stands in front of a page; the parts that nobody here needs are skipped. */
export interface PageHeader {
  readonly type: number;
  /** Bytes without the header. */
  readonly uncompressedSize: number;
  readonly compressedSize: number;
  readonly data: DataPageHeader | null;
  readonly dictionary: DictionaryPageHeader | null;
  readonly dataV2: DataPageHeaderV2 | null;
}

const dataPageHeader = struct<DataPageHeader>("DataPageHeader", {
  numValues: required(1, i32),
  encoding: required(2, i32),
  definitionEncoding: required(3, i32),
  repetitionEncoding: required(4, i32),
});

const dictionaryPageHeader = struct<DictionaryPageHeader>("DictionaryPageHeader", {
  numValues: required(1, i32),
  encoding: required(2, i32),
});

const dataPageHeaderV2 = struct<DataPageHeaderV2>("DataPageHeaderV2", {
  numValues: required(1, i32),
  numRows: required(3, i32),
  encoding: required(4, i32),
  isCompressed: optional(7, bool),
});

/** The struct `PageHeader`. */
export const pageHeaderCodec: Codec<PageHeader> = struct<PageHeader>("PageHeader", {
  type: required(1, i32),
  uncompressedSize: required(2, i32),
  compressedSize: required(3, i32),
  data: optional(5, dataPageHeader),
  dictionary: optional(7, dictionaryPageHeader),
  dataV2: optional(8, dataPageHeaderV2),
});
