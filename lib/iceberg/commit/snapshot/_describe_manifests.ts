/**
 * A parent's manifests as a new manifest list needs them. Writers of v1 could leave counts out, and
 * name manifests inline: what they did not say is read from the manifests themselves.
 */
import { mapConcurrently } from "../../../concurrency.ts";
import type { ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { NO_DATA_FILE_COLUMNS } from "../../manifest/read_manifest.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "../../scan/manifest_source.ts";
import type { Snapshot } from "../../spec/snapshot.ts";

/** Where manifests are read from. */
export interface ManifestReading {
  readonly manifests: ManifestSource;
  readonly signal?: AbortSignal | undefined;
}

/** The manifests of a snapshot, every count filled in. */
export async function describeManifests(
  snapshot: Snapshot,
  { manifests: source, signal }: ManifestReading,
): Promise<readonly ManifestFile[]> {
  const read = signal === undefined ? {} : { signal };
  const manifests = await source.manifestsOf(snapshot, read);
  if (!manifests.some(lacksCounts)) return manifests;
  return await mapConcurrently(manifests, async (manifest) => {
    if (!lacksCounts(manifest)) return manifest;
    const columns = NO_DATA_FILE_COLUMNS;
    return withCounts(manifest, await source.entriesOf(manifest, { columns, ...read }));
  }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
}

function lacksCounts(manifest: ManifestFile): boolean {
  return manifest.addedSnapshotId === null || manifest.addedFilesCount === null ||
    manifest.existingFilesCount === null || manifest.deletedFilesCount === null ||
    manifest.addedRowsCount === null || manifest.existingRowsCount === null ||
    manifest.deletedRowsCount === null;
}

function withCounts(manifest: ManifestFile, entries: readonly ManifestEntry[]): ManifestFile {
  const files = { existing: 0, added: 0, deleted: 0 };
  const rows = { existing: 0, added: 0, deleted: 0 };
  let changedBy: bigint | null = null;
  let newest: bigint | null = null;
  for (const { status, snapshotId, dataFile } of entries) {
    files[status]++;
    rows[status] += dataFile.recordCount;
    if (status !== "existing") changedBy ??= snapshotId;
    if (snapshotId !== null && (newest === null || snapshotId > newest)) newest = snapshotId;
  }
  return {
    ...manifest,
    // Who added or removed a file wrote the manifest; failing that, Java takes the greatest id.
    addedSnapshotId: manifest.addedSnapshotId ?? changedBy ?? newest,
    addedFilesCount: files.added,
    existingFilesCount: files.existing,
    deletedFilesCount: files.deleted,
    addedRowsCount: rows.added,
    existingRowsCount: rows.existing,
    deletedRowsCount: rows.deleted,
  };
}
