/** The manifests of many snapshots, each once: neighbours share most of theirs. */
import { throwIfAborted } from "../../abort.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import { mapConcurrently } from "../../concurrency.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "../scan/manifest_source.ts";
import type { Snapshot } from "../spec/snapshot.ts";

/** Snapshots whose lists are held at once. */
const LISTS_AT_ONCE = 16;

/** Options of {@linkcode manifestsOf}. */
export interface ManifestsOfOptions {
  readonly manifests: ManifestSource;
  readonly signal?: AbortSignal | undefined;
  /** Called where a snapshot's list cannot be read; it rethrows, or the snapshot is left out. */
  readonly onUnreadable?: (location: string, error: unknown) => void;
}

/** Calls `visit` with every manifest, in no set order; one of many snapshots may come again. */
export async function manifestsOf(
  snapshots: readonly Snapshot[],
  visit: (manifest: ManifestFile) => void,
  options: ManifestsOfOptions,
): Promise<void> {
  const { manifests: source, signal, onUnreadable } = options;
  const read = signal === undefined ? {} : { signal };
  for (let at = 0; at < snapshots.length; at += LISTS_AT_ONCE) {
    await mapConcurrently(snapshots.slice(at, at + LISTS_AT_ONCE), async (snapshot) => {
      try {
        for (const manifest of await source.manifestsOf(snapshot, read)) visit(manifest);
      } catch (error) {
        throwIfAborted(signal);
        if (onUnreadable === undefined) throw error;
        onUnreadable(snapshot.manifestList ?? `snapshot ${snapshot.snapshotId}`, error);
      }
    }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
  }
}
