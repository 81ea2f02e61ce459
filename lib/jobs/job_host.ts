/** What a job finds around it inside its isolate. */
import type { TableLocation } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import type { TableStore } from "../iceberg/commit/table_store.ts";
import type { FileIo } from "../iceberg/ports.ts";
import type { StorageSpec } from "../storage/mod.ts";
import type { JobProgress, JobSpec } from "./job.ts";

/** Runs parts of a job on other isolates of the pool. */
export interface TaskPool {
  /** How many tasks can run at a time, this isolate included; at least 1. */
  readonly width: number;
  /**
   * Runs a task on a free isolate, or in this one where none is free. Byte arrays in params and
   * result are transferred, not copied: the sender must not use them again.
   */
  run<P, R>(task: JobSpec<P, R>, params: P, signal: AbortSignal): Promise<R>;
}

/** The surroundings of one job. */
export interface JobHost {
  /** UUID v7; every file that the job writes has it in its name. */
  readonly operationId: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Bytes that the job may hold at a time, tasks of its own not counted. */
  readonly memoryBytes: number;
  /** The table in its catalog; commits go through the catalog in the main isolate. */
  openTable(location: TableLocation): TableStore;
  openStorage(spec: StorageSpec): FileIo;
  /**
   * Takes a table out of its catalog, as it was located: `conflict`/`commit_conflict` where it has
   * changed since. From then on its files are nobody's but the job's.
   */
  dropTable(location: TableLocation): Promise<void>;
  /** Cheap: call it as often as there is news. */
  progress(progress: JobProgress): void;
  /**
   * Says what the job will answer if its next commit comes through and is its last step: should the
   * isolate die right after that commit, this is the result. Null, or nothing announced since the
   * last commit: more is to be done after it. Say it right before committing.
   */
  announce(result: unknown): void;
  readonly tasks: TaskPool;
  /** What the caller streams in; null where nothing is. */
  readonly input: ReadableStream<Uint8Array> | null;
}

/** Runs one job inside an isolate. */
export type JobHandler<P, R> = (params: P, host: JobHost) => Promise<R>;

/** A job with its implementation, as an isolate knows it. */
export interface InstalledJob<P, R> {
  readonly spec: JobSpec<P, R>;
  readonly run: JobHandler<P, R>;
}

/** Pairs a job with its implementation. */
export function installJob<P, R>(spec: JobSpec<P, R>, run: JobHandler<P, R>): InstalledJob<P, R> {
  return { spec, run };
}
