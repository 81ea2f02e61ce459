/**
 * Takes files out of a snapshot: rewrites the manifests that list them, and no others, with their
 * entries as DELETED and the rest as EXISTING (spec: "Manifest Entry Fields").
 */
import { mapConcurrently } from "../../../concurrency.ts";
import type { DataFile, ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "../../scan/manifest_source.ts";
import type { ManifestWriter } from "./_manifest_writer.ts";
import { fileKey } from "./_new_manifests.ts";

/** Decides which files go. */
export interface EntryFilter {
  /** Whether a manifest may list a file that goes; must not answer no where it does. */
  mayHold(manifest: ManifestFile): boolean;
  /** Whether a live entry goes. */
  removes(entry: ManifestEntry): boolean;
}

/** A snapshot's manifests without the removed files. */
export interface FilteredManifests {
  /** In the order of those before. */
  readonly manifests: readonly ManifestFile[];
  /** Entries of removed files as they were, without metrics; each file once. */
  readonly removed: readonly ManifestEntry[];
  /** Removals of a file that was listed more than once. */
  readonly duplicates: number;
  /** Manifests that were rewritten. */
  readonly replaced: number;
}

/** Where manifests are read from, and whether new ones are written. */
export interface FilterOptions {
  readonly manifests: ManifestSource;
  readonly signal?: AbortSignal | undefined;
  /** False to find what would be removed, and write nothing; true by default. */
  readonly write?: boolean;
}

interface FilteredManifest {
  readonly manifest: ManifestFile;
  readonly removed: readonly ManifestEntry[];
}

/** Filters manifests of one content, and keeps the results for further attempts. */
export class ManifestFilter {
  readonly #writer: ManifestWriter;
  #results = new Map<string, FilteredManifest>();

  constructor(writer: ManifestWriter) {
    this.#writer = writer;
  }

  /** Forgets results: the next filter decides differently. */
  reset(): void {
    this.#results = new Map();
  }

  /** `filter` must decide as it did before, or {@linkcode ManifestFilter.reset} come first. */
  async apply(
    manifests: readonly ManifestFile[],
    filter: EntryFilter,
    options: FilterOptions,
  ): Promise<FilteredManifests> {
    const results = await mapConcurrently(
      manifests,
      (manifest) => this.#filterOne(manifest, filter, options),
      { limit: DEFAULT_MANIFEST_CONCURRENCY, signal: options.signal },
    );
    const removed = new Map<string, ManifestEntry>();
    let count = 0;
    for (const entry of results.flatMap((result) => result.removed)) {
      removed.set(fileKey(entry.dataFile), entry);
      count++;
    }
    return {
      manifests: results.map((result) => result.manifest),
      removed: [...removed.values()],
      duplicates: count - removed.size,
      replaced: results.filter((result) => result.removed.length > 0).length,
    };
  }

  async #filterOne(
    manifest: ManifestFile,
    filter: EntryFilter,
    options: FilterOptions,
  ): Promise<FilteredManifest> {
    const unchanged = { manifest, removed: [] };
    if (!isLive(manifest) || !filter.mayHold(manifest)) return unchanged;
    const key = manifestKey(manifest);
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    const { manifests: source, signal, write = true } = options;
    const entries = await source.entriesOf(manifest, signal === undefined ? {} : { signal });
    const live = entries.filter((entry) => entry.status !== "deleted");
    const goes = new Set(live.filter((entry) => filter.removes(entry)));
    const removed = [...goes].map(withoutMetrics);
    if (goes.size > 0 && !write) return { manifest, removed };
    const result = goes.size === 0 ? unchanged : {
      manifest: await this.#rewrite(manifest, live, goes),
      removed,
    };
    this.#results.set(key, result);
    return result;
  }

  async #rewrite(
    manifest: ManifestFile,
    live: readonly ManifestEntry[],
    goes: ReadonlySet<ManifestEntry>,
  ): Promise<ManifestFile> {
    const writer = this.#writer;
    const entries = live.map((entry) =>
      goes.has(entry) ? writer.remove(entry, manifest) : writer.keep(entry, manifest)
    );
    const { content, partitionSpecId: specId } = manifest;
    return await writer.writeOne(entries, { content, specId });
  }
}

/** Whether a manifest lists a file that is there; counts that are missing may be anything. */
export function isLive({ addedFilesCount, existingFilesCount }: ManifestFile): boolean {
  return addedFilesCount !== 0 || existingFilesCount !== 0;
}

/**
 * What a manifest's entries depend on. The list that names it decides on row ids: one commit may
 * find a manifest of a time before row lineage without them, the next with them.
 */
export function manifestKey(manifest: ManifestFile): string {
  return `${manifest.firstRowId}|${manifest.sequenceNumber}|${manifest.manifestPath}`;
}

/** Metrics hold on to the manifest's bytes, and nobody asks for those of a file that is gone. */
function withoutMetrics(entry: ManifestEntry): ManifestEntry {
  const dataFile: DataFile = {
    ...entry.dataFile,
    columnSizes: null,
    valueCounts: null,
    nullValueCounts: null,
    nanValueCounts: null,
    lowerBounds: null,
    upperBounds: null,
    keyMetadata: null,
    splitOffsets: null,
  };
  return { ...entry, dataFile };
}
