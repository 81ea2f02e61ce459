/** What the table itself tells of a commit whose sender is dead. */
import { untilAborted } from "../../../abort.ts";
import type { TableLocation } from "../../../catalog/mod.ts";
import { OPERATION_ID_PROPERTY } from "../../../iceberg/commit/commit_action.ts";
import type { TableStore } from "../../../iceberg/commit/table_store.ts";
import type { LoadedTable } from "../../../iceberg/ports.ts";
import type { TriedCommit, TriedCommitOutcome } from "../../../jobs/mod.ts";

/** How often the table is looked at while a commit may still arrive. */
const LOOK_EVERY_MS = 500;

/** A table as it was loaded. */
type Loaded = Pick<LoadedTable, "metadata" | "metadataLocation">;

/** What is known of a commit that may still be on its way. */
export interface PendingCommit {
  readonly location: TableLocation;
  /** Null where none was tried. */
  readonly commit: TriedCommit | null;
  readonly settleMs: number;
  /** See {@linkcode OutcomeOptions.isAnswered}. */
  readonly isAnswered: boolean;
}

/** A table, and what it tells. */
export interface SettledTable {
  readonly table: LoadedTable;
  readonly outcome: TriedCommitOutcome;
}

/** The table once the dead job's commit has come through, or will not any more. */
export async function settledTable(
  store: TableStore,
  { commit, settleMs, location, isAnswered }: PendingCommit,
  signal: AbortSignal,
): Promise<SettledTable> {
  const until = performance.now() + settleMs;
  for (;;) {
    const table = await store.load(signal);
    if (commit === null) return { table, outcome: "not_landed" };
    const outcome = outcomeOf(table, { location, commit, isAnswered });
    // A file catalog replaces `base` or nothing; a server may apply a change to a later state.
    const isOver = location.kind === "file" && table.metadataLocation !== commit.base;
    if (outcome === "landed" || isOver || performance.now() >= until) return { table, outcome };
    await untilAborted(new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS)), signal);
  }
}

/** Options of {@linkcode outcomeOf}. */
export interface OutcomeOptions {
  readonly location: Pick<TableLocation, "kind">;
  readonly commit: TriedCommit;
  /** Whether the catalog's server, where there is one, has answered: nothing is on its way there. */
  readonly isAnswered: boolean;
}

/**
 * Looks for a commit in the table's history: by a snapshot that it added, else by the state that
 * followed its base. Catalogs of files replace the base or nothing, so that this state tells; a
 * server may apply a change to a later one.
 */
export function outcomeOf(table: Loaded, options: OutcomeOptions): TriedCommitOutcome {
  const { metadata, metadataLocation } = table;
  const { commit, location, isAnswered } = options;
  if (hasSnapshotOf(table, commit)) return "landed";
  const states = [
    ...metadata.metadataLog,
    { metadataFile: metadataLocation, timestampMs: metadata.lastUpdatedMs },
  ];
  const base = states.findIndex(({ metadataFile }) => metadataFile === commit.base);
  const next = states[base + 1];
  if (base !== -1 && next?.timestampMs === commit.lastUpdatedMs) {
    // Of a snapshot nothing is left: expired since, or a rival's was made in the same millisecond.
    return commit.snapshotIds.length === 0 ? "landed" : "unsure";
  }
  if (metadataLocation === commit.base) return "not_landed";
  return isAnswered || location.kind === "file" && base !== -1 ? "not_landed" : "unsure";
}

function hasSnapshotOf({ metadata }: Loaded, { snapshotIds }: TriedCommit): boolean {
  const added = new Set(snapshotIds);
  const isAdded = (id: bigint | null) => id !== null && added.has(String(id));
  return metadata.snapshots.some((one) => isAdded(one.snapshotId) || isAdded(one.parentSnapshotId));
}

/** Whether a snapshot of the table is the operation's. */
export function isOperationIn(
  { metadata }: Pick<LoadedTable, "metadata">,
  operationId: string,
): boolean {
  return metadata.snapshots.some(({ summary }) => summary[OPERATION_ID_PROPERTY] === operationId);
}
