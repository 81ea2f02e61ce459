/** Rolling a table back to an earlier state of its main branch. */
import { AppError } from "../../errors.ts";
import type { ActionChange, CommitAction } from "../commit/commit_action.ts";
import type { TableUpdate } from "../commit/table_update.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import { currentSnapshot, snapshotById, type TableMetadata } from "../spec/table_metadata.ts";

const MAIN = "main";

/** What a rollback does to a table. */
export interface Rollback {
  readonly from: Snapshot;
  readonly to: Snapshot;
  /** Snapshots that main leaves behind, newest first; they stay in the table until they expire. */
  readonly undone: readonly Snapshot[];
  /** Empty where the table is there already. */
  readonly updates: readonly TableUpdate[];
}

/**
 * Plans a rollback of `main`. As in Spark's `rollback_to_snapshot`, the snapshot must be an ancestor
 * of the current one: another one is not where this state came from. Errors: `not_found`/
 * `snapshot_not_found`, `conflict`/`not_an_ancestor`.
 */
export function rollBack(metadata: TableMetadata, snapshotId: bigint): Rollback {
  const from = currentSnapshot(metadata);
  const to = snapshotById(metadata, snapshotId);
  if (from === undefined || to === undefined) {
    const why = from === undefined
      ? "the table has no snapshots"
      : "the table has no such snapshot";
    throw rollbackError(snapshotId, why, { kind: "not_found", code: "snapshot_not_found" });
  }
  const undone: Snapshot[] = [];
  let at: Snapshot | undefined = from;
  while (at !== undefined && at.snapshotId !== snapshotId) {
    undone.push(at);
    // A parent that has expired ends the ancestry; cycles were refused when metadata was read.
    at = at.parentSnapshotId === null ? undefined : snapshotById(metadata, at.parentSnapshotId);
  }
  if (at === undefined) {
    throw rollbackError(snapshotId, "it is no ancestor of the current snapshot", {
      kind: "conflict",
      code: "not_an_ancestor",
    });
  }
  const known = metadata.refs.get(MAIN);
  const retention = { minSnapshotsToKeep: null, maxSnapshotAgeMs: null, maxRefAgeMs: null };
  const ref = { name: MAIN, type: "branch", ...retention, ...known, snapshotId } as const;
  const updates: TableUpdate[] = undone.length === 0
    ? []
    : [{ action: "set-snapshot-ref", ref: { ...ref, type: "branch" } }];
  return { from, to, undone, updates };
}

/** The action that rolls a table back; `onPlanned` hears of every attempt, the last one counts. */
export function rollBackAction(
  snapshotId: bigint,
  onPlanned: (rollback: Rollback) => void,
): CommitAction {
  return {
    name: "roll back",
    apply({ table: { metadata } }): Promise<ActionChange> {
      const rollback = rollBack(metadata, snapshotId);
      onPlanned(rollback);
      const { updates, from } = rollback;
      return Promise.resolve({
        requirements: updates.length === 0
          ? []
          : [{ type: "assert-ref-snapshot-id", ref: MAIN, snapshotId: from.snapshotId }],
        updates,
      });
    },
  };
}

function rollbackError(
  snapshotId: bigint,
  why: string,
  { kind, code }: { readonly kind: "not_found" | "conflict"; readonly code: string },
): AppError {
  const message = `Cannot roll back to snapshot ${snapshotId}: ${why}`;
  return new AppError(kind, code, message, { issues: [{ path: "snapshot_id", message }] });
}
