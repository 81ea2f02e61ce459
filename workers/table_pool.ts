/**
 * The main isolate's `JobRunner`: a pool of table isolates, each with one job at a time. Short jobs
 * have an isolate of their own, so that none waits behind a compaction. Tasks of a running job go to
 * isolates that are free; where none is, the job does them itself.
 *
 * ```
 * wait for a turn ─► run ─┬─ result
 *                         ├─ error, cleaned up in the isolate
 *                         └─ isolate lost ─► sweep, in another one ─┬─ its commit came through: result
 *                                                                   └─ it did not: isolate lost
 * ```
 */
import { AppError } from "../lib/errors.ts";
import type { JobRunner, JobSpec, RunJobOptions } from "../lib/jobs/mod.ts";
import { sweepOperationJob } from "../lib/jobs/mod.ts";
import { uuidV7 } from "../lib/uuid_v7.ts";
import { interruptedAfterCommit, interruptedWhileCommitting } from "./_failures.ts";
import { JobRun, type RunTask } from "./_job_run.ts";
import { Helpers, Lane, type Lender } from "./_lane.ts";
import { TableIsolate } from "./_table_isolate.ts";
import { Progress, type TableModules } from "./table_methods.ts";

export { type Lender, MAX_WAITING_JOBS } from "./_lane.ts";
export type { TableIsolate } from "./_table_isolate.ts";

/** How long a job that is asked to stop may take to clean up. */
const STOP_WITHIN_MS = 30_000;
/** A job's time unless its caller says otherwise. */
const DEFAULT_JOB_MS = 6 * 3_600_000;
/** Time to start an isolate. */
const WARM_MS = 60_000;
/** Time to sweep after a dead job; tables may be large, and stores slow. */
const SWEEP_MS = 600_000;
/**
 * How long a commit that was handed to a store may still arrive after its isolate has ended: calls of
 * the system run on, and a store may have all of a request.
 */
const SETTLE_MS = 15_000;

/** Options of {@linkcode createTablePool}. */
export interface TablePoolOptions {
  /** Isolates for long jobs, at least 1; one more serves short ones. */
  readonly isolates: number;
  /** Begins the names of its isolates, for the log; `table` by default. */
  readonly name?: string;
  /** Bytes that one job may hold. */
  readonly memoryBytes: number;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly loadModules: () => Promise<TableModules>;
  readonly onCrash: (isolate: string, reason: string) => void;
  /** Does the tasks of its jobs; by default those of its own isolates that are free. */
  readonly helpers?: { readonly lender: Lender<TableIsolate>; readonly isolates: number };
  /** Told where something was left undone that no caller hears of. */
  readonly onProblem?: (what: string, error: unknown) => void;
  /** The isolate's module; tests have their own. */
  readonly worker?: URL;
  /** See `SETTLE_MS`; tests have less time. */
  readonly settleMs?: number;
}

/** How busy a pool is. */
export interface TablePoolStats {
  readonly running: number;
  readonly waiting: number;
  /** Isolates that were lost since the start. */
  readonly lost: number;
  /** Lost ones that were still computing: such a thread ends only with the process. */
  readonly stuck: number;
}

/** A `JobRunner` over isolates. */
export interface TablePool extends JobRunner {
  /** Its isolates for long jobs, while no job wants them. */
  readonly lender: Lender<TableIsolate>;
  /** Starts all isolates ahead of the first job; resolves once they are ready. */
  warm(): Promise<void>;
  stats(): TablePoolStats;
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Starts no isolate yet: the first job, or `warm`, does. */
export function createTablePool(options: TablePoolOptions): TablePool {
  return new Pool(options);
}

class Pool implements TablePool {
  readonly #options: TablePoolOptions;
  readonly #isolates: readonly TableIsolate[];
  readonly #lanes: Readonly<Record<"short" | "long", Lane<TableIsolate>>>;
  /** Of the isolates that do tasks. */
  readonly #helpers: Lender<TableIsolate>;
  #running = 0;
  #lost = 0;
  #stuck = 0;
  #closed = false;

  constructor(options: TablePoolOptions) {
    this.#options = options;
    const { name = "table" } = options;
    const short = this.#createIsolate(`${name}-short`);
    const long = Array.from(
      { length: options.isolates },
      (_, i) => this.#createIsolate(`${name}-${i}`),
    );
    this.#isolates = [short, ...long];
    this.#lanes = { short: new Lane([short]), long: new Lane(long) };
    this.#helpers = options.helpers?.lender ?? this.#lanes.long;
  }

  get lender(): Lender<TableIsolate> {
    return this.#lanes.long;
  }

  async warm(): Promise<void> {
    await Promise.all(this.#isolates.map((isolate) => isolate.warm(WARM_MS)));
  }

  stats(): TablePoolStats {
    const waiting = this.#lanes.short.waiting + this.#lanes.long.waiting;
    return { running: this.#running, waiting, lost: this.#lost, stuck: this.#stuck };
  }

  close(): void {
    this.#closed = true;
    for (const isolate of this.#isolates) isolate.close();
  }

  async run<P, R>(job: JobSpec<P, R>, params: P, options: RunJobOptions): Promise<R> {
    const checked = job.params.parse(params);
    const helpers = new Helpers(this.#helpers);
    const run = new JobRun({ job: options, helpers, runTask: this.#runTask(options) });
    let isLost = false;
    try {
      const value = await this.#takeTurn(job.lane ?? "long", options, async (isolate) => {
        const { operationId, input, onProgress } = options;
        return await isolate.job({ name: job.name, params: checked, operationId }, {
          signal: options.signal,
          deadlineMs: options.deadlineMs ?? DEFAULT_JOB_MS,
          stopWithinMs: options.stopWithinMs ?? STOP_WITHIN_MS,
          holdsOff: () => run.stage === "trying",
          onLost: () => isLost = true,
          onProgress: (progress) => onProgress?.(Progress.parse(progress)),
          onAsk: (question) => run.answer(question),
          ...(input === undefined ? {} : { input }),
        });
      });
      return job.result.parse(value);
    } catch (error) {
      if (!isLost && !run.hasLeftovers) throw error;
      return await this.#lookAfter(run, { job, options, isLost, error });
    } finally {
      helpers.release();
    }
  }

  async #takeTurn<T>(
    name: "short" | "long",
    options: RunJobOptions,
    work: (isolate: TableIsolate) => Promise<T>,
  ): Promise<T> {
    const lane = this.#lanes[name];
    const isolate = await lane.acquire(options.signal);
    this.#running++;
    try {
      options.onStart?.();
      return await work(isolate);
    } finally {
      this.#running--;
      lane.release(isolate);
    }
  }

  /** The job is not there any more, or left files behind. */
  async #lookAfter<P, R>(
    run: JobRun,
    { job, options, isLost, error }: {
      readonly job: JobSpec<P, R>;
      readonly options: RunJobOptions;
      readonly isLost: boolean;
      readonly error: unknown;
    },
  ): Promise<R> {
    // A sweep is repeated by whoever asked for it; a closed pool has nobody to do it.
    const [table] = run.tables;
    if (job.name === sweepOperationJob.name || table === undefined) throw error;
    const { note } = run;
    await run.catalogSettled();
    const inDoubt = isLost && run.stage === "trying";
    if (inDoubt && run.isCatalogUnsure) throw interruptedWhileCommitting(error);
    if (isUnknown(error)) throw error;
    if (this.#closed) throw note === null ? error : interruptedWhileCommitting(error);
    const { deadOperationId, ...swept } = await this.#sweep(run, { options, inDoubt }).catch(
      (failure: unknown) => {
        this.#options.onProblem?.("Cannot remove what a lost job left", failure);
        throw note === null ? error : interruptedWhileCommitting(error);
      },
    );
    if (swept.failedFiles > 0) {
      const what = `${swept.failedFiles} files of operation ${deadOperationId} are left`;
      this.#options.onProblem?.(what, null);
    }
    const { landed, landedBefore, unsure } = swept;
    if (isLost && landed && note !== null && note.receipt !== null) {
      return job.result.parse(note.receipt);
    }
    if (isLost && unsure) throw interruptedWhileCommitting(error);
    throw landed || landedBefore || run.hasLanded ? interruptedAfterCommit(error) : error;
  }

  async #sweep(
    run: JobRun,
    { options, inDoubt }: { readonly options: RunJobOptions; readonly inDoubt: boolean },
  ) {
    const { note } = run;
    const deadOperationId = options.operationId;
    const total = { landed: false, landedBefore: false, unsure: false, failedFiles: 0 };
    for (const location of run.tables) {
      const params = {
        location,
        deadOperationId,
        commit: note === null ? null : {
          base: note.base,
          lastUpdatedMs: note.lastUpdatedMs,
          snapshotIds: [...note.snapshotIds],
        },
        settleMs: inDoubt ? this.#options.settleMs ?? SETTLE_MS : 0,
      };
      const receipt = await this.run(sweepOperationJob, params, {
        operationId: uuidV7(Date.now()),
        signal: AbortSignal.timeout(SWEEP_MS),
        gateway: options.gateway,
      });
      total.landed ||= receipt.outcome === "landed";
      total.unsure ||= receipt.outcome === "unsure";
      total.landedBefore ||= receipt.landedBefore;
      total.failedFiles += receipt.failedFiles;
    }
    return { ...total, deadOperationId };
  }

  #runTask({ operationId }: RunJobOptions): RunTask {
    return async (isolate, { name, params }, { signal, onAsk }) => {
      try {
        return await isolate.task({ name, params, operationId }, {
          signal,
          onAsk,
          deadlineMs: DEFAULT_JOB_MS,
          stopWithinMs: STOP_WITHIN_MS,
        });
      } finally {
        this.#helpers.release(isolate);
      }
    };
  }

  #createIsolate(name: string): TableIsolate {
    const { memoryBytes, permissions, loadModules, helpers } = this.#options;
    const width = helpers?.isolates ?? this.#options.isolates;
    return new TableIsolate({
      name,
      worker: this.#options.worker ?? new URL("./table.worker.ts", import.meta.url),
      setup: { memoryBytes, width },
      permissions,
      loadModules,
      onCrash: (reason) => {
        this.#lost++;
        if (/did not (?:stop|answer)/.test(reason)) this.#stuck++;
        this.#options.onCrash(name, reason);
      },
    });
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof AppError && error.kind === "commit_state_unknown";
}
