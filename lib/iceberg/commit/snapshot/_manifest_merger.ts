/**
 * Merges small manifests (table properties `commit.manifest.*`), as the Java implementation does:
 * per partition spec, packed from the end of the list, so that the newest bin is the one that stays
 * under-filled and grows with the next commits. Their order, and so that of files, is kept.
 */
import { mapConcurrently } from "../../../concurrency.ts";
import type { ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import type { ManifestSource } from "../../scan/manifest_source.ts";
import { manifestKey } from "./_manifest_filter.ts";
import type { ManifestProperties } from "./_manifest_properties.ts";
import type { ManifestWriter } from "./_manifest_writer.ts";

/** Bins merged at once: each holds the entries of `commit.manifest.target-size-bytes` in memory. */
const MERGE_CONCURRENCY = 2;

/** Where manifests are read from. */
export interface MergeOptions {
  readonly properties: ManifestProperties;
  readonly manifests: ManifestSource;
  readonly signal?: AbortSignal | undefined;
}

/** Manifests after merging. */
export interface MergedManifests {
  readonly manifests: readonly ManifestFile[];
  /** Manifests of older snapshots that went into others. */
  readonly replaced: number;
}

/** Merges manifests of one content, and keeps the results for further attempts. */
export class ManifestMerger {
  readonly #writer: ManifestWriter;
  readonly #results = new Map<string, ManifestFile>();

  constructor(writer: ManifestWriter) {
    this.#writer = writer;
  }

  /** The first manifest is the newest: it is merged only among enough others. */
  async merge(
    manifests: readonly ManifestFile[],
    options: MergeOptions,
  ): Promise<MergedManifests> {
    const [first] = manifests;
    const { mergeEnabled, targetSizeBytes, minCountToMerge } = options.properties;
    if (first === undefined || !mergeEnabled) return { manifests, replaced: 0 };
    const bySpec = Map.groupBy(manifests, (manifest) => manifest.partitionSpecId);
    const bins = [...bySpec.keys()].sort((a, b) => b - a)
      .flatMap((specId) => packFromEnd(bySpec.get(specId) ?? [], targetSizeBytes));
    const isMerged = (bin: readonly ManifestFile[]) =>
      bin.length > 1 && (!bin.includes(first) || bin.length >= minCountToMerge);
    const merged = await mapConcurrently(
      bins,
      async (bin) => isMerged(bin) ? [await this.#mergeBin(bin, options)] : bin,
      { limit: MERGE_CONCURRENCY, signal: options.signal },
    );
    const replaced = bins.filter(isMerged).flat()
      .filter((manifest) => !this.#writer.wrote(manifest)).length;
    return { manifests: merged.flat(), replaced };
  }

  async #mergeBin(bin: readonly ManifestFile[], options: MergeOptions): Promise<ManifestFile> {
    const key = bin.map(manifestKey).join("\n");
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    const entries: ManifestEntry[] = [];
    for (const manifest of bin) {
      for (const entry of await this.#read(manifest, options)) {
        const kept = this.#keep(entry, manifest);
        if (kept !== null) entries.push(kept);
      }
    }
    const { content = "data", partitionSpecId: specId = 0 } = bin[0] ?? {};
    const merged = await this.#writer.writeOne(entries, { content, specId });
    this.#results.set(key, merged);
    return merged;
  }

  /** Removals by older snapshots are history that their own manifests tell. */
  #keep(entry: ManifestEntry, manifest: ManifestFile): ManifestEntry | null {
    if (entry.status !== "deleted") return this.#writer.keep(entry, manifest);
    return this.#writer.wrote(manifest) ? entry : null;
  }

  async #read(manifest: ManifestFile, options: MergeOptions): Promise<readonly ManifestEntry[]> {
    const { signal } = options;
    if (this.#writer.wrote(manifest)) return await this.#writer.read(manifest, signal);
    return await options.manifests.entriesOf(manifest, signal === undefined ? {} : { signal });
  }
}

/** Cuts a list into runs of at most `targetBytes`, filled from the end; one manifest may exceed it. */
function packFromEnd(
  manifests: readonly ManifestFile[],
  targetBytes: number,
): readonly (readonly ManifestFile[])[] {
  const bins: ManifestFile[][] = [];
  let bin: ManifestFile[] = [];
  let bytes = 0;
  for (const manifest of manifests.toReversed()) {
    if (bin.length > 0 && bytes + manifest.manifestLength > targetBytes) {
      bins.push(bin.reverse());
      bin = [];
      bytes = 0;
    }
    bin.push(manifest);
    bytes += manifest.manifestLength;
  }
  if (bin.length > 0) bins.push(bin.reverse());
  return bins.reverse();
}
