/**
 * One pipeline while this server runs it: when it ticks, what becomes of what a tick says, and of
 * failures. It ends when it is stopped, when it is done, when it has failed for good, or when another
 * server has taken it over.
 *
 * ```
 * locate ─► tick ─┬─ begin, create_sink: record, and again
 *     ▲           ├─ batch: record; more? again, or at the next trigger
 *     │           └─ quiet: wait for the trigger, or for news of the source
 *     └───────────────────────────────┘
 * ```
 */
import type { Catalog, CatalogConfig, TableLocation } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import { AppError, flattenError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { State } from "../state/mod.ts";
import { uuidV7 } from "../uuid_v7.ts";
import { catalogChanged, catalogKey } from "./_catalog_key.ts";
import { CheckpointWriter } from "./_checkpoint.ts";
import { createSink, isNotFound, type LocatedTables, locateTables } from "./_locate_tables.ts";
import { PipelineRecord } from "./_pipeline_record.ts";
import { hasNotBegun, isoTime, type PipelineRow } from "./_row.ts";
import { pause, type SourceWatch, stateKey } from "./_source_watch.ts";
import { type NextStep, outcomeOf } from "./_tick_outcome.ts";
import { tickParams } from "./_tick_params.ts";
import type { TickTurns } from "./_tick_turns.ts";
import { afterFailure } from "./back_off.ts";
import type { PipelineError } from "./contract/metrics.ts";
import type { StreamOffset } from "./contract/offset.ts";
import type { SinkColumn, TickResult } from "./contract/tick_job.ts";
import { parseTrigger, type Trigger } from "./contract/trigger.ts";
import type { PipelineHub } from "./hub.ts";
import type { TickRunner } from "./tick_runner.ts";

/** How long a tick may go on once its pipeline is to stop, in milliseconds. */
const FINISH_TICK_MS = 10_000;
/** How long a tick may take to clean up after that. */
const CLEAN_UP_MS = 10_000;
/** One tick's time. */
const TICK_DEADLINE_MS = 3_600_000;
/** A tick that has waited so long for its turn is worth a line in the log, in milliseconds. */
const LONG_WAIT_MS = 30_000;
/** How often a pipeline looks whether its catalog is configured again. */
const CATALOG_LOOK_MS = 1_000;

/** What runs stand on. */
export interface PipelineRunDeps {
  readonly state: State;
  readonly withCatalog: <T>(fn: (catalog: Catalog) => Promise<T>) => Promise<T>;
  /** The one that \`withCatalog\` gives. */
  readonly catalog: () => CatalogConfig;
  readonly runner: TickRunner;
  readonly turns: TickTurns;
  readonly watch: SourceWatch;
  readonly hub: PipelineHub;
  readonly clock: Clock;
  readonly log: Log;
  readonly instance: string;
  readonly checkpointRoots: readonly string[];
  /** From 0 to 1. */
  readonly random: () => number;
}

/** See the module. */
export class PipelineRun {
  readonly #deps: PipelineRunDeps;
  readonly #record: PipelineRecord;
  readonly #checkpoint: CheckpointWriter;
  readonly #trigger: Trigger;
  /** Fires when the pipeline is to stop; the tick under way may still end. */
  readonly #stopping = new AbortController();
  /** Fires when a tick has to end at once. */
  readonly #ending = new AbortController();
  readonly #begun = Promise.withResolvers<{ row: PipelineRow; failure: unknown }>();
  readonly #over: Promise<void>;
  /** Whether somebody has just started it, rather than this server taken it up. */
  #isFirst: boolean;
  /** Whether the tick before asked for the sink as well. */
  #isSinkMade = false;
  /** Another server runs it, or this one stops: it is not over. */
  #left = false;

  /** `row` is one that this server has just recorded as its own: somebody started it, or it was taken up. */
  constructor(row: PipelineRow, deps: PipelineRunDeps, how: "started" | "taken") {
    this.#deps = deps;
    this.#record = new PipelineRecord(row, deps);
    this.#checkpoint = new CheckpointWriter(row.checkpoint_location, deps);
    this.#trigger = parseTrigger(row.trigger_interval);
    this.#isFirst = how === "started" || hasNotBegun(row);
    this.#over = this.#live();
  }

  /** As it is recorded, or shown. */
  get row(): PipelineRow {
    return this.#record.row;
  }

  /**
   * Resolves when it has got going or ended, with what it was like then: its failure, or null. Never
   * rejects.
   */
  get begun(): Promise<{ readonly row: PipelineRow; readonly failure: unknown }> {
    return this.#begun.promise;
  }

  /** Resolves when it does nothing any more; never rejects. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** Somebody asked for it: ends after the tick under way, or without it where that takes long. */
  stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#record.show("stop");
    this.#stopping.abort();
    const timer = setTimeout(() => this.#ending.abort(stopped()), FINISH_TICK_MS);
    void this.#over.finally(() => clearTimeout(timer));
  }

  /** Ends at once, and leaves it to another server. */
  leave(): void {
    this.#left = true;
    this.#stopping.abort();
    this.#ending.abort(stopped());
  }

  async #live(): Promise<void> {
    const { log, runner } = this.#deps;
    const { id } = this.row;
    try {
      await Promise.resolve();
      // Whatever it did on the server before, here it begins.
      if (!this.#isFirst) this.#record.show("taken");
      if (this.row.desired === "stopped") this.stop();
      if (await this.#work() === "failed") return;
      await this.#checkpoint.written();
      if (this.#left) await this.#record.move("taken", { instance: null });
      else await this.#record.move("ended", { desired: "stopped", instance: null });
    } catch (error) {
      // Whoever looks for pipelines that nobody runs takes it up: this server too, at its next look.
      if (!isFenced(error)) log.error("Cannot record a pipeline", { pipeline_id: id, error });
    } finally {
      runner.park(id);
      this.#begin(null);
    }
  }

  #begin(failure: unknown): void {
    this.#begun.resolve({ row: this.row, failure });
  }

  /** Until it has nothing more to do, or must not. */
  async #work(): Promise<"ended" | "failed"> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#go();
        return "ended";
      } catch (error) {
        this.#deps.runner.park(this.row.id);
        // Where the state says otherwise, it is the sink that knows of another: see `fenced`.
        if (isFenced(error)) await this.#record.requireOwner();
        if (this.#stopping.signal.aborted) return "ended";
        if (isOfOtherCatalog(error)) await this.#untilCatalog(error);
        else if (await this.#fail(error) === "failed") return "failed";
      }
    }
    return "ended";
  }

  /** Ticks until there is nothing more to do. */
  async #go(): Promise<void> {
    let dueMs = performance.now();
    let seenKey: string | null = null;
    while (!this.#stopping.signal.aborted) {
      const tables = await this.#locate(seenKey);
      // A first tick says itself where the stream goes on, and who runs it from then on.
      if (this.row.place !== null && !this.#isFirst) {
        await this.#record.open();
        this.#begin(null);
      }
      let next: NextStep = "quiet";
      if (tables !== null) {
        // Before the tick: what a rest catalog answered goes to the isolate, and is gone here.
        const key = stateKey(tables.source);
        next = await this.#take(await this.#tick(tables), tables.source);
        if (next === "done") return;
        seenKey = next === "quiet" ? key : null;
      }
      const isEager = this.#trigger.kind !== "interval" || this.#trigger.everyMs === 0;
      if (next === "again" || (next === "more" && isEager)) continue;
      dueMs = await this.#wait(dueMs, seenKey);
    }
  }

  /** Until it is time for the next tick; resolves to that time. */
  async #wait(dueMs: number, key: string | null): Promise<number> {
    const { signal } = this.#stopping;
    if (this.#trigger.kind === "interval" && this.#trigger.everyMs > 0) {
      const { everyMs } = this.#trigger;
      const nowMs = performance.now();
      // A tick that took longer than the interval: what was missed is not made up for.
      const missed = Math.max(0, Math.floor((nowMs - dueMs) / everyMs));
      const nextMs = dueMs + (missed + 1) * everyMs;
      await pause(nextMs - nowMs, signal);
      return nextMs;
    }
    if (key !== null) {
      const source = this.row.source_table;
      await this.#deps.watch.changed(source, key, signal).catch((error: unknown) => {
        // Whoever locates it next says what has become of it, or of its catalog.
        if (!isNotFound(error)) throw error;
      });
    }
    return performance.now();
  }

  /** Null where the source is as it was seen last. */
  async #locate(seenKey: string | null): Promise<LocatedTables | null> {
    const { signal } = this.#ending;
    return await this.#withCatalog((catalog) =>
      locateTables(catalog, this.row, { seenKey, signal })
    );
  }

  /** Rejects with `unavailable`/`catalog_changed` while another catalog is configured than the pipeline's. */
  async #withCatalog<T>(fn: (catalog: Catalog) => Promise<T>): Promise<T> {
    return await this.#deps.withCatalog((catalog) => {
      if (!this.#isOwnCatalog()) throw catalogChanged(this.row.catalog_name);
      return fn(catalog);
    });
  }

  #isOwnCatalog(): boolean {
    return catalogKey(this.#deps.catalog()) === this.row.catalog_key;
  }

  async #tick(tables: LocatedTables): Promise<TickResult & { readonly startedMs: number }> {
    const { runner, clock, catalog: configured } = this.#deps;
    const { signal } = this.#ending;
    const { row } = this;
    const params = tickParams(row, {
      ...tables,
      catalogName: configured().name,
      isFirst: this.#isFirst,
      heldSnapshotId: this.#record.held,
      ignoreLimits: this.#trigger.kind === "once",
    });
    return await this.#withCatalog((catalog) =>
      this.#inTurn(async () => {
        this.#record.show("work");
        const startedMs = clock.now();
        const result = await runner.run(row.id, params, {
          operationId: uuidV7(startedMs),
          signal,
          deadlineMs: TICK_DEADLINE_MS,
          stopWithinMs: CLEAN_UP_MS,
          onCommit: () => this.#record.requireOwner(),
          gateway: {
            locate: (identifier, options) => catalog.locateExactly(identifier, options),
            commit: (identifier, commit, options) => catalog.commit(identifier, commit, options),
            drop: () => Promise.reject(new TypeError("A tick drops no table")),
          },
        });
        return { ...result, startedMs };
      })
    );
  }

  /** A first look reads no rows, and somebody waits for its answer: it is not kept waiting. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isFirst) return await work();
    const { turns, log } = this.#deps;
    const timer = setTimeout(() => {
      const { waiting } = turns;
      log.warn("A pipeline waits long for its turn", { pipeline_id: this.row.id, waiting });
    }, LONG_WAIT_MS);
    const begun = () => {
      clearTimeout(timer);
      return work();
    };
    return await turns.run(begun, this.#ending.signal).finally(() => clearTimeout(timer));
  }

  /** Records what a tick said. */
  async #take(
    result: TickResult & { readonly startedMs: number },
    source: TableLocation,
  ): Promise<NextStep> {
    if (result.kind === "create_sink") {
      await this.#createSink(result.columns);
      return "again";
    }
    this.#isSinkMade = false;
    const { news, checkpoint, next } = outcomeOf(result, {
      row: this.#record.recorded,
      trigger: this.#trigger,
      nowMs: this.#deps.clock.now(),
    });
    if (news === null) this.#record.show("quiet");
    else await this.#record.move(news.event, news.changes, news.extras);
    if (result.kind === "begin") {
      this.#isFirst = false;
      this.#begin(null);
    }
    if (checkpoint !== undefined) this.#saveCheckpoint(source, checkpoint);
    return next;
  }

  /** Another writer that creates it first is as good, unless nobody finds it afterwards. */
  async #createSink(columns: readonly SinkColumn[]): Promise<void> {
    await this.#withCatalog((catalog) => createSink(catalog, { row: this.row, columns }))
      .catch((error: unknown) => {
        const isThere = error instanceof AppError && error.kind === "already_exists";
        if (!isThere || this.#isSinkMade) throw error;
      });
    this.#isSinkMade = true;
  }

  #saveCheckpoint({ storage }: TableLocation, offset: StreamOffset | null): void {
    const row = this.row;
    const { warehouse } = this.#deps.catalog();
    this.#checkpoint.save({ warehouse, storage }, {
      version: 1,
      pipeline_id: row.id,
      source_table: row.source_table,
      source_uuid: row.source_uuid,
      sink_table: row.sink_table,
      sink_uuid: row.sink_uuid,
      position: row.place?.position ?? null,
      offset,
      updated_at: isoTime(row.updated_at),
    });
  }

  /** Waits until the pipeline's catalog is configured again, however long that takes. */
  async #untilCatalog(error: unknown): Promise<void> {
    const { clock, log, withCatalog } = this.#deps;
    const { signal } = this.#stopping;
    log.warn("A pipeline waits for its catalog", { pipeline_id: this.row.id, error });
    await this.#record.move("failure", { last_error: describe(error, clock.now()) });
    this.#begin(error);
    do {
      await pause(CATALOG_LOOK_MS, signal);
      // Asked for, it hears of what other servers have configured.
      await withCatalog(() => Promise.resolve()).catch((failure: unknown) => {
        if (!(failure instanceof AppError)) throw failure;
      });
    } while (!signal.aborted && !this.#isOwnCatalog());
    if (!signal.aborted) await this.#record.move("retry");
  }

  /** Waits for another try, or gives up. */
  async #fail(error: unknown): Promise<"failed" | "again"> {
    const { clock, log, random } = this.#deps;
    const nowMs = clock.now();
    const lastError = describe(error, nowMs);
    // In the row: a server that dies and comes back again and again has no more patience than others.
    const failures = { count: this.row.failures + 1, sinceMs: this.row.failing_since ?? nowMs };
    const verdict = afterFailure(error, { failures, nowMs, random: random() });
    log.warn("A pipeline failed", { pipeline_id: this.row.id, verdict: verdict.kind, error });
    if (verdict.kind === "give_up") {
      const ended = { desired: "stopped", instance: null } as const;
      await this.#record.move("defeat", { ...ended, last_error: lastError });
      this.#begin(error);
      return "failed";
    }
    await this.#record.move("failure", {
      last_error: lastError,
      restarts: this.row.restarts + 1,
      failures: failures.count,
      failing_since: failures.sinceMs,
    });
    this.#begin(error);
    await pause(verdict.waitMs, this.#stopping.signal);
    if (!this.#stopping.signal.aborted) await this.#record.move("retry");
    return "again";
  }
}

/** A failure as it is shown. */
function describe(error: unknown, nowMs: number): PipelineError {
  const { code, message } = flattenError(error);
  return { code, message, at: isoTime(nowMs) };
}

function isFenced(error: unknown): boolean {
  return error instanceof AppError && error.code === "stream_fenced";
}

function isOfOtherCatalog(error: unknown): boolean {
  return error instanceof AppError && error.code === "catalog_changed";
}

function stopped(): AppError {
  return new AppError("cancelled", "pipeline_stopped", "The pipeline was stopped");
}
