/**
 * The main isolate's `QueryRunner`: warm query isolates, each with one query at a time.
 *
 * ```
 * wait for a turn ─► run ─► bytes ─► … ─► end ─► renew, or replace ─► free again
 *        │            └ deadline, client gone, stalled: asked to stop
 *        └ too many wait, deadline, client gone
 * ```
 *
 * An isolate is free again only when it has let go of its query, whatever its caller was told: one
 * that still computes keeps a core busy, and must count.
 */
import { AppError } from "../lib/errors.ts";
import type { QueryParams, QueryRun, QueryRunner } from "../lib/tables/contract/mod.ts";
import { answerTo } from "./_asking.ts";
import { Lane } from "./_lane.ts";
import { QueryIsolate } from "./_query_isolate.ts";
import { type QueryModules, queryQuestions } from "./query_methods.ts";
import { ResultStream } from "./_result_stream.ts";

/** Queries that may wait for an isolate; more are refused. */
export const MAX_WAITING_QUERIES = 64;
/**
 * How long an isolate may take to let go of a query. One step of the engine may take 20 s before it is
 * cut off from inside (`lib/columnar/duckdb`); only one that is beyond that is ended from outside.
 */
const STOP_WITHIN_MS = 25_000;
/** Part of a query's memory that kept metadata may take: an isolate that holds too much is replaced. */
const MAX_KEPT_SHARE = 0.25;

/** Options of {@linkcode createQueryPool}. */
export interface QueryPoolOptions {
  /** Queries that run at a time, at least 1. */
  readonly isolates: number;
  /** Memory that one query may take in the engine, in bytes. */
  readonly memoryBytes: number;
  /** Memory for metadata and manifests that isolates keep between queries, all together, in bytes. */
  readonly cacheBytes: number;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly loadModules: () => Promise<QueryModules>;
  readonly onCrash: (isolate: string, reason: string) => void;
  /** How long a client may read nothing; see `STALL_MS`. */
  readonly stallMs?: number;
}

/** How busy a pool is. */
export interface QueryPoolStats {
  readonly running: number;
  readonly waiting: number;
  /** Isolates that were lost or thrown away since the start. */
  readonly lost: number;
}

/** A query that runs, and its end. */
export interface StartedQuery {
  /** As `QueryRunner` says. */
  readonly rows: Promise<ReadableStream<Uint8Array>>;
  /** Resolves when its isolate has let go of it; never rejects. */
  readonly over: Promise<void>;
}

/** A `QueryRunner` over isolates. */
export interface QueryPool extends QueryRunner {
  start(params: QueryParams, run: QueryRun): StartedQuery;
  /** Starts all isolates ahead of the first query; resolves once they are ready. */
  warm(): Promise<void>;
  stats(): QueryPoolStats;
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Starts no isolate yet: the first query, or `warm`, does. */
export function createQueryPool(options: QueryPoolOptions): QueryPool {
  return new Pool(options);
}

class Pool implements QueryPool {
  readonly #options: QueryPoolOptions;
  readonly #isolates: readonly QueryIsolate[];
  readonly #lane: Lane<QueryIsolate>;
  #running = 0;
  #lost = 0;
  #closed = false;

  constructor(options: QueryPoolOptions) {
    const { isolates, memoryBytes, permissions, loadModules } = options;
    this.#options = options;
    const setup = { memoryBytes, cacheBytes: keptBytes(options) };
    this.#isolates = Array.from({ length: isolates }, (_, i) => {
      const name = `query-${i}`;
      const onCrash = (reason: string) => {
        this.#lost++;
        options.onCrash(name, reason);
      };
      return new QueryIsolate({ name, setup, permissions, loadModules, onCrash });
    });
    this.#lane = new Lane(this.#isolates, { maxWaiting: MAX_WAITING_QUERIES, refuse: queriesBusy });
  }

  async warm(): Promise<void> {
    await Promise.all(this.#isolates.map((isolate) => isolate.prepare()));
  }

  stats(): QueryPoolStats {
    return { running: this.#running, waiting: this.#lane.waiting, lost: this.#lost };
  }

  close(): void {
    this.#closed = true;
    for (const isolate of this.#isolates) isolate.close();
  }

  async run(params: QueryParams, run: QueryRun): Promise<ReadableStream<Uint8Array>> {
    return await this.start(params, run).rows;
  }

  start(params: QueryParams, { signal, deadlineMs }: QueryRun): StartedQuery {
    const endsAtMs = performance.now() + deadlineMs;
    const controller = new AbortController();
    const stop = (reason: AppError) => {
      controller.abort(reason);
      result.break(reason);
    };
    const { stallMs } = this.#options;
    const result = new ResultStream({
      onGone: stop,
      ...(stallMs === undefined ? {} : { stallMs }),
    });
    const timer = setTimeout(() => stop(tooLate(deadlineMs)), deadlineMs);
    const leave = () => stop(new AppError("cancelled", "cancelled", "The client went away"));
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    const over = this.#answer(params, { result, signal: controller.signal, endsAtMs })
      .finally(() => {
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
      });
    return { rows: result.started.then(() => result.stream), over };
  }

  async #answer(
    params: QueryParams,
    { result, signal, endsAtMs }: {
      readonly result: ResultStream;
      readonly signal: AbortSignal;
      readonly endsAtMs: number;
    },
  ): Promise<void> {
    try {
      const isolate = await this.#lane.acquire(signal);
      this.#running++;
      try {
        await isolate.run(params, {
          signal,
          deadlineMs: Math.max(1, endsAtMs - performance.now()),
          stopWithinMs: STOP_WITHIN_MS,
          onAsk: (question) =>
            answerTo(queryQuestions, question, {
              answers: {
                rows: async ({ bytes }) => {
                  await result.add(bytes);
                  return null;
                },
              },
            }),
        });
        result.end();
      } finally {
        this.#running--;
        void this.#release(isolate);
      }
    } catch (error) {
      result.break(error);
    }
  }

  /** Behind the caller's back: the next query finds the isolate ready. */
  async #release(isolate: QueryIsolate): Promise<void> {
    try {
      await isolate.renew();
    } catch (error) {
      // The next query tries again to boot it, and is told what is wrong.
      if (!this.#closed) this.#options.onCrash("query", String(error));
    }
    this.#lane.release(isolate);
  }
}

/** What one isolate keeps: its share, unless that would leave too little for queries. */
function keptBytes({ isolates, memoryBytes, cacheBytes }: QueryPoolOptions): number {
  return Math.floor(Math.min(cacheBytes / isolates, memoryBytes * MAX_KEPT_SHARE));
}

function tooLate(deadlineMs: number): AppError {
  const message = `The query did not finish within ${deadlineMs} ms; ask for more with timeout_ms`;
  return new AppError("deadline_exceeded", "deadline_exceeded", message);
}

function queriesBusy(waiting: number): AppError {
  const message = `Cannot run the query: ${waiting} queries wait already`;
  return new AppError("unavailable", "queries_busy", message, {
    retryable: true,
    retryAfterSeconds: 5,
  });
}
