/** Everything that a table refers to, and the folders it keeps its files in. */
import type { LoadedTable } from "../../../iceberg/ports.ts";
import { reachableFiles } from "../../../iceberg/reachability/reachable_files.ts";
import { FOLDER_PROPERTIES } from "../../../iceberg/spec/folder_properties.ts";
import type { Snapshot } from "../../../iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import { joinLocation, relativeLocation, withoutTrailingSlashes } from "../../../storage/mod.ts";

/** Folders that the table's properties name and that do not lie below its location. */
export function foldersElsewhere({ location, properties }: TableMetadata): readonly string[] {
  const named = FOLDER_PROPERTIES.flatMap((name) => {
    const folder = properties[name];
    return folder === undefined || folder === "" ? [] : [withoutTrailingSlashes(folder)];
  });
  return [...new Set(named)].filter((folder) => relativeLocation(folder, location) === null);
}

/** Options of {@linkcode locationsOf}. */
export interface LocationsOptions {
  /** Snapshots whose files are wanted; all by default. */
  readonly snapshots?: readonly Snapshot[];
  readonly signal: AbortSignal;
}

/**
 * Streams the location of every file that the table refers to, some more than once. Errors are those
 * of reading manifests: what cannot be read may refer to anything.
 */
export async function* locationsOf(
  { metadata, metadataLocation, io }: LoadedTable,
  { snapshots = metadata.snapshots, signal }: LocationsOptions,
): AsyncGenerator<string> {
  yield metadataLocation;
  for (const { metadataFile } of metadata.metadataLog) yield metadataFile;
  yield joinLocation(metadata.location, "metadata/version-hint.text");
  // Statistics may be of snapshots that are gone: the metadata still names them.
  for (const { statisticsPath } of [...metadata.statistics, ...metadata.partitionStatistics]) {
    yield statisticsPath;
  }
  for await (const { location } of reachableFiles({ io, metadata, snapshots, signal })) {
    yield location;
  }
}
