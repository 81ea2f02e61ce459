/** Tables that drls makes snapshots of, and what its own reader says of them. */
import assert from "node:assert/strict";
import type { Catalog } from "../../lib/catalog/mod.ts";
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import { rowDelta } from "../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import type { DataFile, ManifestEntry } from "../../lib/iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../lib/iceberg/ports.ts";
import { liveFiles } from "../../lib/iceberg/scan/live_files.ts";
import { manifestSource } from "../../lib/iceberg/scan/manifest_source.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { Snapshot } from "../../lib/iceberg/spec/snapshot.ts";
import { currentSnapshot, type FormatVersion } from "../../lib/iceberg/spec/table_metadata.ts";
import { commitOne, definitionOf, field, storeOf } from "../support/writable_tables.ts";
import { TinyFiles } from "./_tiny_files.ts";

/** Catalogs of tests keep nothing beside their files. */
export const OPTIONS = { dataDir: null, storageRoots: [] };

const STATUSES = { existing: 0, added: 1, deleted: 2 };
const CONTENTS = { data: 0, position_deletes: 1, equality_deletes: 2 };

/** `{id long, region string}` by region. */
export function byRegion(name: string, formatVersion: FormatVersion, properties = {}) {
  return definitionOf(name, {
    schema: new Schema({
      schemaId: 0,
      fields: [{ ...field(1, "id"), required: true }, field(2, "region", { kind: "string" })],
      identifierFieldIds: [],
    }),
    spec: {
      specId: 0,
      fields: [{ sourceIds: [2], fieldId: 1000, name: "region", transform: { kind: "identity" } }],
    },
    formatVersion,
    properties,
  });
}

/** A table that drls changes, and its files. */
export class Ours implements AsyncDisposable {
  readonly store: TableStore;
  readonly files: TinyFiles;

  private constructor(store: TableStore, files: TinyFiles) {
    this.store = store;
    this.files = files;
  }

  /** Opens a table by name. */
  static async open(catalog: Catalog, name: string): Promise<Ours> {
    const store = storeOf(catalog, await catalog.locate(name));
    const { metadata } = await store.load();
    const folder = metadata.location.replace(/^file:\/\//, "");
    return new Ours(store, await TinyFiles.start(folder));
  }

  /** Commits one action. */
  commit(action: CommitAction): Promise<LoadedTable> {
    return commitOne(this.store, action);
  }

  /** The current snapshot. */
  async head(): Promise<Snapshot> {
    const snapshot = currentSnapshot((await this.store.load()).metadata);
    assert(snapshot !== undefined);
    return snapshot;
  }

  /** Entries of live files. */
  async live(): Promise<ManifestEntry[]> {
    const { io, metadata } = await this.store.load();
    const manifests = manifestSource(io, metadata);
    const found = await Array.fromAsync(liveFiles({ snapshot: await this.head(), manifests }));
    return found.map(({ entry }) => entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.files[Symbol.asyncDispose]();
  }
}

/** What our own reader says of a table, in the form of Spark's metadata tables. */
export async function ownTables({ store }: Ours) {
  const { io, metadata } = await store.load();
  const source = manifestSource(io, metadata);
  const head = currentSnapshot(metadata);
  assert(head !== undefined);
  const live = await Array.fromAsync(liveFiles({ snapshot: head, manifests: source }));
  const seen = new Map<string, ManifestEntry[]>();
  for (const snapshot of metadata.snapshots) {
    for (const manifest of await source.manifestsOf(snapshot)) {
      seen.set(manifest.manifestPath, [...await source.entriesOf(manifest)]);
    }
  }
  const manifests = await source.manifestsOf(head);
  return {
    files: live.map(({ entry: { dataFile: file } }) => [
      CONTENTS[file.content],
      file.filePath,
      file.recordCount,
      file.fileSizeInBytes,
      file.partition[0] ?? null,
      file.referencedDataFile,
      file.contentOffset,
    ]).sort(byText),
    entries: [...seen.values()].flat().map((entry) => [
      STATUSES[entry.status],
      String(entry.snapshotId),
      Number(entry.sequenceNumber),
      Number(entry.fileSequenceNumber),
      entry.dataFile.filePath,
    ]).sort(byText),
    manifests: manifests.map((manifest) => [
      manifest.content === "data" ? 0 : 1,
      manifest.manifestPath,
      manifest.manifestLength,
      String(manifest.addedSnapshotId),
      manifest.addedFilesCount,
      manifest.existingFilesCount,
      manifest.deletedFilesCount,
    ]).sort(byText),
    snapshots: metadata.snapshots.map((snapshot) => [
      String(snapshot.snapshotId),
      snapshot.parentSnapshotId === null ? null : String(snapshot.parentSnapshotId),
      snapshot.summary["operation"],
      snapshot.manifestList,
      Object.entries(snapshot.summary).filter(([name]) => name !== "operation").sort(byText),
    ]).sort(byText),
  };
}

/** Orders by what JSON makes of values. */
export function byText(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Runs with a folder that is gone afterwards. */
export async function inTempDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-snapshots-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Deletes rows by position, by the means of the table's format. */
export async function deleteAt(
  ours: Ours,
  on: DataFile,
  positions: readonly number[],
): Promise<void> {
  const { metadata } = await ours.store.load();
  const deletes = metadata.formatVersion === 3
    ? await ours.files.vectors({ on, positions })
    : [await ours.files.positions(on, positions)];
  const { snapshotId: startingSnapshotId } = await ours.head();
  await ours.commit(rowDelta({ deletes, startingSnapshotId }));
}
