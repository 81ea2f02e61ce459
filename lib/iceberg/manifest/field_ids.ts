/** Field ids of manifests and manifest lists (spec: "Manifest Entry Fields", "Manifest Lists"). */

/** Fields of `manifest_entry`. */
export const ENTRY_FIELD = {
  status: 0,
  snapshotId: 1,
  dataFile: 2,
  sequenceNumber: 3,
  fileSequenceNumber: 4,
} as const;

/** Fields of `data_file`. */
export const DATA_FILE_FIELD = {
  filePath: 100,
  fileFormat: 101,
  partition: 102,
  recordCount: 103,
  fileSizeInBytes: 104,
  /** v1 only: written for old readers, never read. */
  blockSizeInBytes: 105,
  columnSizes: 108,
  valueCounts: 109,
  nullValueCounts: 110,
  lowerBounds: 125,
  upperBounds: 128,
  keyMetadata: 131,
  splitOffsets: 132,
  content: 134,
  equalityIds: 135,
  nanValueCounts: 137,
  sortOrderId: 140,
  firstRowId: 142,
  referencedDataFile: 143,
  contentOffset: 144,
  contentSizeInBytes: 145,
} as const;

/** Fields of `manifest_file`. */
export const MANIFEST_FILE_FIELD = {
  manifestPath: 500,
  manifestLength: 501,
  partitionSpecId: 502,
  addedSnapshotId: 503,
  addedFilesCount: 504,
  existingFilesCount: 505,
  deletedFilesCount: 506,
  partitions: 507,
  addedRowsCount: 512,
  existingRowsCount: 513,
  deletedRowsCount: 514,
  sequenceNumber: 515,
  minSequenceNumber: 516,
  content: 517,
  keyMetadata: 519,
  firstRowId: 520,
} as const;

/** Fields of `field_summary`. */
export const FIELD_SUMMARY_FIELD = {
  containsNull: 509,
  lowerBound: 510,
  upperBound: 511,
  containsNan: 518,
} as const;
