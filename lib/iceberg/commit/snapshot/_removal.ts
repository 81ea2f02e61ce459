/** Which files a snapshot removes: named ones, and those whose every row matches a filter. */
import { AppError, displayPath } from "../../../errors.ts";
import type { Expression } from "../../expression/expression.ts";
import type { DataFile, ManifestEntry } from "../../manifest/data_file.ts";
import { isDeletionVector, referencedDataFile } from "../../scan/delete_index.ts";
import type { TableMetadata } from "../../spec/table_metadata.ts";
import type { EntryFilter } from "./_manifest_filter.ts";
import { fileKey } from "./_new_manifests.ts";
import { partitionPruner } from "../../scan/partition_pruner.ts";
import { ReplacedPartitions } from "./_replaced_partitions.ts";
import { RowFilter } from "./_row_filter.ts";

/** A file to remove; scan tasks and manifest entries will do. */
export interface RemovedFile {
  readonly dataFile: DataFile;
  /** Where known: older manifests are then not read. */
  readonly fileSequenceNumber?: bigint | null;
}

/** What to remove. */
export interface Removal {
  readonly data: readonly RemovedFile[];
  readonly deletes: readonly RemovedFile[];
  /** Locations of data files of which nothing else is known: every manifest is read for them. */
  readonly paths: readonly string[];
  /** Data files go whose every row matches; null for none. */
  readonly where: Expression | null;
  /** Files go that lie in the partitions of these. */
  readonly partitionsOf: readonly DataFile[];
}

/** Removes nothing. */
export const NO_REMOVAL: Removal = {
  data: [],
  deletes: [],
  paths: [],
  where: null,
  partitionsOf: [],
};

/** Whether a removal may remove data files. */
export function removesData(removal: Removal): boolean {
  const { data, paths, where, partitionsOf } = removal;
  return data.length + paths.length + partitionsOf.length > 0 || where !== null;
}

/**
 * The filter of data manifests. A file that matches `where` in part is `invalid`, one of another spec
 * that may lie in a partition in part is `unsupported`.
 */
export function dataFilter(removal: Removal, metadata: TableMetadata): EntryFilter {
  const named = namedFilter(removal.data, metadata);
  const paths = new Set(removal.paths);
  const rows = rowFilter(removal.where, metadata);
  const replaced = new ReplacedPartitions(removal.partitionsOf, metadata);
  return {
    mayHold: (manifest) =>
      paths.size > 0 || named.mayHold(manifest) || rows.mayHold(manifest) ||
      replaced.mayHold(manifest),
    removes: (entry) =>
      named.removes(entry) || paths.has(entry.dataFile.filePath) || rows.removes(entry) ||
      replaced.removes(entry.dataFile),
  };
}

/** Named files that a filtering has not found. */
export function missingFiles(
  wanted: readonly RemovedFile[],
  removed: readonly ManifestEntry[],
): readonly string[] {
  const found = new Set(removed.map((entry) => fileKey(entry.dataFile)));
  return wanted.filter(({ dataFile }) => !found.has(fileKey(dataFile)))
    .map(({ dataFile }) => dataFile.filePath);
}

/** What the removal of data files and the adding of deletion vectors mean for delete manifests. */
export interface DeleteFilterInput {
  readonly removal: Removal;
  readonly metadata: TableMetadata;
  /** Data files that go, and new deletion vectors: each ends the vector that its file has. */
  readonly superseding: readonly DataFile[];
}

/**
 * The filter of delete manifests. With a data file goes its deletion vector, and with a new vector
 * the former one (spec: "Deletion Vectors": at most one applies to a file). Position and equality
 * delete files go where they are named, or where `where` covers their whole partition. Where
 * partitions are replaced, so do all of their deletes, and those for a removed file alone.
 */
export function deleteFilter(input: DeleteFilterInput): EntryFilter {
  const { removal, metadata, superseding } = input;
  const named = namedFilter(removal.deletes, metadata);
  const vectors = metadata.formatVersion < 3 ? [] : superseding;
  const targets = vectorTargets(vectors);
  const holdsVector = partitionPruner(metadata, vectors);
  const partitions = partitionFilter(removal.where, metadata);
  const replaced = replacedFilter(input);
  return {
    mayHold: (manifest) =>
      named.mayHold(manifest) || holdsVector(manifest) || partitions.mayHold(manifest) ||
      replaced.mayHold(manifest),
    removes: (entry) =>
      named.removes(entry) || isVectorOf(entry.dataFile, targets) || partitions.removes(entry) ||
      replaced.removes(entry),
  };
}

/** Locations of the data files whose deletion vectors end. */
export function vectorTargets(superseding: readonly DataFile[]): ReadonlySet<string> {
  return new Set(superseding.map((file) => referencedDataFile(file) ?? file.filePath));
}

function isVectorOf(file: DataFile, targets: ReadonlySet<string>): boolean {
  return isDeletionVector(file) && targets.has(referencedDataFile(file) ?? "");
}

function namedFilter(files: readonly RemovedFile[], metadata: TableMetadata): EntryFilter {
  const keys = new Set(files.map(({ dataFile }) => fileKey(dataFile)));
  const inPartition = partitionPruner(metadata, files.map(({ dataFile }) => dataFile));
  // A manifest is never older than a file in it.
  let oldest: bigint | null = files.length === 0 ? null : files[0]?.fileSequenceNumber ?? null;
  for (const { fileSequenceNumber: number = null } of files) {
    if (oldest === null || number === null) oldest = null;
    else if (number < oldest) oldest = number;
  }
  return {
    mayHold: (manifest) =>
      keys.size > 0 && (oldest === null || manifest.sequenceNumber >= oldest) &&
      inPartition(manifest),
    removes: (entry) => keys.has(fileKey(entry.dataFile)),
  };
}

/** Nothing matches. */
const NOTHING: EntryFilter = { mayHold: () => false, removes: () => false };

function rowFilter(where: Expression | null, metadata: TableMetadata): EntryFilter {
  if (where === null) return NOTHING;
  const rows = new RowFilter(where, metadata);
  return {
    mayHold: (manifest) => rows.mayHold(manifest),
    removes: ({ dataFile }) => {
      if (!rows.mayMatch(dataFile)) return false;
      if (rows.mustMatch(dataFile)) return true;
      throw new AppError(
        "invalid",
        "filter_matches_part_of_file",
        `Cannot remove rows by this filter: "${displayPath(dataFile.filePath)}" may hold others, ` +
          "too; filter by whole partitions, or rewrite the file",
        { context: { location: dataFile.filePath } },
      );
    },
  };
}

/** Delete files of partitions all of whose rows go. */
function partitionFilter(where: Expression | null, metadata: TableMetadata): EntryFilter {
  if (where === null) return NOTHING;
  const rows = new RowFilter(where, metadata);
  return {
    mayHold: (manifest) => rows.mayHold(manifest),
    removes: ({ dataFile }) => rows.coversPartition(dataFile),
  };
}

/** Delete files of replaced partitions, and of files that went with them. */
function replacedFilter({ removal, metadata, superseding }: DeleteFilterInput): EntryFilter {
  if (removal.partitionsOf.length === 0) return NOTHING;
  const replaced = new ReplacedPartitions(removal.partitionsOf, metadata);
  const paths = vectorTargets(superseding);
  const besideRemoved = partitionPruner(metadata, superseding);
  return {
    mayHold: (manifest) => replaced.mayHoldDeletes(manifest) || besideRemoved(manifest),
    removes: ({ dataFile }) =>
      replaced.covers(dataFile) || paths.has(referencedDataFile(dataFile) ?? ""),
  };
}
