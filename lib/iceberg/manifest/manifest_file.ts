/** Entries of a manifest list (spec: "Manifest Lists"). */

/** Bounds of one partition field over a manifest's files, in single-value serialization. */
export interface FieldSummary {
  readonly containsNull: boolean;
  /** Null where the writer did not say. */
  readonly containsNan: boolean | null;
  readonly lowerBound: Uint8Array | null;
  readonly upperBound: Uint8Array | null;
}

/** One manifest, as its manifest list describes it. Counts are null for v1 writers that omit them. */
export interface ManifestFile {
  readonly manifestPath: string;
  /** Bytes. */
  readonly manifestLength: number;
  readonly partitionSpecId: number;
  readonly content: "data" | "deletes";
  /** 0 for v1. */
  readonly sequenceNumber: bigint;
  readonly minSequenceNumber: bigint;
  /** Null for v1 manifests named inline in metadata. */
  readonly addedSnapshotId: bigint | null;
  readonly addedFilesCount: number | null;
  readonly existingFilesCount: number | null;
  readonly deletedFilesCount: number | null;
  readonly addedRowsCount: number | null;
  readonly existingRowsCount: number | null;
  readonly deletedRowsCount: number | null;
  /** By position in the partition spec; empty where unpartitioned, null where not recorded. */
  readonly partitions: readonly FieldSummary[] | null;
  readonly keyMetadata: Uint8Array | null;
  /** v3 row lineage: first id for ADDED rows without one. */
  readonly firstRowId: bigint | null;
}

/** What the specification assumes of a manifest that nothing is said about (v1 writers). */
export const UNDESCRIBED_MANIFEST: ManifestFile = Object.freeze({
  manifestPath: "",
  manifestLength: 0,
  partitionSpecId: 0,
  content: "data",
  sequenceNumber: 0n,
  minSequenceNumber: 0n,
  addedSnapshotId: null,
  addedFilesCount: null,
  existingFilesCount: null,
  deletedFilesCount: null,
  addedRowsCount: null,
  existingRowsCount: null,
  deletedRowsCount: null,
  partitions: null,
  keyMetadata: null,
  firstRowId: null,
});
