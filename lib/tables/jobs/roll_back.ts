/** Makes an earlier snapshot of a table the current one. */
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import { type Rollback, rollBack, rollBackAction } from "../../iceberg/evolve/roll_back.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import type { JobHost } from "../../jobs/mod.ts";
import type { RollbackParams } from "../contract/change_jobs.ts";
import type { RollbackReceipt } from "../contract/change_receipts.ts";
import { requireWritable } from "../../iceberg/require_writable.ts";

/** Ids in one receipt. */
const MAX_IDS = 1_000;

/** Implements `rollbackJob`. */
export async function rollBackTable(
  params: RollbackParams,
  host: JobHost,
): Promise<RollbackReceipt> {
  const { location, dryRun } = params;
  const snapshotId = BigInt(params.snapshotId);
  const store = host.openTable(location);
  if (dryRun) {
    const table = await store.load(host.signal);
    requireWritable(table);
    return describeRollback(rollBack(table.metadata, snapshotId));
  }
  // The last attempt is the one that was committed.
  const attempts: RollbackReceipt[] = [];
  const action = rollBackAction(snapshotId, (rollback) => {
    const receipt = describeRollback(rollback);
    attempts.push(receipt);
    if (receipt.changed) host.announce(receipt);
  });
  await commitTransaction(store, [action], {
    operationId: host.operationId,
    signal: host.signal,
    runtime: { ...systemCommitRuntime, clock: host.clock },
  });
  const last = attempts.at(-1);
  if (last === undefined) throw new TypeError("The transaction ended without an attempt");
  return last;
}

function describeRollback({ from, to, undone }: Rollback): RollbackReceipt {
  return {
    changed: undone.length > 0,
    previous_snapshot_id: String(from.snapshotId),
    current_snapshot_id: String(to.snapshotId),
    rolled_back_snapshots_count: undone.length,
    rolled_back_snapshot_ids: undone.slice(0, MAX_IDS).map(({ snapshotId }) => String(snapshotId)),
    before: totalsOf(from),
    after: totalsOf(to),
  };
}

/** What the snapshot's writer counted. */
function totalsOf({ summary }: Snapshot): RollbackReceipt["before"] {
  return {
    records: summary["total-records"] ?? null,
    data_files: summary["total-data-files"] ?? null,
    delete_files: summary["total-delete-files"] ?? null,
    bytes: summary["total-files-size"] ?? null,
  };
}
