/** Every file that snapshots refer to, as a stream: for whoever looks for what nobody refers to. */
import { mapConcurrently } from "../../concurrency.ts";
import type { FileIo } from "../ports.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";

import { DEFAULT_MANIFEST_CONCURRENCY, manifestSource } from "../scan/manifest_source.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { liveLocations, mayHaveLiveFiles } from "./_live_locations.ts";
import { manifestsOf } from "./_manifests_of.ts";
import type { ReachableFile } from "./reachable_file.ts";
import { statisticsOf } from "./_statistics_of.ts";

/** Options of {@linkcode reachableFiles}. */
export interface ReachableFilesOptions {
  readonly io: FileIo;
  readonly metadata: TableMetadata;
  /** All of the table's by default. */
  readonly snapshots?: readonly Snapshot[];
  readonly signal?: AbortSignal;
}

/**
 * Live data and delete files, manifests, manifest lists and statistics of snapshots. Each manifest
 * is read once and given once; a data file that several manifests list is given for each, so that
 * nothing is kept in memory but the locations of manifests. Files of the metadata log are not among
 * them. A file that cannot be read is an error: without it nobody knows what is reachable.
 */
export async function* reachableFiles(
  options: ReachableFilesOptions,
): AsyncGenerator<ReachableFile> {
  const { io, metadata, snapshots = metadata.snapshots, signal } = options;
  const source = manifestSource(io, metadata);
  for (const { manifestList: location } of snapshots) {
    if (location !== null) yield { kind: "manifest_list", location, sizeBytes: null };
  }
  yield* statisticsOf(metadata, new Set(snapshots.map((snapshot) => snapshot.snapshotId)));
  const manifests = new Map<string, ManifestFile>();
  await manifestsOf(
    snapshots,
    (manifest) => manifests.set(manifest.manifestPath, manifest),
    { manifests: source, signal },
  );
  for (const { manifestPath: location, manifestLength } of manifests.values()) {
    yield { kind: "manifest", location, sizeBytes: manifestLength };
  }
  const live = [...manifests.values()].filter(mayHaveLiveFiles);
  for (let at = 0; at < live.length; at += DEFAULT_MANIFEST_CONCURRENCY) {
    const some = live.slice(at, at + DEFAULT_MANIFEST_CONCURRENCY);
    const lists = await mapConcurrently(some, async (manifest) => {
      const files: ReachableFile[] = [];
      await liveLocations(manifest, (file) => files.push(file), { io, signal });
      return files;
    }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
    for (const files of lists) yield* files;
  }
}
