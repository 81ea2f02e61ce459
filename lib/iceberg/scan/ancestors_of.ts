/** Lineage of snapshots (spec: "Snapshots", `parent-snapshot-id`). */
import { corruptData } from "../../errors.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";

/** What a walk along lineage needs of a table. */
export type Lineage = Pick<TableMetadata, "snapshots">;

/**
 * The snapshot with this id, its parent, and so on, newest first, to the oldest that the table
 * still has; nothing where it has no such snapshot. Throws `corrupt_data`, code `snapshot_cycle`,
 * where a snapshot is its own ancestor, so that every walk ends.
 */
export function* ancestorsOf(lineage: Lineage, snapshotId: bigint): Generator<Snapshot> {
  const byId = new Map(lineage.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  const seen = new Set<bigint>();
  let next: Snapshot | undefined = byId.get(snapshotId);
  while (next !== undefined) {
    if (seen.has(next.snapshotId)) {
      throw corruptData(
        "snapshot_cycle",
        `Cannot follow the history of snapshot ${snapshotId}: ` +
          `snapshot ${next.snapshotId} is its own ancestor`,
      );
    }
    seen.add(next.snapshotId);
    yield next;
    next = next.parentSnapshotId === null ? undefined : byId.get(next.parentSnapshotId);
  }
}

/** Two snapshots whose relation is in question. */
export interface AncestorQuestion {
  readonly snapshotId: bigint;
  readonly ancestorId: bigint;
}

/** Whether `ancestorId` is `snapshotId` itself or one of its ancestors. */
export function isAncestorOf(lineage: Lineage, question: AncestorQuestion): boolean {
  return ancestorsOf(lineage, question.snapshotId)
    .some((snapshot) => snapshot.snapshotId === question.ancestorId);
}
