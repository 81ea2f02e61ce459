/**
 * Table jobs: heavy work on one table, handed to whoever can run it. Features declare jobs and the
 * main isolate runs them through {@linkcode JobRunner}; today's runner posts them to a pool of table
 * isolates, another may hand them to another engine.
 */
import type { z } from "zod";

/** A job by name, with the shape of what it takes and gives. Both sides of the boundary import it. */
export interface JobSpec<P, R> {
  /** Stable, for logs, metrics and the operations list: `compact`. */
  readonly name: string;
  readonly params: z.ZodType<P>;
  readonly result: z.ZodType<R>;
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

/** Options of one run. */
export interface RunJobOptions {
  /** UUID v7; goes into snapshot summaries and file names. */
  readonly operationId: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: JobProgress) => void;
  /** Milliseconds; the runner's own by default. */
  readonly deadlineMs?: number;
  /** Rows streamed in with the job (`append`), in the order they come. */
  readonly input?: ReadableStream<Uint8Array>;
}

/** Runs table jobs. */
export interface JobRunner {
  /**
   * Rejects with the job's own `AppError`; with `isolate_lost` where the isolate died, after what it
   * had written and not committed was removed; with `cancelled` or `deadline_exceeded`.
   */
  run<P, R>(job: JobSpec<P, R>, params: P, options: RunJobOptions): Promise<R>;
}
