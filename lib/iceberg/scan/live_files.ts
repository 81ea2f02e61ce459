/** Every live file of a snapshot, data and delete files alike, without a filter. */
import { throwIfAborted } from "../../abort.ts";
import { Pacer } from "../../pacer.ts";
import type { ManifestEntry } from "../manifest/data_file.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import type { DataFileColumn } from "../manifest/read_manifest.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import { mapOrdered } from "./_map_ordered.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "./manifest_source.ts";

/** A live file. */
export interface LiveFile {
  readonly entry: ManifestEntry;
  /** The manifest that tracks it. */
  readonly manifest: ManifestFile;
}

/** Options of {@linkcode liveFiles}. */
export interface LiveFilesOptions {
  readonly snapshot: Snapshot;
  readonly manifests: ManifestSource;
  /** Which files; both by default. */
  readonly content?: ManifestFile["content"];
  /** Columns of files to decode beyond what every file has; all by default. */
  readonly columns?: ReadonlySet<DataFileColumn>;
  /** Manifests read at a time. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** Streams live files in the order of the manifest list and of entries in each manifest. */
export async function* liveFiles(options: LiveFilesOptions): AsyncGenerator<LiveFile> {
  const { snapshot, manifests: source, content, columns, signal } = options;
  const { concurrency = DEFAULT_MANIFEST_CONCURRENCY } = options;
  throwIfAborted(signal);
  const all = await source.manifestsOf(snapshot, signal === undefined ? {} : { signal });
  const wanted = all.filter((manifest) =>
    (content === undefined || manifest.content === content) &&
    !(manifest.addedFilesCount === 0 && manifest.existingFilesCount === 0)
  );
  const read = async (manifest: ManifestFile, inner: AbortSignal) => ({
    manifest,
    entries: await source.entriesOf(manifest, {
      ...(columns === undefined ? {} : { columns }),
      signal: inner,
    }),
  });
  const pacer = new Pacer();
  for await (const { manifest, entries } of mapOrdered(wanted, read, { concurrency, signal })) {
    for (const entry of entries) {
      if (entry.status !== "deleted") yield { entry, manifest };
    }
    await pacer.breathe();
  }
}
