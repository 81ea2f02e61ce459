/**
 * What a snapshot changed against its parent, for changelogs: data files that came, files that went,
 * and files that both have with other deletes.
 *
 * Manifests that both snapshots list are read only where something in one of the others may reach
 * into them: they cannot add or remove data files, but deletes that came or went since may be for any
 * file of their partitions.
 */
import { throwIfAborted } from "../../abort.ts";
import { AppError } from "../../errors.ts";
import { alwaysTrue } from "../expression/expression.ts";
import type { DataFile, ManifestEntry } from "../manifest/data_file.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import { type DataFileColumn, NO_DATA_FILE_COLUMNS } from "../manifest/read_manifest.ts";
import { isUnpartitioned } from "../spec/partition_spec.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import { snapshotById, type TableMetadata } from "../spec/table_metadata.ts";
import { type DeleteFile, DeleteIndex } from "./delete_index.ts";
import { mapOrdered } from "./_map_ordered.ts";
import {
  DEFAULT_MANIFEST_CONCURRENCY,
  type ManifestRead,
  type ManifestSource,
} from "./manifest_source.ts";
import { partitionPruner } from "./partition_pruner.ts";
import type { FileScanTask } from "./plan_files.ts";

/** Changed files of one snapshot, at most: all are in memory. */
export const MAX_CHANGED_FILES = 200_000;

/** A data file with the deletes that it had, and with those that it has. */
export interface ChangedFile {
  readonly before: FileScanTask;
  readonly after: FileScanTask;
}

/** What a snapshot changed. Rows that moved from one file to another are among both. */
export interface ChangePlan {
  readonly snapshot: Snapshot;
  /** Null where the snapshot is the table's first. */
  readonly parent: Snapshot | null;
  /** Files that only the parent has, with its deletes. */
  readonly removed: readonly FileScanTask[];
  /** Files that only the snapshot has, with its deletes. */
  readonly added: readonly FileScanTask[];
  /** Files that both have. */
  readonly changed: readonly ChangedFile[];
  /** Manifests that were read, of those that either snapshot lists. */
  readonly manifests: { readonly read: number; readonly total: number };
}

/** Options of {@linkcode planChanges}. */
export interface PlanChangesOptions {
  readonly metadata: TableMetadata;
  readonly snapshot: Snapshot;
  readonly manifests: ManifestSource;
  /** Manifests read at a time. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Plans the changes. Errors: `not_found`, code `snapshot_expired`, where the parent is gone;
 * `too_large`, code `changes_too_large`; those of the manifest source and of scans.
 */
export async function planChanges(options: PlanChangesOptions): Promise<ChangePlan> {
  const { metadata, snapshot } = options;
  throwIfAborted(options.signal);
  const parent = parentOf(metadata, snapshot);
  return await new ChangePlanner(options, parent).plan();
}

/** What decides which deletes apply. */
const METRIC_COLUMNS: ReadonlySet<DataFileColumn> = new Set([
  "valueCounts",
  "nullValueCounts",
  "nanValueCounts",
  "lowerBounds",
  "upperBounds",
]);

interface Side {
  readonly data: readonly ManifestFile[];
  readonly deletes: readonly ManifestFile[];
}

/** The manifests of two snapshots, told apart by which of them list them. */
interface Manifests {
  readonly gone: Side;
  readonly come: Side;
  readonly shared: Side;
}

class ChangePlanner {
  readonly #options: PlanChangesOptions;
  readonly #parent: Snapshot | null;
  /** Locations of manifests. */
  readonly #read = new Set<string>();
  readonly #deletes = new Map<string, readonly ManifestEntry[]>();

  constructor(options: PlanChangesOptions, parent: Snapshot | null) {
    this.#options = options;
    this.#parent = parent;
  }

  async plan(): Promise<ChangePlan> {
    const { snapshot } = this.#options;
    const manifests = await this.#manifests();
    const { gone, come, shared } = manifests;
    const total = [gone, come, shared].reduce((sum, side) => sum + sizeOf(side), 0);
    const before = byPath(await this.#live(gone.data, manifests));
    const after = byPath(await this.#live(come.data, manifests));
    const removed = [...before.values()].filter(({ dataFile }) => !after.has(dataFile.filePath));
    const added = [...after.values()].filter(({ dataFile }) => !before.has(dataFile.filePath));
    const moved = [...after.values()].filter(({ dataFile }) => before.has(dataFile.filePath));
    const touched = await this.#touched(manifests, moved);
    const files = removed.length + added.length + touched.length;
    if (files > MAX_CHANGED_FILES) throw tooMany(files, snapshot);
    const inParent = await this.#index([gone, shared], manifests, [...removed, ...touched]);
    const inSnapshot = await this.#index([come, shared], manifests, [...added, ...touched]);
    const changed = touched.map((entry): ChangedFile => ({
      before: this.#task(entry, inParent),
      after: this.#task(entry, inSnapshot),
    }));
    return {
      snapshot,
      parent: this.#parent,
      removed: removed.map((entry) => this.#task(entry, inParent)),
      added: added.map((entry) => this.#task(entry, inSnapshot)),
      changed: changed.filter(({ before, after }) => !haveSameDeletes(before, after)),
      manifests: { read: this.#read.size, total },
    };
  }

  /** Files that both snapshots have, and that deletes reach which only one of them has. */
  async #touched(
    manifests: Manifests,
    moved: readonly ManifestEntry[],
  ): Promise<readonly ManifestEntry[]> {
    const { metadata } = this.#options;
    const { gone, come, shared } = manifests;
    const before = byKey(await this.#live(gone.deletes, manifests));
    const after = byKey(await this.#live(come.deletes, manifests));
    const lost = [...before].filter(([key]) => !after.has(key)).map(([, entry]) => entry);
    const new_ = [...after].filter(([key]) => !before.has(key)).map(([, entry]) => entry);
    if (lost.length + new_.length === 0) return [];
    const files = [...lost, ...new_].map(({ dataFile }) => dataFile);
    const mayReach = this.#isGlobal(files) ? () => true : partitionPruner(metadata, files);
    // Vectors of one file, an old one and a new one, never lie in one index.
    const indexes = [lost, new_].map((entries) => new DeleteIndex(metadata, entries.map(asDelete)));
    const touched: ManifestEntry[] = [];
    const look = (entries: readonly ManifestEntry[]) => {
      for (const entry of entries) {
        const { dataFile, sequenceNumber } = entry;
        const isReached = indexes.some((index) => index.appliesTo(dataFile, sequenceNumber ?? 0n));
        if (isReached) touched.push(entry);
      }
    };
    look(moved);
    await this.#each(shared.data.filter(mayReach), manifests, look);
    return touched;
  }

  /** The deletes of one of the snapshots, as far as they may be for these files. */
  async #index(
    sides: readonly Side[],
    manifests: Manifests,
    files: readonly ManifestEntry[],
  ): Promise<DeleteIndex> {
    const { metadata } = this.#options;
    const inPartitions = partitionPruner(metadata, files.map(({ dataFile }) => dataFile));
    const global = new Set(
      metadata.partitionSpecs.filter(isUnpartitioned).map(({ specId }) => specId),
    );
    const chosen = sides.flatMap(({ deletes }) => deletes).filter((manifest) =>
      files.length > 0 && (global.has(manifest.partitionSpecId) || inPartitions(manifest))
    );
    return new DeleteIndex(metadata, (await this.#live(chosen, manifests)).map(asDelete));
  }

  #isGlobal(files: readonly DataFile[]): boolean {
    const { partitionSpecs } = this.#options.metadata;
    const specs = new Set(partitionSpecs.filter(isUnpartitioned).map(({ specId }) => specId));
    return files.some(({ content, specId }) => content === "equality_deletes" && specs.has(specId));
  }

  #task(entry: ManifestEntry, deletes: DeleteIndex): FileScanTask {
    const { dataFile, fileSequenceNumber, snapshotId } = entry;
    const sequenceNumber = entry.sequenceNumber ?? 0n;
    const { partitionSpecs } = this.#options.metadata;
    const spec = partitionSpecs.find(({ specId }) => specId === dataFile.specId);
    if (spec === undefined) throw new TypeError(`Cannot find partition spec ${dataFile.specId}`);
    return {
      dataFile,
      sequenceNumber,
      fileSequenceNumber,
      snapshotId,
      deletes: deletes.forFile(dataFile, sequenceNumber),
      residual: alwaysTrue,
      spec,
    };
  }

  async #manifests(): Promise<Manifests> {
    const { snapshot, manifests, signal } = this.#options;
    const read = signal === undefined ? {} : { signal };
    const now = (await manifests.manifestsOf(snapshot, read)).filter(isLive);
    const then = this.#parent === null
      ? []
      : (await manifests.manifestsOf(this.#parent, read)).filter(isLive);
    const nowPaths = new Set(now.map(({ manifestPath }) => manifestPath));
    const thenPaths = new Set(then.map(({ manifestPath }) => manifestPath));
    return {
      gone: sideOf(then.filter(({ manifestPath }) => !nowPaths.has(manifestPath))),
      come: sideOf(now.filter(({ manifestPath }) => !thenPaths.has(manifestPath))),
      shared: sideOf(now.filter(({ manifestPath }) => thenPaths.has(manifestPath))),
    };
  }

  /** Live entries of some manifests. */
  async #live(
    chosen: readonly ManifestFile[],
    manifests: Manifests,
  ): Promise<readonly ManifestEntry[]> {
    const found: ManifestEntry[] = [];
    await this.#each(chosen, manifests, (entries) => {
      for (const entry of entries) found.push(entry);
    });
    return found;
  }

  async #each(
    chosen: readonly ManifestFile[],
    manifests: Manifests,
    look: (entries: readonly ManifestEntry[]) => void,
  ): Promise<void> {
    const { concurrency = DEFAULT_MANIFEST_CONCURRENCY, signal } = this.#options;
    const hasDeletes = [manifests.gone, manifests.come, manifests.shared]
      .some(({ deletes }) => deletes.length > 0);
    // Bounds tell which deletes apply, and nothing else here.
    const columns = hasDeletes ? METRIC_COLUMNS : NO_DATA_FILE_COLUMNS;
    const read = (manifest: ManifestFile, inner: AbortSignal) =>
      this.#entries(manifest, { columns, signal: inner });
    for await (const entries of mapOrdered(chosen, read, { concurrency, signal })) {
      look(entries.filter(({ status }) => status !== "deleted"));
    }
  }

  /** Delete manifests are asked for more than once, for either snapshot; data manifests are not. */
  async #entries(manifest: ManifestFile, read: ManifestRead): Promise<readonly ManifestEntry[]> {
    const { manifestPath, content } = manifest;
    this.#read.add(manifestPath);
    const known = this.#deletes.get(manifestPath);
    if (known !== undefined) return known;
    const entries = await this.#options.manifests.entriesOf(manifest, read);
    if (content === "deletes") this.#deletes.set(manifestPath, entries);
    return entries;
  }
}

function parentOf(metadata: TableMetadata, snapshot: Snapshot): Snapshot | null {
  const { snapshotId, parentSnapshotId } = snapshot;
  if (parentSnapshotId === null) return null;
  const parent = snapshotById(metadata, parentSnapshotId);
  if (parent !== undefined) return parent;
  throw new AppError(
    "not_found",
    "snapshot_expired",
    `Cannot tell what snapshot ${snapshotId} changed: the snapshot before it, ` +
      `${parentSnapshotId}, has expired`,
  );
}

function haveSameDeletes(a: FileScanTask, b: FileScanTask): boolean {
  const keys = new Set(a.deletes.map(({ dataFile }) => deleteKey(dataFile)));
  return a.deletes.length === b.deletes.length &&
    b.deletes.every(({ dataFile }) => keys.has(deleteKey(dataFile)));
}

/** Vectors share a file, and are told apart by their place in it. */
export function deleteKey({ filePath, contentOffset }: DataFile): string {
  return `${contentOffset ?? ""} ${filePath}`;
}

function asDelete({ dataFile, sequenceNumber }: ManifestEntry): DeleteFile {
  return { dataFile, sequenceNumber: sequenceNumber ?? 0n };
}

function byPath(entries: readonly ManifestEntry[]): ReadonlyMap<string, ManifestEntry> {
  return new Map(entries.map((entry) => [entry.dataFile.filePath, entry]));
}

function byKey(entries: readonly ManifestEntry[]): ReadonlyMap<string, ManifestEntry> {
  return new Map(entries.map((entry) => [deleteKey(entry.dataFile), entry]));
}

function sideOf(manifests: readonly ManifestFile[]): Side {
  return {
    data: manifests.filter(({ content }) => content === "data"),
    deletes: manifests.filter(({ content }) => content === "deletes"),
  };
}

function sizeOf({ data, deletes }: Side): number {
  return data.length + deletes.length;
}

/** Counts that a v1 writer left out may be anything. */
function isLive({ addedFilesCount, existingFilesCount }: ManifestFile): boolean {
  return addedFilesCount !== 0 || existingFilesCount !== 0;
}

function tooMany(files: number, { snapshotId }: Snapshot): AppError {
  return new AppError(
    "too_large",
    "changes_too_large",
    `Cannot list the changes of snapshot ${snapshotId}: it changed ${files} files, and at most ` +
      `${MAX_CHANGED_FILES} are compared; read past it with source_changes "skip" or "added-files"`,
  );
}
