/** Data and delete files, and the manifest entries that track them (spec: "Manifests"). */
import type { IcebergValue } from "../spec/types.ts";

/** A data file or a delete file. Counts and sizes are safe integers; a larger one is refused. */
export interface DataFile {
  readonly content: "data" | "position_deletes" | "equality_deletes";
  readonly filePath: string;
  /** Lower case: `parquet`, `avro`, `orc`, `puffin`. */
  readonly fileFormat: string;
  /** Spec that the partition tuple follows (from the manifest). */
  readonly specId: number;
  /** Values in the spec's field order, in memory form of each field's result type. */
  readonly partition: readonly IcebergValue[];
  readonly recordCount: number;
  /** Bytes. */
  readonly fileSizeInBytes: number;
  /**
   * By field id; null where not recorded or not asked for. As read, these six maps stay encoded
   * until they are asked, and do not survive `structuredClone`.
   */
  readonly columnSizes: ReadonlyMap<number, number> | null;
  readonly valueCounts: ReadonlyMap<number, number> | null;
  readonly nullValueCounts: ReadonlyMap<number, number> | null;
  readonly nanValueCounts: ReadonlyMap<number, number> | null;
  /** Single-value serialization (spec: Appendix D), by field id. */
  readonly lowerBounds: ReadonlyMap<number, Uint8Array> | null;
  readonly upperBounds: ReadonlyMap<number, Uint8Array> | null;
  readonly keyMetadata: Uint8Array | null;
  readonly splitOffsets: readonly number[] | null;
  /** Field ids that an equality delete compares. */
  readonly equalityIds: readonly number[] | null;
  readonly sortOrderId: number | null;
  /** v3: `_row_id` of the file's first row, after inheritance. */
  readonly firstRowId: bigint | null;
  /** Path of the one data file that all deletes in this file are for. */
  readonly referencedDataFile: string | null;
  /** Deletion vectors: where the blob lies inside its Puffin file, in bytes. */
  readonly contentOffset: number | null;
  readonly contentSizeInBytes: number | null;
}

/** What may be left open about a file, left open: to be spread before what is known of it. */
export const NOTHING_MORE_KNOWN = {
  columnSizes: null,
  valueCounts: null,
  nullValueCounts: null,
  nanValueCounts: null,
  lowerBounds: null,
  upperBounds: null,
  keyMetadata: null,
  splitOffsets: null,
  equalityIds: null,
  sortOrderId: null,
  firstRowId: null,
  referencedDataFile: null,
  contentOffset: null,
  contentSizeInBytes: null,
} as const satisfies Partial<DataFile>;

/** One line of a manifest, after inheritance of snapshot id and sequence numbers. */
export interface ManifestEntry {
  readonly status: "existing" | "added" | "deleted";
  readonly snapshotId: bigint | null;
  /** Data sequence number; null only where an existing or deleted entry fails to carry its own. */
  readonly sequenceNumber: bigint | null;
  readonly fileSequenceNumber: bigint | null;
  readonly dataFile: DataFile;
}
