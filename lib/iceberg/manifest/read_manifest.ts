/** Reads the entries of a manifest (spec: "Manifests"). */
import { corruptData, displayPath } from "../../errors.ts";
import { openContainer } from "../avro/container.ts";
import type { DataFile, ManifestEntry } from "./data_file.ts";
import { walkEntries } from "./entry_reader.ts";
import type { EntryColumn, EntryRow } from "./entry_row.ts";
import { ENTRY_STATUSES, FirstRowIdAssigner, inheritSequenceNumber } from "./inherit.ts";
import { checkFormatVersion } from "./manifest_header.ts";
import type { ManifestFile } from "./manifest_file.ts";
import type { PartitionFieldRef } from "./partition_tuple.ts";

/** Fields of a data file that are decoded only on demand; null when not asked for. */
export type DataFileColumn =
  | "columnSizes"
  | "valueCounts"
  | "nullValueCounts"
  | "nanValueCounts"
  | "lowerBounds"
  | "upperBounds"
  | "keyMetadata"
  | "splitOffsets";

/** Every {@linkcode DataFileColumn}. */
export const ALL_DATA_FILE_COLUMNS: ReadonlySet<DataFileColumn> = new Set([
  "columnSizes",
  "valueCounts",
  "nullValueCounts",
  "nanValueCounts",
  "lowerBounds",
  "upperBounds",
  "keyMetadata",
  "splitOffsets",
]);

/** No {@linkcode DataFileColumn}: files with paths, counts and partitions, and nothing else. */
export const NO_DATA_FILE_COLUMNS: ReadonlySet<DataFileColumn> = new Set();

const ALWAYS_READ: readonly EntryColumn[] = [
  "status",
  "snapshotId",
  "sequenceNumber",
  "fileSequenceNumber",
  "content",
  "filePath",
  "fileFormat",
  "partition",
  "recordCount",
  "fileSizeInBytes",
  "equalityIds",
  "sortOrderId",
  "firstRowId",
  "referencedDataFile",
  "contentOffset",
  "contentSizeInBytes",
];

/** Options of {@linkcode readManifest}. */
export interface ReadManifestOptions {
  /** How the manifest list describes the manifest; entries inherit from it. */
  readonly manifest: ManifestFile;
  /** Decoded beyond what every data file has; all by default. */
  readonly columns?: ReadonlySet<DataFileColumn>;
  /**
   * Order of the partition tuple, and types to widen values to; a spec's `fields` will do. By
   * default the order of the spec in the manifest's header.
   */
  readonly partitionFields?: readonly PartitionFieldRef[];
  /**
   * True for a manifest that no snapshot has committed yet, as its writer reads it back: nothing is
   * there to inherit, so that what added files left out stays null, and what others carry stays.
   */
  readonly uncommitted?: boolean;
}

/**
 * Yields the entries of a manifest after inheritance, in lists of at most `ENTRIES_PER_STEP`: a
 * caller that must stay responsive pauses between them. Metric maps keep the decoded block alive.
 *
 * Throws `corrupt_data` (`avro_*`, `manifest_malformed`) or `unsupported`.
 */
export function* readManifest(
  bytes: Uint8Array,
  options: ReadManifestOptions,
): Generator<readonly ManifestEntry[]> {
  const { manifest, columns = ALL_DATA_FILE_COLUMNS, partitionFields = null } = options;
  const container = openContainer(bytes, { location: manifest.manifestPath });
  checkFormatVersion(container);
  const firstRowIds = options.uncommitted === true ? null : new FirstRowIdAssigner(manifest);
  let entries: ManifestEntry[] = [];
  const projection = { columns: new Set([...ALWAYS_READ, ...columns]), partitionFields };
  const visit = (row: EntryRow) => entries.push(toEntry(row, manifest, firstRowIds));
  for (const _ of walkEntries(container, visit, projection)) {
    yield entries;
    entries = [];
  }
}

/** All entries of a manifest in one list; see {@linkcode readManifest}. */
export function readManifestEntries(
  bytes: Uint8Array,
  options: ReadManifestOptions,
): readonly ManifestEntry[] {
  return [...readManifest(bytes, options)].flat();
}

function toEntry(
  row: EntryRow,
  manifest: ManifestFile,
  firstRowIds: FirstRowIdAssigner | null,
): ManifestEntry {
  const status = entryStatus(row, manifest.manifestPath);
  if (firstRowIds === null) {
    return {
      status,
      snapshotId: row.snapshotId ?? manifest.addedSnapshotId,
      sequenceNumber: row.sequenceNumber,
      fileSequenceNumber: row.fileSequenceNumber,
      dataFile: toDataFile(row, manifest.partitionSpecId, row.firstRowId),
    };
  }
  const firstRowId = firstRowIds.assign(row.firstRowId, { status, recordCount: row.recordCount });
  return {
    status,
    snapshotId: row.snapshotId ?? manifest.addedSnapshotId,
    sequenceNumber: inheritSequenceNumber(row.sequenceNumber, status, manifest),
    fileSequenceNumber: inheritSequenceNumber(row.fileSequenceNumber, status, manifest),
    dataFile: toDataFile(row, manifest.partitionSpecId, firstRowId),
  };
}

/** The status of a decoded entry; throws where its code is none. */
export function entryStatus(row: EntryRow, location: string): typeof ENTRY_STATUSES[number] {
  const status = ENTRY_STATUSES[row.status];
  if (status !== undefined) return status;
  throw corruptData(
    "manifest_malformed",
    `Cannot read manifest "${
      displayPath(location)
    }": an entry has the unknown status ${row.status}`,
    { context: { location } },
  );
}

function toDataFile(row: EntryRow, specId: number, firstRowId: bigint | null): DataFile {
  return {
    content: row.content,
    filePath: row.filePath,
    fileFormat: row.fileFormat,
    specId,
    partition: row.partition,
    recordCount: row.recordCount,
    fileSizeInBytes: row.fileSizeInBytes,
    columnSizes: row.columnSizes,
    valueCounts: row.valueCounts,
    nullValueCounts: row.nullValueCounts,
    nanValueCounts: row.nanValueCounts,
    lowerBounds: row.lowerBounds,
    upperBounds: row.upperBounds,
    keyMetadata: row.keyMetadata,
    splitOffsets: row.splitOffsets,
    equalityIds: row.equalityIds,
    sortOrderId: row.sortOrderId,
    firstRowId,
    referencedDataFile: row.referencedDataFile,
    contentOffset: row.contentOffset,
    contentSizeInBytes: row.contentSizeInBytes,
  };
}
