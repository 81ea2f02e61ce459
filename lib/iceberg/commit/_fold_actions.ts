/** Folds a transaction's actions over a table into one change. */
import type { LoadedTable } from "../ports.ts";
import type { ManifestSource } from "../scan/manifest_source.ts";
import { applyUpdates } from "./apply_updates.ts";
import { checkRequirements, requirementAsOf, requirementSubject } from "./check_requirements.ts";
import type { CommitAction, CommitAttempt } from "./commit_action.ts";
import type { TableRequirement } from "./table_requirement.ts";
import type { TableChange } from "./table_store.ts";
import type { TableUpdate } from "./table_update.ts";

/** What {@linkcode foldActions} needs besides table and actions. */
export interface FoldOptions
  extends Pick<CommitAttempt, "operationId" | "attempt" | "nowMs" | "signal"> {
  readonly manifestSource: (table: LoadedTable) => ManifestSource;
  /** Evenly distributed over 0 to 2^63 - 1. */
  readonly randomLong: () => bigint;
}

/**
 * The change that all actions make together, each seeing what those before it did; null where they
 * change nothing. Requirements are those of `base`: what an action asserts of its predecessors'
 * work is checked here, and of the catalog the same subject is asserted as it was before them.
 */
export async function foldActions(
  base: LoadedTable,
  actions: readonly CommitAction[],
  options: FoldOptions,
): Promise<TableChange | null> {
  const { nowMs } = options;
  const updates: TableUpdate[] = [];
  const requirements = new Map<string, TableRequirement>();
  const require = (requirement: TableRequirement) => {
    const ofBase = requirementAsOf(requirement, base.metadata);
    if (ofBase !== null) requirements.set(requirementSubject(ofBase), ofBase);
  };
  require({ type: "assert-table-uuid", uuid: base.metadata.tableUuid ?? "" });
  const usedIds = new Set<bigint>();
  let table = base;
  for (const action of actions) {
    const change = await action.apply({
      ...options,
      table,
      manifests: options.manifestSource(table),
      newSnapshotId: () => newSnapshotId(table, { usedIds, randomLong: options.randomLong }),
    });
    checkRequirements(change.requirements, table.metadata);
    change.requirements.forEach(require);
    updates.push(...change.updates);
    table = { ...table, metadata: applyUpdates(table.metadata, change.updates, { nowMs }) };
  }
  // Once more as one list: what `main` only passed through on the way leaves no trace in the log.
  const metadata = applyUpdates(base.metadata, updates, { nowMs });
  return metadata === base.metadata
    ? null
    : { requirements: [...requirements.values()], updates, metadata };
}

function newSnapshotId(
  { metadata }: LoadedTable,
  { usedIds, randomLong }: {
    readonly usedIds: Set<bigint>;
    readonly randomLong: () => bigint;
  },
): bigint {
  const isTaken = (id: bigint) =>
    id <= 0n || usedIds.has(id) || metadata.snapshots.some((one) => one.snapshotId === id);
  let id = randomLong();
  while (isTaken(id)) id = randomLong();
  usedIds.add(id);
  return id;
}
