/**
 * Table jobs: heavy work on one table, handed to whoever can run it. Features declare jobs and the
 * main isolate runs them through {@linkcode JobRunner}; today's runner posts them to a pool of table
 * isolates, another may hand them to another engine.
 */
import type { z } from "zod";
import type { CatalogGateway } from "../catalog/mod.ts";

/**
 * `short`: metadata only, done within a second or so; such jobs do not wait behind `long` ones,
 * which read or write data.
 */
export type JobLane = "short" | "long";

/** A job by name, with the shape of what it takes and gives. Both sides of the boundary import it. */
export interface JobSpec<P, R> {
  /** Stable, for logs, metrics and the operations list: `compact`. */
  readonly name: string;
  readonly params: z.ZodType<P>;
  readonly result: z.ZodType<R>;
  /** `long` without it. */
  readonly lane?: JobLane;
}

/** Declares a job. */
export function defineJob<P, R>(spec: JobSpec<P, R>): JobSpec<P, R> {
  return spec;
}

/** How far a job has come. */
export interface JobProgress {
  /** What it does now: `planning`, `rewriting`, `committing`, `deleting`. */
  readonly phase: string;
  readonly done: number;
  /** Null where it cannot be known yet. */
  readonly total: number | null;
  /** What is counted: `files`, `bytes`, `groups`, `snapshots`, `rows`. */
  readonly unit: string;
}

/**
 * A commit that is about to be tried. Whoever keeps it can tell later, from the table alone, whether
 * that commit came through, and what the job would have answered.
 */
export interface CommitNote {
  /** Metadata location that the commit replaces. */
  readonly base: string;
  /** `last-updated-ms` of the metadata that the commit would make current. */
  readonly lastUpdatedMs: number;
  /** Snapshots that the commit would add, in decimal. */
  readonly snapshotIds: readonly string[];
  /** When it was about to be tried, in milliseconds since the epoch. */
  readonly atMs: number;
  /** The job's result if this commit is its last step; see `JobHost.announce`. */
  readonly receipt: unknown;
}

/** Options of one run. */
export interface RunJobOptions {
  /** UUID v7; goes into snapshot summaries and file names. */
  readonly operationId: string;
  /**
   * Cancels: the job is asked to stop and given time to clean up. A commit that is under way is
   * not torn apart: where it comes through, the run resolves.
   */
  readonly signal: AbortSignal;
  /** Called when the job has waited its turn and begins. */
  readonly onStart?: () => void;
  /** Latest value wins: what comes too fast is left out, never queued. */
  readonly onProgress?: (progress: JobProgress) => void;
  /** Awaited before every commit of the job; what it rejects with forbids the commit. */
  readonly onCommit?: (note: CommitNote) => Promise<void>;
  /** Milliseconds; the runner's own by default. */
  readonly deadlineMs?: number;
  /** How long the job may take to clean up once it is to stop, in milliseconds. */
  readonly stopWithinMs?: number;
  /** Rows streamed in with the job (`append`), in the order they come. */
  readonly input?: ReadableStream<Uint8Array>;
  /** The catalog of the tables that the job opens; it must stay open until the run settles. */
  readonly gateway: CatalogGateway;
}

/** Runs table jobs. */
export interface JobRunner {
  /**
   * Rejects with the job's own `AppError`; with `isolate_lost` where the isolate died and the table
   * is unchanged; with `cancelled` or `deadline_exceeded`. In all these cases what the job had
   * written and not committed is gone. Resolves also where the isolate died after its last commit
   * came through, if the job had announced its result; `interrupted_after_commit` where it had not.
   * `commit_state_unknown` where nobody can tell, and then nothing is removed.
   * `unavailable`/`jobs_busy`, retryable, where too many jobs wait.
   */
  run<P, R>(job: JobSpec<P, R>, params: P, options: RunJobOptions): Promise<R>;
}
