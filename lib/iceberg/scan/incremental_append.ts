/**
 * What was appended between two snapshots, for streams. The walk along lineage reports every
 * snapshot with the kind of its change, so that a stream can decide on those that are not appends:
 * fail, skip, take the files they added, or read a changelog.
 */
import { throwIfAborted } from "../../abort.ts";
import { Pacer } from "../../pacer.ts";
import { AppError } from "../../errors.ts";
import type { DataFile, ManifestEntry } from "../manifest/data_file.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import type { DataFileColumn } from "../manifest/read_manifest.ts";
import { type Snapshot, snapshotOperation } from "../spec/snapshot.ts";
import { ancestorsOf, type Lineage } from "./ancestors_of.ts";
import { mapOrdered } from "./_map_ordered.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "./manifest_source.ts";

/**
 * What a snapshot did. `replace` changes files but no rows (compaction); `unknown` is an operation
 * that the specification does not name, or none (v1).
 */
export type SnapshotChange = "append" | "replace" | "overwrite" | "delete" | "unknown";

/** One snapshot of a range. */
export interface SnapshotStep {
  readonly snapshot: Snapshot;
  readonly change: SnapshotChange;
}

/** A range of lineage. */
export interface SnapshotRange {
  /** Where a stream left off; null for the oldest snapshot that the table still has. */
  readonly fromSnapshotId: bigint | null;
  /** Whether the range includes `fromSnapshotId` itself; false by default. */
  readonly fromInclusive?: boolean;
  readonly toSnapshotId: bigint;
}

/** The snapshots of a range. */
export interface SnapshotSteps {
  /** Oldest first. */
  readonly steps: readonly SnapshotStep[];
  /**
   * Whether nothing before the range is missing: false only without `fromSnapshotId`, where the
   * table's first snapshots have expired, or the catalog does not serve them, and their rows can be
   * had by a full scan alone.
   */
  readonly complete: boolean;
}

const CHANGES: ReadonlySet<string> = new Set(["append", "replace", "overwrite", "delete"]);

/**
 * The snapshots after `fromSnapshotId` up to `toSnapshotId`. Exclusive of a snapshot that has just
 * expired, the range is still whole if its first snapshot names it as parent.
 *
 * Errors: `not_found`, `snapshot_not_found` (the end) or `snapshot_expired` (the start is gone, so
 * that snapshots may be missing); `conflict`, `snapshot_not_ancestor` (the start is on another line,
 * as after a rollback).
 */
export function snapshotSteps(lineage: Lineage, range: SnapshotRange): SnapshotSteps {
  const { fromSnapshotId, fromInclusive = false, toSnapshotId } = range;
  const known = new Set(lineage.snapshots.map((snapshot) => snapshot.snapshotId));
  if (!known.has(toSnapshotId)) {
    throw new AppError(
      "not_found",
      "snapshot_not_found",
      `Cannot find snapshot ${toSnapshotId} in the table`,
    );
  }
  const newestFirst: Snapshot[] = [];
  for (const snapshot of ancestorsOf(lineage, toSnapshotId)) {
    const isStart = snapshot.snapshotId === fromSnapshotId;
    if (!isStart || fromInclusive) newestFirst.push(snapshot);
    if (isStart) return { steps: stepsOf(newestFirst), complete: true };
  }
  const oldest = newestFirst.at(-1);
  const parentOfOldest = oldest?.parentSnapshotId ?? null;
  if (fromSnapshotId === null) {
    return { steps: stepsOf(newestFirst), complete: oldest === undefined || isFirst(oldest) };
  }
  if (!fromInclusive && parentOfOldest === fromSnapshotId) {
    return { steps: stepsOf(newestFirst), complete: true };
  }
  // Where the line has a gap, a start that it does not meet may lie before the gap, on the same line.
  const line = new Set(newestFirst.map((snapshot) => snapshot.snapshotId));
  const isElsewhere = known.has(fromSnapshotId) &&
    (parentOfOldest === null ||
      ancestorsOf(lineage, fromSnapshotId).some((snapshot) => line.has(snapshot.snapshotId)));
  throw isElsewhere
    ? notAncestor(fromSnapshotId, toSnapshotId)
    : expired(fromSnapshotId, toSnapshotId);
}

/**
 * Whether nothing came before a snapshot. Some catalogs serve a table's newest snapshot alone and
 * without its parent: then it has files that it did not add.
 */
function isFirst({ parentSnapshotId, summary }: Snapshot): boolean {
  const files = summary["total-data-files"];
  return parentSnapshotId === null &&
    (files === undefined || files === (summary["added-data-files"] ?? "0"));
}

/** The kind of a snapshot's change, by its `operation`. */
export function snapshotChange(snapshot: Snapshot): SnapshotChange {
  const operation = snapshotOperation(snapshot);
  return operation !== null && CHANGES.has(operation) ? operation as SnapshotChange : "unknown";
}

/** A data file that a snapshot added. */
export interface AppendedFile {
  readonly snapshot: Snapshot;
  readonly dataFile: DataFile;
  /** Data sequence number; null where the manifest does not say. */
  readonly sequenceNumber: bigint | null;
  /** Place among the files that the snapshot added, from 0: with its id, a stream's offset. */
  readonly position: number;
}

/** Options of {@linkcode addedFiles}. */
export interface AddedFilesOptions {
  /** Snapshots whose added files are wanted, in this order: a stream's choice among its steps. */
  readonly snapshots: readonly Snapshot[];
  readonly manifests: ManifestSource;
  /** Columns of data files to decode beyond what every file has; all by default. */
  readonly columns?: ReadonlySet<DataFileColumn>;
  /** Manifests read at a time. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/**
 * Streams the data files that each snapshot added: ADDED entries with its id, in the manifests that
 * it wrote. By snapshot, then in the order of its manifest list and of entries in each manifest, so
 * that positions are the same on every reading.
 */
export async function* addedFiles(options: AddedFilesOptions): AsyncGenerator<AppendedFile> {
  const pacer = new Pacer();
  for (const snapshot of options.snapshots) {
    let position = 0;
    for await (const entries of addedEntries(snapshot, options)) {
      for (const { dataFile, sequenceNumber } of entries) {
        yield { snapshot, dataFile, sequenceNumber, position: position++ };
      }
      await pacer.breathe();
    }
  }
}

async function* addedEntries(
  snapshot: Snapshot,
  options: AddedFilesOptions,
): AsyncGenerator<readonly ManifestEntry[]> {
  const { manifests: source, columns, signal } = options;
  const { concurrency = DEFAULT_MANIFEST_CONCURRENCY } = options;
  throwIfAborted(signal);
  const all = await source.manifestsOf(snapshot, signal === undefined ? {} : { signal });
  const written = all.filter((manifest) => mayHoldAdded(manifest, snapshot));
  const read = (manifest: ManifestFile, inner: AbortSignal) =>
    source.entriesOf(manifest, {
      ...(columns === undefined ? {} : { columns }),
      signal: inner,
    });
  for await (const entries of mapOrdered(written, read, { concurrency, signal })) {
    yield entries.filter((entry) =>
      entry.status === "added" && entry.snapshotId === snapshot.snapshotId
    );
  }
}

function mayHoldAdded(manifest: ManifestFile, snapshot: Snapshot): boolean {
  const { addedSnapshotId, addedFilesCount, content } = manifest;
  // Manifests named inline by v1 metadata do not say who wrote them.
  const written = addedSnapshotId === null || addedSnapshotId === snapshot.snapshotId;
  return content === "data" && written && addedFilesCount !== 0;
}

function stepsOf(newestFirst: readonly Snapshot[]): readonly SnapshotStep[] {
  return newestFirst.toReversed().map((snapshot) => ({
    snapshot,
    change: snapshotChange(snapshot),
  }));
}

function notAncestor(fromSnapshotId: bigint, toSnapshotId: bigint): AppError {
  return new AppError(
    "conflict",
    "snapshot_not_ancestor",
    `Cannot read on from snapshot ${fromSnapshotId}: it is not an ancestor of ${toSnapshotId}`,
  );
}

function expired(fromSnapshotId: bigint, toSnapshotId: bigint): AppError {
  return new AppError(
    "not_found",
    "snapshot_expired",
    `Cannot read on from snapshot ${fromSnapshotId}: it or its children have expired, and ` +
      `snapshots between it and ${toSnapshotId} may be missing`,
  );
}
