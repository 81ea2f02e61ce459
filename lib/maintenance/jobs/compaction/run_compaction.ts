/**
 * Carries a compaction's plan out: rewrites groups side by side, commits them, does those over whose
 * rows were deleted meanwhile, and leaves no file behind that is not part of the table.
 *
 * Bounds: groups side by side by `max-concurrent-file-group-rewrites`; rounds by
 * {@linkcode MAX_ROUNDS}; commits by the plan, plus one for each further round.
 */
import { mapConcurrently } from "../../../concurrency.ts";
import { AppError } from "../../../errors.ts";
import type { TableStore } from "../../../iceberg/commit/table_store.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { currentSnapshot } from "../../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../../jobs/mod.ts";
import type { CompactionOptions } from "../../plan/compaction_options.ts";
import { commitGroups } from "./commit_groups.ts";
import { findAgain } from "./find_again.ts";
import type {
  FinishedGroup,
  GroupRewriter,
  PlannedGroup,
  PlanningState,
} from "./group_rewriter.ts";
import type { CompactionLedger } from "./ledger.ts";
import { outputSpec } from "./plan_table.ts";

/** How often a group is rewritten at most before others' deletes win. */
export const MAX_ROUNDS = 4;

/** Deletions of useless files under way at once. */
const DELETE_CONCURRENCY = 8;

/** What a compaction works with. */
export interface CompactionWork {
  readonly store: TableStore;
  readonly host: Pick<JobHost, "operationId" | "signal" | "announce" | "progress" | "clock">;
  readonly rewriter: GroupRewriter;
  readonly ledger: CompactionLedger;
  readonly options: CompactionOptions;
}

/**
 * Carries out `groups`, planned in `state`. Errors are those of reading, writing and committing; what
 * was committed before stays. `compaction_commits_failed` where more commits failed than
 * `partial-progress.max-failed-commits` allows.
 */
export async function runCompaction(
  groups: readonly PlannedGroup[],
  state: PlanningState,
  work: CompactionWork,
): Promise<void> {
  const run = new CompactionRun(groups, state, work);
  try {
    await run.perform();
  } finally {
    await run.cleanUp();
  }
}

class CompactionRun {
  readonly #groups: readonly PlannedGroup[];
  readonly #state: PlanningState;
  readonly #work: CompactionWork;
  readonly #totalFiles: number;
  /** Written, and part of no snapshot yet. */
  readonly #uncommitted = new Set<FinishedGroup>();
  /** Groups to rewrite again in a newer state. */
  #toRedo: PlannedGroup[] = [];
  #rewrittenFiles = 0;
  #failedCommits = 0;

  constructor(groups: readonly PlannedGroup[], state: PlanningState, work: CompactionWork) {
    this.#groups = groups;
    this.#state = state;
    this.#work = work;
    this.#totalFiles = groups.reduce((sum, group) => sum + group.files.length, 0);
  }

  async perform(): Promise<void> {
    if (this.#work.options.partialProgress === null) await this.#atOnce();
    else await this.#bitByBit(this.#work.options.partialProgress.maxCommits);
    for (let round = 2; round <= MAX_ROUNDS && this.#toRedo.length > 0; round++) {
      await this.#redo();
    }
    this.#work.ledger.fail(this.#toRedo, "rows_deleted_meanwhile");
    this.#checkFailedCommits();
  }

  /** Deletes what was written in vain. Never rejects: `remove-orphans` finds what stays. */
  async cleanUp(): Promise<void> {
    for (const finished of this.#uncommitted) await this.#discard(finished);
  }

  async #atOnce(): Promise<void> {
    const finished = await this.#rewrite(this.#groups, this.#state);
    await this.#commit(finished, true);
  }

  /** Commits as soon as enough groups are done; what fails does not stop the others. */
  async #bitByBit(maxCommits: number): Promise<void> {
    const perCommit = Math.ceil(this.#groups.length / maxCommits);
    let ready: FinishedGroup[] = [];
    let left = this.#groups.length;
    let committing = Promise.resolve();
    const commitReady = (isLast: boolean) => {
      const batch = ready;
      ready = [];
      committing = committing.then(() => this.#tryToCommit(batch, isLast));
      return committing;
    };
    await mapConcurrently(this.#groups, async (group) => {
      const finished = await this.#tryToRewrite(group);
      left--;
      if (finished !== null) ready.push(finished);
      if (ready.length >= perCommit && left > 0) await commitReady(false);
    }, this.#concurrency);
    await commitReady(true);
  }

  async #redo(): Promise<void> {
    const { store, host, ledger, options } = this.#work;
    const table = await store.load(host.signal);
    const snapshot = currentSnapshot(table.metadata);
    const groups = this.#toRedo;
    this.#toRedo = [];
    if (snapshot === undefined) return ledger.fail(groups, "files_replaced_meanwhile");
    const state = { table, snapshot };
    const { specId: outputSpecId } = outputSpec(table.metadata, options);
    const { found, gone } = await findAgain(groups, { state, outputSpecId, signal: host.signal });
    ledger.fail(gone, "files_replaced_meanwhile");
    const finished = await this.#rewrite(found, state);
    await this.#commit(finished, true);
  }

  async #rewrite(
    groups: readonly PlannedGroup[],
    state: PlanningState,
  ): Promise<readonly FinishedGroup[]> {
    return await mapConcurrently(
      groups,
      (group) => this.#rewriteOne(group, state),
      this.#concurrency,
    );
  }

  async #rewriteOne(group: PlannedGroup, state: PlanningState): Promise<FinishedGroup> {
    const { rewriter, host } = this.#work;
    const added = await rewriter.rewrite(group, { state, signal: host.signal });
    const finished = { group, state, added };
    this.#uncommitted.add(finished);
    this.#rewrittenFiles += group.files.length;
    this.#progress("rewriting");
    return finished;
  }

  async #tryToRewrite(group: PlannedGroup): Promise<FinishedGroup | null> {
    try {
      return await this.#rewriteOne(group, this.#state);
    } catch (error) {
      if (this.#work.host.signal.aborted || !(error instanceof AppError)) throw error;
      this.#work.ledger.fail([group], "rewrite_failed");
      return null;
    }
  }

  async #commit(finished: readonly FinishedGroup[], isLast: boolean): Promise<void> {
    if (finished.length === 0) return;
    const { options, ledger } = this.#work;
    this.#progress("committing");
    try {
      const { toRedo, gone } = await commitGroups(finished, {
        ...this.#work,
        useStartingSequenceNumber: options.useStartingSequenceNumber,
        isLast: isLast && !options.removeDanglingDeletes && this.#toRedo.length === 0,
      });
      const left = new Set([...toRedo, ...gone]);
      for (const one of finished) if (!left.has(one)) this.#uncommitted.delete(one);
      this.#toRedo.push(...toRedo.map(({ group }) => group));
      this.#rewrittenFiles -= filesOf(toRedo);
      ledger.fail(gone.map(({ group }) => group), "files_replaced_meanwhile");
      for (const one of left) await this.#discard(one);
    } catch (error) {
      // They may be part of the table: nobody may delete them.
      if (isStateUnknown(error)) { for (const one of finished) this.#uncommitted.delete(one); }
      throw error;
    }
  }

  async #tryToCommit(finished: readonly FinishedGroup[], isLast: boolean): Promise<void> {
    try {
      await this.#commit(finished, isLast);
    } catch (error) {
      const isFinal = this.#work.host.signal.aborted || isStateUnknown(error);
      if (isFinal || !(error instanceof AppError)) throw error;
      this.#failedCommits++;
      this.#work.ledger.fail(finished.map(({ group }) => group), "commit_failed");
    }
  }

  #checkFailedCommits(): void {
    const allowed = this.#work.options.partialProgress?.maxFailedCommits ?? 0;
    if (this.#failedCommits <= allowed) return;
    throw new AppError(
      "conflict",
      "compaction_commits_failed",
      `Cannot compact the table: ${this.#failedCommits} commits failed, and ${allowed} may; what ` +
        "was committed before stays, try again for the rest",
    );
  }

  /** The files of a group that is not, and will not be, part of the table. */
  async #discard(finished: FinishedGroup): Promise<void> {
    this.#uncommitted.delete(finished);
    const { io } = finished.state.table;
    await deleteQuietly(io, finished.added.map(({ filePath }) => filePath));
  }

  #progress(phase: string): void {
    const total = this.#totalFiles;
    const done = Math.min(this.#rewrittenFiles, total);
    this.#work.host.progress({ phase, done, total, unit: "files" });
  }

  get #concurrency() {
    const { options, host } = this.#work;
    return { limit: options.maxConcurrentFileGroupRewrites, signal: host.signal };
  }
}

/** Deletes files as far as it goes: nothing refers to them, so that orphan removal finds the rest. */
export async function deleteQuietly(io: FileIo, locations: readonly string[]): Promise<void> {
  await mapConcurrently(
    locations,
    (location) =>
      io.delete(location).catch(() => {/* found later by its operation's id, or age */}),
    { limit: DELETE_CONCURRENCY },
  );
}

function filesOf(finished: readonly FinishedGroup[]): number {
  return finished.reduce((sum, { group }) => sum + group.files.length, 0);
}

function isStateUnknown(error: unknown): boolean {
  return error instanceof AppError && error.kind === "commit_state_unknown";
}
