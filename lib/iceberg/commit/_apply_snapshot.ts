/** Updates of snapshots, references and statistics (spec: "Snapshots", "Snapshot References"). */
import type { Snapshot, SnapshotRef } from "../spec/snapshot.ts";
import type { SnapshotLogEntry, TableMetadata } from "../spec/table_metadata.ts";
import {
  edited,
  invalidUpdate,
  type MetadataDraft,
  outdatedUpdate,
  type UpdateOf,
} from "./_draft.ts";

/** The branch that `current-snapshot-id` follows. */
export const MAIN_BRANCH = "main";

/** `add-snapshot`: the snapshot is known afterwards, but current nowhere. */
export function addSnapshot(
  draft: MetadataDraft,
  { snapshot }: UpdateOf<"add-snapshot">,
): MetadataDraft {
  const { metadata } = draft;
  checkSnapshot(metadata, snapshot);
  const { snapshotId, sequenceNumber, timestampMs } = snapshot;
  return {
    ...edited(draft, {
      snapshots: [...metadata.snapshots, snapshot],
      lastSequenceNumber: sequenceNumber,
      nextRowId: nextRowIdAfter(metadata, snapshot),
    }),
    addedSnapshots: draft.addedSnapshots.union(new Set([snapshotId])),
    stampMs: timestampMs,
  };
}

/** `remove-snapshots`: with their statistics, and the references that would dangle. */
export function removeSnapshots(
  draft: MetadataDraft,
  update: UpdateOf<"remove-snapshots">,
): MetadataDraft {
  const gone = new Set(update.snapshotIds);
  const { metadata } = draft;
  const stays = ({ snapshotId }: { readonly snapshotId: bigint }) => !gone.has(snapshotId);
  const snapshots = metadata.snapshots.filter(stays);
  if (snapshots.length === metadata.snapshots.length) return draft;
  const refs = new Map([...metadata.refs].filter(([, ref]) => stays(ref)));
  return {
    ...edited(draft, {
      snapshots,
      refs,
      currentSnapshotId: refs.get(MAIN_BRANCH)?.snapshotId ?? null,
      statistics: metadata.statistics.filter(stays),
      partitionStatistics: metadata.partitionStatistics.filter(stays),
    }),
    removedSnapshots: true,
  };
}

/** `set-snapshot-ref`: `main` takes the table's current snapshot along, and the log records it. */
export function setSnapshotRef(
  draft: MetadataDraft,
  { ref }: UpdateOf<"set-snapshot-ref">,
): MetadataDraft {
  const { metadata } = draft;
  const { name, snapshotId } = ref;
  const known = metadata.refs.get(name);
  if (known !== undefined && isSameRef(known, ref)) return draft;
  const snapshot = metadata.snapshots.find((one) => one.snapshotId === snapshotId);
  if (snapshot === undefined) {
    throw invalidUpdate(
      `Cannot set reference "${name}" to snapshot ${snapshotId}: the table has no such snapshot`,
    );
  }
  if (name === "") throw invalidUpdate("Cannot set a reference without a name");
  const refs = new Map(metadata.refs).set(name, ref);
  const added = draft.addedSnapshots.has(snapshotId);
  const stamped = added ? { ...draft, stampMs: snapshot.timestampMs } : draft;
  if (name !== MAIN_BRANCH) return edited(stamped, { refs });
  if (ref.type !== "branch") {
    throw invalidUpdate(`Cannot make "${MAIN_BRANCH}" a tag: it is the branch of the table itself`);
  }
  if (metadata.currentSnapshotId === snapshotId) return edited(stamped, { refs });
  const snapshotLog = logged(metadata.snapshotLog, { snapshotId, timestampMs: stamped.stampMs });
  const moved = edited(stamped, { refs, currentSnapshotId: snapshotId, snapshotLog });
  return added ? { ...moved, addedHeads: draft.addedHeads.union(new Set([snapshotId])) } : moved;
}

/** `remove-snapshot-ref`: without `main` the table has no current snapshot. */
export function removeSnapshotRef(
  draft: MetadataDraft,
  { name }: UpdateOf<"remove-snapshot-ref">,
): MetadataDraft {
  const refs = new Map(draft.metadata.refs);
  if (!refs.delete(name)) return draft;
  return edited(draft, name === MAIN_BRANCH ? { refs, currentSnapshotId: null } : { refs });
}

/** `set-statistics`: one file per snapshot. */
export function setStatistics(
  draft: MetadataDraft,
  { statistics }: UpdateOf<"set-statistics">,
): MetadataDraft {
  const others = withoutSnapshot(draft.metadata.statistics, statistics.snapshotId);
  return edited(draft, { statistics: [...others, statistics] });
}

/** `remove-statistics`. */
export function removeStatistics(
  draft: MetadataDraft,
  { snapshotId }: UpdateOf<"remove-statistics">,
): MetadataDraft {
  const statistics = withoutSnapshot(draft.metadata.statistics, snapshotId);
  return statistics.length === draft.metadata.statistics.length
    ? draft
    : edited(draft, { statistics });
}

/** `set-partition-statistics`: one file per snapshot. */
export function setPartitionStatistics(
  draft: MetadataDraft,
  { statistics }: UpdateOf<"set-partition-statistics">,
): MetadataDraft {
  const others = withoutSnapshot(draft.metadata.partitionStatistics, statistics.snapshotId);
  return edited(draft, { partitionStatistics: [...others, statistics] });
}

/** `remove-partition-statistics`. */
export function removePartitionStatistics(
  draft: MetadataDraft,
  { snapshotId }: UpdateOf<"remove-partition-statistics">,
): MetadataDraft {
  const partitionStatistics = withoutSnapshot(draft.metadata.partitionStatistics, snapshotId);
  return partitionStatistics.length === draft.metadata.partitionStatistics.length
    ? draft
    : edited(draft, { partitionStatistics });
}

/**
 * The log after all updates. Snapshots that `main` only passed through leave it. An entry whose
 * snapshot was removed takes everything before it along: with a gap, the entry before the gap
 * would seem to have been current for longer than it was.
 */
export function prunedSnapshotLog(draft: MetadataDraft): readonly SnapshotLogEntry[] {
  const { metadata, addedHeads, removedSnapshots } = draft;
  const { snapshotLog, currentSnapshotId } = metadata;
  const passedThrough = (id: bigint) => addedHeads.has(id) && id !== currentSnapshotId;
  if (!removedSnapshots && !snapshotLog.some((entry) => passedThrough(entry.snapshotId))) {
    return snapshotLog;
  }
  const known = new Set(metadata.snapshots.map((snapshot) => snapshot.snapshotId));
  let kept: SnapshotLogEntry[] = [];
  for (const entry of snapshotLog) {
    if (passedThrough(entry.snapshotId)) continue;
    if (known.has(entry.snapshotId)) kept.push(entry);
    else if (removedSnapshots) kept = [];
    else kept.push(entry);
  }
  return kept;
}

function checkSnapshot(metadata: TableMetadata, snapshot: Snapshot): void {
  const { snapshotId, parentSnapshotId, sequenceNumber } = snapshot;
  const { formatVersion, lastSequenceNumber, nextRowId } = metadata;
  const cannot = `Cannot add snapshot ${snapshotId}: `;
  if (metadata.snapshots.some((one) => one.snapshotId === snapshotId)) {
    throw invalidUpdate(`${cannot}the table has a snapshot of this id`);
  }
  if (parentSnapshotId === snapshotId) throw invalidUpdate(`${cannot}it is its own parent`);
  if (formatVersion === 1) {
    if (sequenceNumber === 0n) return;
    throw invalidUpdate(`${cannot}its sequence number is ${sequenceNumber}, 0 in format version 1`);
  }
  if (snapshot.manifestList === null) throw invalidUpdate(`${cannot}it has no manifest list`);
  if (sequenceNumber <= lastSequenceNumber) {
    throw outdatedUpdate(
      `${cannot}its sequence number ${sequenceNumber} is not above the last, ${lastSequenceNumber}`,
    );
  }
  if (formatVersion < 3) return;
  const { firstRowId, addedRows } = snapshot;
  if (firstRowId === null || addedRows === null || addedRows < 0n) {
    throw invalidUpdate(
      `${cannot}format version 3 needs its first row id and a number of added rows`,
    );
  }
  if (firstRowId < (nextRowId ?? 0n)) {
    throw outdatedUpdate(
      `${cannot}its first row id ${firstRowId} is behind the next one, ${nextRowId}`,
    );
  }
}

/** Counted from the snapshot's own first id: where that leaves a gap, no id is given out twice. */
function nextRowIdAfter(metadata: TableMetadata, snapshot: Snapshot): bigint | null {
  if (metadata.nextRowId === null) return null;
  return (snapshot.firstRowId ?? metadata.nextRowId) + (snapshot.addedRows ?? 0n);
}

/** Entries never go back in time, or Java would refuse to read the table. */
function logged(
  log: readonly SnapshotLogEntry[],
  entry: SnapshotLogEntry,
): readonly SnapshotLogEntry[] {
  const timestampMs = Math.max(entry.timestampMs, log.at(-1)?.timestampMs ?? 0);
  return [...log, { ...entry, timestampMs }];
}

function withoutSnapshot<T extends { readonly snapshotId: bigint }>(
  files: readonly T[],
  snapshotId: bigint,
): readonly T[] {
  return files.filter((file) => file.snapshotId !== snapshotId);
}

function isSameRef(a: SnapshotRef, b: SnapshotRef): boolean {
  return a.snapshotId === b.snapshotId && a.type === b.type &&
    a.minSnapshotsToKeep === b.minSnapshotsToKeep && a.maxSnapshotAgeMs === b.maxSnapshotAgeMs &&
    a.maxRefAgeMs === b.maxRefAgeMs;
}
