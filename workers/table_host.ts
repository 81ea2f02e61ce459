/**
 * The inside of a table isolate: runs jobs and tasks by name, and cleans up after those that fail.
 * What a job wrote and did not commit is gone when it rejects; where that cannot be done here, the
 * main isolate is told.
 */
import { AppError, flattenError } from "../lib/errors.ts";
import { type CommitNote, type InstalledJob, sweepOperationJob } from "../lib/jobs/mod.ts";
import { type Ask, asker } from "./_asking.ts";
import { Coalesced } from "./_coalesced.ts";
import { interruptedAfterCommit } from "./_failures.ts";
import { MemoryWatch } from "./_memory_watch.ts";
import { TableJobHost } from "./_table_job_host.ts";
import { Progress, type TableQuestions, tableQuestions, type TableSetup } from "./table_methods.ts";
import type { HostedCall } from "./worker_host.ts";

/** A job with its types forgotten: its schemas check them. */
// deno-lint-ignore no-explicit-any -- variance: each job has its own types.
export type AnyJob = InstalledJob<any, any>;

/** What a call hands over. */
export interface JobCall {
  readonly name: string;
  readonly params: unknown;
  readonly operationId: string;
}

/** Least time between two reports of progress. */
const PROGRESS_INTERVAL_MS = 100;
/** How long a failed job's files may take to be removed; the rest is left to the main isolate. */
const CLEAN_UP_MS = 20_000;

/** Options of {@linkcode TableHost}. */
export interface TableHostOptions extends TableSetup {
  /** WebAssembly memory of this isolate, in bytes. */
  readonly wasmBytes?: () => number;
}

/** Runs jobs and tasks by name. */
export class TableHost {
  readonly #jobs: ReadonlyMap<string, AnyJob>;
  readonly #options: TableHostOptions;
  readonly #memory: MemoryWatch;

  constructor(jobs: readonly AnyJob[], options: TableHostOptions) {
    this.#jobs = new Map(jobs.map((job) => [job.spec.name, job]));
    this.#options = options;
    const { memoryBytes: budgetBytes, wasmBytes = () => 0 } = options;
    this.#memory = new MemoryWatch({ budgetBytes, wasmBytes });
  }

  /** Runs a job; its result is checked by its schema. */
  async runJob(
    job: JobCall,
    call: HostedCall,
  ): Promise<{ readonly value: unknown; readonly memoryBytes: number }> {
    const { value } = await this.#run(job, call);
    return { value, memoryBytes: this.#memoryBytes() };
  }

  /** Runs a part of another isolate's job. */
  async runTask(task: JobCall, call: HostedCall): Promise<{
    readonly value: unknown;
    readonly written: readonly string[];
    readonly memoryBytes: number;
  }> {
    return { ...await this.#run(task, call), memoryBytes: this.#memoryBytes() };
  }

  async #run(
    { name, params, operationId }: JobCall,
    call: HostedCall,
  ): Promise<{ readonly value: unknown; readonly written: readonly string[] }> {
    const job = this.#find(name);
    const controller = new AbortController();
    const signal = AbortSignal.any([call.signal, controller.signal]);
    const progress = new Coalesced((value) => call.progress(Progress.parse(value)), {
      intervalMs: PROGRESS_INTERVAL_MS,
      kindOf: ({ phase }: { phase: string }) => phase,
    });
    const ask = asker(tableQuestions, call);
    const host = new TableJobHost({
      operationId,
      signal,
      input: call.input,
      ask,
      memoryBytes: this.#options.memoryBytes,
      width: this.#options.width,
      onProgress: (value) => progress.push(value),
      runHere: (task, taskSignal) => {
        const own = { ...call, signal: taskSignal, input: null, progress: () => {} };
        return this.#run({ ...task, operationId }, own);
      },
    });
    const stopWatching = this.#memory.guard(controller);
    try {
      const value = job.spec.result.parse(await job.run(job.spec.params.parse(params), host));
      return { value, written: host.files.locations };
    } catch (error) {
      await this.#cleanUp(host, { error, ask });
      throw host.hasCommitted ? interrupted(error) : error;
    } finally {
      stopWatching();
      progress.flush();
    }
  }

  #find(name: string): AnyJob {
    const job = this.#jobs.get(name);
    if (job !== undefined) return job;
    const message = `Cannot ${name}: this server has no isolate that knows how`;
    throw new AppError("unsupported", "job_unknown", message);
  }

  /** Never rejects: the job's own error is the one to tell. */
  async #cleanUp(
    host: TableJobHost,
    { error, ask }: { readonly error: unknown; readonly ask: Ask<TableQuestions> },
  ): Promise<void> {
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    try {
      await host.files.abortOpen();
      const files = host.files.locations.length;
      if (files === 0) return;
      // The commit may have come through: what it refers to must stay.
      if (error instanceof AppError && error.kind === "commit_state_unknown") return;
      const { lastCommit } = host;
      if (lastCommit === null) await host.files.deleteAll(signal);
      else await this.#sweep(host, { lastCommit, signal });
    } catch (failure) {
      const reason = flattenError(failure).message;
      await ask("leftovers", { files: host.files.locations.length, reason }, signal).catch(() => {
        // The main isolate has given up on the call, and looks after it as after a dead one.
      });
    }
  }

  /** Some of the files may be in use by now, of an earlier commit or of this one. */
  async #sweep(
    host: TableJobHost,
    { lastCommit, signal }: { readonly lastCommit: CommitNote; readonly signal: AbortSignal },
  ): Promise<void> {
    const job = this.#find(sweepOperationJob.name);
    const { base, lastUpdatedMs, snapshotIds } = lastCommit;
    for (const location of host.openedTables) {
      const params = {
        location,
        deadOperationId: host.operationId,
        commit: { base, lastUpdatedMs, snapshotIds },
        settleMs: 0,
      };
      await job.run(params, host.successor(signal));
    }
  }

  #memoryBytes(): number {
    const { heapBytes, outsideBytes } = this.#memory.measure();
    return heapBytes + outsideBytes;
  }
}

/** An error that says of itself that nothing was changed, after something was. */
function interrupted(error: unknown): unknown {
  const flat = flattenError(error);
  const saysNothingChanged = flat.kind === "cancelled" || flat.kind === "deadline_exceeded" ||
    flat.kind === "internal" || flat.code === "job_out_of_memory";
  return saysNothingChanged ? interruptedAfterCommit(error) : error;
}
