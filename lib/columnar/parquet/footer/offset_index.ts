/** Offset indexes, which say where the pages of a chunk lie. */
import { type Codec, i32, i64, list, optional, required, struct } from "../thrift/codec.ts";

/** Where a page lies. */
export interface PageLocation {
  readonly offset: number;
  /** Bytes with the header. */
  readonly compressedPageSize: number;
  /** Counted from the first row of the row group. */
  readonly firstRowIndex: number;
}

/** The pages of a chunk. */
export interface OffsetIndex {
  readonly pageLocations: readonly PageLocation[];
  readonly unencodedByteArrayDataBytes: readonly number[] | null;
}

/** Pages of a chunk at most. */
const MAX_PAGES = 2_000_000;

const pageLocation = struct<PageLocation>("PageLocation", {
  offset: required(1, i64),
  compressedPageSize: required(2, i32),
  firstRowIndex: required(3, i64),
});

/** The struct `OffsetIndex`. */
export const offsetIndexCodec: Codec<OffsetIndex> = struct<OffsetIndex>("OffsetIndex", {
  pageLocations: required(1, list(pageLocation, MAX_PAGES)),
  unencodedByteArrayDataBytes: optional(2, list(i64, MAX_PAGES)),
});
