/**
 * Commits actions on one table: load, fold, commit; on a conflict load again and fold anew.
 *
 * ```
 *            ┌────────────── conflict, retries left ──────────────┐
 *            ▼                                                    │
 * load ─► fold ─► commit ─► committed ─► settle, old metadata files
 *                  ▲  └ reply lost ─► look at the table ─┬─ committed
 *                  └──────── pending: the same again ────┤
 *                                dead: fold anew ────────┤
 *                                                        └─ unknown: nothing is deleted
 * ```
 *
 * Should the process die between commit and settle, the table is whole: what was written in vain
 * carries the operation's id in its name and is found by it.
 */
import { requireWritable } from "../require_writable.ts";
import { AppError } from "../../errors.ts";
import { throwIfAborted } from "../../abort.ts";
import { uuidV7 } from "../../uuid_v7.ts";
import { formatIdentifier, type LoadedTable } from "../ports.ts";
import { type ManifestSource, manifestSource } from "../scan/manifest_source.ts";
import { CommitSender, isConflict, isStateUnknown, stateUnknown } from "./_commit_sender.ts";
import { foldActions } from "./_fold_actions.ts";
import { commitRetryPolicy, waitBefore } from "./_retry_policy.ts";
import { deleteDroppedMetadata } from "./_dropped_metadata.ts";
import type { CommitAction, CommitOutcome } from "./commit_action.ts";
import { type CommitRuntime, systemCommitRuntime } from "./commit_runtime.ts";
import type { TableChange, TableStore } from "./table_store.ts";

/** Options of {@linkcode commitTransaction}. */
export interface CommitTransactionOptions {
  /** UUID v7; goes into snapshot summaries and file names. */
  readonly operationId: string;
  /** The table as it was loaded already; spares the first attempt a load. */
  readonly base?: LoadedTable;
  readonly runtime?: CommitRuntime;
  /** Manifests of a table; read anew each time unless a caller keeps them. */
  readonly manifestSource?: (table: LoadedTable) => ManifestSource;
  /** Stops the transaction between commits. A commit that was begun is waited for. */
  readonly signal?: AbortSignal;
  /** Called for each {@linkcode TransactionProblem}, also where the transaction fails. */
  readonly onProblem?: (problem: TransactionProblem) => void;
}

/** Something that went wrong beside the commit itself, for the log. */
export interface TransactionProblem {
  /** `settle append`, `delete metadata file`, `look at the table`. */
  readonly what: string;
  readonly error: unknown;
}

/** How a transaction ended that did not fail. */
export interface CommitTransactionResult {
  /** The table as the catalog has it. */
  readonly table: LoadedTable;
  /** False where the actions had nothing to change. */
  readonly committed: boolean;
  /** Commits that were tried, the same one sent again included; 0 where there was nothing to. */
  readonly attempts: number;
  /** Metadata files that left the log and were deleted. */
  readonly deletedMetadata: readonly string[];
  readonly problems: readonly TransactionProblem[];
}

/**
 * Commits what `actions` make of the newest table, all or nothing. Retries and waits are bounded by
 * the table's properties `commit.retry.*` and `commit.status-check.*`.
 *
 * Errors: `conflict`/`commit_conflict` where every retry lost; `conflict`/`table_replaced` where
 * the name got to mean another table meanwhile; `commit_state_unknown` where it cannot be told
 * whether the change was made; `unsupported`/`table_read_only`; and those of actions and store, with
 * which nothing was changed. Every action is settled before this returns or throws.
 */
export async function commitTransaction(
  store: TableStore,
  actions: readonly CommitAction[],
  options: CommitTransactionOptions,
): Promise<CommitTransactionResult> {
  const problems: TransactionProblem[] = [];
  const onProblem = (problem: TransactionProblem) => {
    problems.push(problem);
    options.onProblem?.(problem);
  };
  const run = new TransactionRun(store, actions, { ...options, onProblem });
  let end: RunEnd;
  try {
    end = await run.drive();
  } catch (error) {
    await settle(actions, { kind: run.isInDoubt ? "unknown" : "failed" }, onProblem);
    throw run.isInDoubt ? run.unknown(error) : error;
  }
  const { table, base, attempts } = end;
  const committed = base !== null;
  await settle(actions, committed ? { kind: "committed", table } : { kind: "failed" }, onProblem);
  const deletedMetadata = base === null || store.keepsMetadataFiles === true
    ? []
    : await deleteDroppedMetadata(base, table, { onProblem });
  return { table, committed, attempts, deletedMetadata, problems };
}

/** What a run came to; `base` is null where there was nothing to commit. */
interface RunEnd {
  readonly table: LoadedTable;
  readonly base: LoadedTable | null;
  readonly attempts: number;
}

type OnProblem = (problem: TransactionProblem) => void;

/** One transaction under way. */
class TransactionRun {
  readonly #store: TableStore;
  readonly #actions: readonly CommitAction[];
  readonly #options: CommitTransactionOptions;
  readonly #runtime: CommitRuntime;
  readonly #sender: CommitSender;
  readonly #startedMs: number;
  #table: LoadedTable | null = null;
  #failures = 0;

  constructor(
    store: TableStore,
    actions: readonly CommitAction[],
    options: CommitTransactionOptions & { readonly onProblem: OnProblem },
  ) {
    this.#store = store;
    this.#actions = actions;
    this.#options = options;
    this.#runtime = options.runtime ?? systemCommitRuntime;
    this.#sender = new CommitSender(store, { ...options, runtime: this.#runtime });
    this.#startedMs = this.#runtime.clock.now();
  }

  /** Whether a commit was sent of which it is not known that it cannot happen. */
  get isInDoubt(): boolean {
    return this.#sender.isInDoubt;
  }

  /** What to say of a failure while a commit is in doubt: it does not mean that nothing happened. */
  unknown(error: unknown): unknown {
    const table = this.#table;
    return table === null || isStateUnknown(error) ? error : stateUnknown(table, error);
  }

  async drive(): Promise<RunEnd> {
    const { signal, base } = this.#options;
    let table = this.#table = base ?? await this.#store.load(signal);
    const { tableUuid } = table.metadata;
    for (let attempt = 1;; attempt++) {
      const result = await this.#attempt(table, attempt);
      if (result.kind !== "retry") return result.end;
      await this.#pause(table, result.error);
      table = this.#table = await this.#store.load(signal);
      if (tableUuid !== null && table.metadata.tableUuid !== tableUuid) throw replaced(table);
      // A commit that was given up may have arrived in between: to fold anew would double it.
      const landed = this.#sender.landedOn(table);
      if (landed !== null) return { table, base: landed, attempts: this.#sender.sent };
    }
  }

  async #attempt(
    table: LoadedTable,
    attempt: number,
  ): Promise<
    { readonly kind: "end"; readonly end: RunEnd } | { readonly kind: "retry"; error: unknown }
  > {
    const { signal } = this.#options;
    throwIfAborted(signal);
    requireWritable(table);
    let change: TableChange | null;
    try {
      change = await this.#fold(table, attempt);
    } catch (error) {
      if (isConflict(error) || attempt === 1 && await this.#isStale(table)) {
        return { kind: "retry", error };
      }
      throw error;
    }
    throwIfAborted(signal);
    if (change === null) {
      return { kind: "end", end: { table, base: null, attempts: this.#sender.sent } };
    }
    const sent = await this.#sender.send(table, change, {
      commitId: uuidV7(this.#runtime.clock.now()),
      pause: (error) => this.#pause(table, error),
    });
    if (sent.kind === "retry") return sent;
    return {
      kind: "end",
      end: { table: sent.table, base: sent.base, attempts: this.#sender.sent },
    };
  }

  /** Of a table that was loaded long ago, files may have been removed since. */
  async #isStale({ metadataLocation }: LoadedTable): Promise<boolean> {
    const { base, signal } = this.#options;
    if (base === undefined || signal?.aborted === true) return false;
    return (await this.#store.load(signal)).metadataLocation !== metadataLocation;
  }

  async #fold(table: LoadedTable, attempt: number): Promise<TableChange | null> {
    const { operationId, signal } = this.#options;
    return await foldActions(table, this.#actions, {
      operationId,
      attempt,
      signal,
      nowMs: this.#runtime.clock.now(),
      randomLong: () => this.#runtime.randomLong(),
      manifestSource: this.#options.manifestSource ??
        ((one) => manifestSource(one.io, one.metadata)),
    });
  }

  /** Waits before the next try; throws `error` where there is none left. */
  async #pause({ metadata }: LoadedTable, error: unknown): Promise<void> {
    const { signal } = this.#options;
    const policy = commitRetryPolicy(metadata.properties);
    const retry = ++this.#failures;
    const waitMs = waitBefore(retry, policy, this.#runtime);
    const endMs = this.#runtime.clock.now() + waitMs;
    if (retry > policy.numRetries || endMs - this.#startedMs > policy.totalTimeoutMs) throw error;
    await this.#runtime.sleep(waitMs, signal);
  }
}

async function settle(
  actions: readonly CommitAction[],
  outcome: CommitOutcome,
  onProblem: OnProblem,
): Promise<void> {
  for (const action of actions) {
    try {
      await action.settle?.(outcome);
    } catch (error) {
      onProblem({ what: `settle ${action.name}`, error });
    }
  }
}

function replaced(table: LoadedTable): AppError {
  return new AppError(
    "conflict",
    "table_replaced",
    `Cannot commit to table "${formatIdentifier(table.identifier)}": it was dropped, and another ` +
      "table has taken its name since",
  );
}
