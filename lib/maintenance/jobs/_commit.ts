/** Commits of maintenance's jobs: under the operation's id, by the host's clock. */
import type { CommitAction } from "../../iceberg/commit/commit_action.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import type { TableStore } from "../../iceberg/commit/table_store.ts";
import {
  commitTransaction,
  type CommitTransactionResult,
} from "../../iceberg/commit/transaction.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import type { JobHost } from "../../jobs/mod.ts";

/** Options of {@linkcode commitAction}. */
export interface CommitActionOptions {
  readonly store: TableStore;
  readonly host: Pick<JobHost, "operationId" | "signal" | "announce" | "clock">;
  /**
   * What the job will answer should this commit be its last step, asked for after each attempt was
   * prepared; null where more is to be done.
   */
  readonly receipt: () => unknown;
  /** The table as it was loaded already. */
  readonly base?: LoadedTable;
}

/** Commits one action; see `commitTransaction` for the errors. */
export async function commitAction(
  action: CommitAction,
  { store, host, receipt, base }: CommitActionOptions,
): Promise<CommitTransactionResult> {
  const announced: CommitAction = {
    name: action.name,
    async apply(attempt) {
      const change = await action.apply(attempt);
      host.announce(receipt());
      return change;
    },
    settle: (outcome) => action.settle?.(outcome) ?? Promise.resolve(),
  };
  const { operationId, signal, clock } = host;
  return await commitTransaction(store, [announced], {
    operationId,
    signal,
    runtime: { ...systemCommitRuntime, clock },
    ...(base === undefined ? {} : { base }),
  });
}
