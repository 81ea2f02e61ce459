/**
 * What the expiry of snapshots makes useless: files that expired snapshots refer to and no kept one
 * does.
 *
 * ```
 * lists of expired ── lists of kept ─► manifests of expired alone ─► their live files
 *                                                                        │ minus
 *                                                                  live files of kept
 * ```
 *
 * To take a live file for a useless one would be loss of data. So of kept snapshots everything must
 * be readable, or nothing is returned; and locations are compared by an identity that the caller
 * gives, because one file may be recorded under two names (`s3a://`, `s3://`).
 *
 * Memory: locations of manifests, and of at most `maxLocations` data files at a time. Where there are
 * more, they are gone through in several passes, each for a share of all locations by their hash.
 */
import { mapConcurrently } from "../../concurrency.ts";
import type { FileIo } from "../ports.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import { throwIfAborted } from "../../abort.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, manifestSource } from "../scan/manifest_source.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { liveLocations, mayHaveLiveFiles } from "./_live_locations.ts";
import { manifestsOf } from "./_manifests_of.ts";
import { statisticsOf } from "./_statistics_of.ts";
import type { ReachableFile } from "./reachable_file.ts";

/** Locations of data files in memory at a time, unless a caller says otherwise: some 200 MB. */
export const DEFAULT_MAX_LOCATIONS = 1_000_000;

/** Bytes that the shortest entries take, for manifests whose writers left out their counts. */
const MIN_ENTRY_BYTES = 32;

/** Options of {@linkcode filesOnlyReachableFrom}. */
export interface OnlyReachableOptions {
  readonly io: FileIo;
  /** Metadata that still knows the expired snapshots and their statistics. */
  readonly metadata: TableMetadata;
  readonly expired: readonly Snapshot[];
  /** Every snapshot that stays; of the newest metadata, once the expiry is committed. */
  readonly kept: readonly Snapshot[];
  /** Statistics that stay, where the newest metadata has others than `metadata`. */
  readonly keptStatistics?: Pick<TableMetadata, "statistics" | "partitionStatistics">;
  /** Equal for locations that are the same file; the location itself by default. */
  readonly identify?: (location: string) => string;
  readonly maxLocations?: number;
  /**
   * Told of what expired snapshots named and cannot be read, for example because an expiry broke off
   * after its deletions: what lies behind stays, for the removal of orphans. By default that is an
   * error.
   */
  readonly onUnreadable?: (location: string, error: unknown) => void;
  readonly signal?: AbortSignal;
}

/**
 * Streams files that may be deleted once the expired snapshots are gone, each once: data files and
 * deletes first, then manifests, manifest lists and statistics, so that a deletion that breaks off
 * leaves behind what still tells of the rest. Errors are those of reading what kept snapshots name.
 */
export async function* filesOnlyReachableFrom(
  options: OnlyReachableOptions,
): AsyncGenerator<ReachableFile> {
  if (options.expired.length === 0) return;
  const search = new Search(options);
  const { candidates, kept } = await search.manifests();
  yield* search.files(candidates, kept);
  for (const { manifestPath: location, manifestLength } of candidates.values()) {
    const sizeBytes = manifestLength > 0 ? manifestLength : null;
    yield { kind: "manifest", location, sizeBytes };
  }
  yield* search.manifestLists();
  yield* search.statistics();
}

type ManifestMap = ReadonlyMap<string, ManifestFile>;

class Search {
  readonly #options: OnlyReachableOptions;
  readonly #identify: (location: string) => string;

  constructor(options: OnlyReachableOptions) {
    this.#options = options;
    this.#identify = options.identify ?? ((location) => location);
  }

  /** By identity: manifests that only expired snapshots name, and all that kept ones name. */
  async manifests(): Promise<{ readonly candidates: ManifestMap; readonly kept: ManifestMap }> {
    const { io, metadata, signal, onUnreadable } = this.#options;
    const source = { manifests: manifestSource(io, metadata), signal };
    const kept = new Map<string, ManifestFile>();
    const candidates = new Map<string, ManifestFile>();
    await manifestsOf(
      this.#options.kept,
      (manifest) => kept.set(this.#identify(manifest.manifestPath), manifest),
      source,
    );
    await manifestsOf(this.#options.expired, (manifest) => {
      const key = this.#identify(manifest.manifestPath);
      if (!kept.has(key)) candidates.set(key, manifest);
    }, { ...source, ...(onUnreadable === undefined ? {} : { onUnreadable }) });
    return { candidates, kept };
  }

  /** Live files of candidates that no kept manifest lists as live. */
  async *files(candidates: ManifestMap, kept: ManifestMap): AsyncGenerator<ReachableFile> {
    const { maxLocations = DEFAULT_MAX_LOCATIONS } = this.#options;
    const sources = [...candidates.values()].filter(mayHaveLiveFiles);
    const others = [...kept.values()].filter(mayHaveLiveFiles);
    const count = sources.reduce((sum, manifest) => sum + liveCount(manifest), 0);
    const passes = Math.max(1, Math.ceil(count / maxLocations));
    for (let pass = 0; pass < passes; pass++) {
      const isMine = (key: string) => passes === 1 || hash(key) % passes === pass;
      const found = await this.#collect(sources, isMine);
      await this.#subtract(found, others);
      yield* found.values();
    }
  }

  *manifestLists(): Generator<ReachableFile> {
    const { expired, kept } = this.#options;
    const seen = new Set<string>();
    for (const { manifestList } of kept) {
      if (manifestList !== null) seen.add(this.#identify(manifestList));
    }
    for (const { manifestList: location } of expired) {
      if (location === null || seen.has(this.#identify(location))) continue;
      seen.add(this.#identify(location));
      yield { kind: "manifest_list", location, sizeBytes: null };
    }
  }

  *statistics(): Generator<ReachableFile> {
    const { metadata, expired, kept, keptStatistics = metadata } = this.#options;
    const ids = (snapshots: readonly Snapshot[]) => new Set(snapshots.map((one) => one.snapshotId));
    const seen = new Set(
      statisticsOf(keptStatistics, ids(kept)).map((file) => this.#identify(file.location)),
    );
    for (const file of statisticsOf(metadata, ids(expired))) {
      if (seen.has(this.#identify(file.location))) continue;
      seen.add(this.#identify(file.location));
      yield file;
    }
  }

  async #collect(
    manifests: readonly ManifestFile[],
    isMine: (key: string) => boolean,
  ): Promise<Map<string, ReachableFile>> {
    const { onUnreadable, signal } = this.#options;
    const found = new Map<string, ReachableFile>();
    await mapConcurrently(manifests, async (manifest) => {
      try {
        await liveLocations(manifest, (file) => {
          const key = this.#identify(file.location);
          if (isMine(key)) found.set(key, file);
        }, this.#options);
      } catch (error) {
        throwIfAborted(signal);
        if (onUnreadable === undefined) throw error;
        onUnreadable(manifest.manifestPath, error);
      }
    }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
    return found;
  }

  async #subtract(
    found: Map<string, ReachableFile>,
    manifests: readonly ManifestFile[],
  ): Promise<void> {
    const { signal } = this.#options;
    await mapConcurrently(manifests, async (manifest) => {
      // Nothing left to save: most expiries after mere appends end here early.
      if (found.size === 0) return;
      const visit = (file: ReachableFile) => found.delete(this.#identify(file.location));
      await liveLocations(manifest, visit, this.#options);
    }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
  }
}

function liveCount(manifest: ManifestFile): number {
  const { addedFilesCount: added, existingFilesCount: existing } = manifest;
  if (added !== null && existing !== null) return added + existing;
  return Math.ceil(manifest.manifestLength / MIN_ENTRY_BYTES);
}

/** FNV-1a over UTF-16 units, as an unsigned 32-bit number. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}
