/** Folds the entries of a manifest without building objects for them: the way to count files. */
import { openContainer } from "../avro/container.ts";
import type { IcebergValue } from "../spec/types.ts";
import type { DataFile } from "./data_file.ts";
import { walkEntries } from "./entry_reader.ts";
import type { EntryColumn } from "./entry_row.ts";
import type { EntryStatus } from "./inherit.ts";
import { checkFormatVersion } from "./manifest_header.ts";
import type { PartitionFieldRef } from "./partition_tuple.ts";
import { entryStatus } from "./read_manifest.ts";

/** What a scan sees of an entry. One object for all entries: take what you need before returning. */
export interface ScannedFile {
  readonly status: EntryStatus;
  readonly content: DataFile["content"];
  readonly fileFormat: string;
  readonly recordCount: number;
  readonly fileSizeInBytes: number;
  /**
   * The partition tuple. Files of one partition mostly share one array, so a fold may look it up by
   * identity first; equal tuples in different arrays do occur.
   */
  readonly partition: readonly IcebergValue[];
}

const SCANNED: ReadonlySet<EntryColumn> = new Set([
  "status",
  "content",
  "fileFormat",
  "partition",
  "recordCount",
  "fileSizeInBytes",
]);

/** Options of {@linkcode scanManifest}. */
export interface ScanManifestOptions {
  readonly location: string;
  /** As for `readManifest`. */
  readonly partitionFields?: readonly PartitionFieldRef[];
}

/**
 * Calls `visit` for each entry of a manifest, deleted ones included. Yields after each step of at
 * most `ENTRIES_PER_STEP` entries; exhaust it to scan the whole manifest. Errors as for
 * `readManifest`.
 */
export function* scanManifest(
  bytes: Uint8Array,
  visit: (file: ScannedFile) => void,
  options: ScanManifestOptions,
): Generator<void> {
  const { location, partitionFields = null } = options;
  const container = openContainer(bytes, { location });
  checkFormatVersion(container);
  const file: { -readonly [key in keyof ScannedFile]: ScannedFile[key] } = {
    status: "added",
    content: "data",
    fileFormat: "",
    recordCount: 0,
    fileSizeInBytes: 0,
    partition: [],
  };
  yield* walkEntries(container, (row) => {
    file.status = entryStatus(row, location);
    file.content = row.content;
    file.fileFormat = row.fileFormat;
    file.recordCount = row.recordCount;
    file.fileSizeInBytes = row.fileSizeInBytes;
    file.partition = row.partition;
    visit(file);
  }, { columns: SCANNED, partitionFields });
}
