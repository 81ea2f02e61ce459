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
import { type Catalog, identifierOfNew, type TableLocation } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import { AppError, flattenError } from "../errors.ts";
import { defineTable } from "../iceberg/ddl/define_table.ts";
import type { Log } from "../log.ts";
import type { State } from "../state/mod.ts";
import { uuidV7 } from "../uuid_v7.ts";
import { CheckpointWriter } from "./_checkpoint.ts";
import { PipelineRecord } from "./_pipeline_record.ts";
import { isoTime, type PipelineRow } from "./_row.ts";
import { pause, type SourceWatch, stateKey } from "./_source_watch.ts";
import { type NextStep, outcomeOf } from "./_tick_outcome.ts";
import type { TickTurns } from "./_tick_turns.ts";
import { afterFailure, type Failures } from "./back_off.ts";
import type { StreamOffset } from "./contract/offset.ts";
import type { SinkColumn, TickParams, TickResult } from "./contract/tick_job.ts";
import { parseTrigger, type Trigger } from "./contract/trigger.ts";
import type { PipelineHub } from "./hub.ts";
import type { TickRunner } from "./tick_runner.ts";

/** How long a tick may go on once its pipeline is to stop, in milliseconds. */
const FINISH_TICK_MS = 10_000;
/** How long a tick may take to clean up after that. */
const CLEAN_UP_MS = 10_000;
/** One tick's time. */
const TICK_DEADLINE_MS = 3_600_000;
/** An idle pipeline lets go of its isolate after this time. */
const PARK_AFTER_MS = 30_000;

/** What runs stand on. */
export interface PipelineRunDeps {
  readonly state: State;
  readonly withCatalog: <T>(fn: (catalog: Catalog) => Promise<T>) => Promise<T>;
  readonly catalogName: () => string;
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
  #failures: Failures = { count: 0, sinceMs: 0 };
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
    this.#isFirst = how === "started";
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
      if (this.#left) await this.#record.move(null, { instance: null });
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
        if (await this.#fail(error) === "failed") return "failed";
      }
    }
    return "ended";
  }

  /** Ticks until there is nothing more to do. */
  async #go(): Promise<void> {
    let dueMs = performance.now();
    let seenKey: string | null = null;
    while (!this.#stopping.signal.aborted) {
      const tables = await this.#locate();
      const key = stateKey(tables.source);
      if (this.row.place !== null) {
        await this.#record.open();
        if (!this.#isFirst) this.#begin(null);
      }
      let next: NextStep = "quiet";
      if (key !== seenKey) next = await this.#take(await this.#tick(tables), tables.source);
      if (next === "done") return;
      seenKey = next === "quiet" ? key : null;
      const isEager = this.#trigger.kind !== "interval" || this.#trigger.everyMs === 0;
      if (next === "again" || (next === "more" && isEager)) continue;
      dueMs = await this.#wait(dueMs, seenKey);
    }
  }

  /** Until it is time for the next tick; resolves to that time. */
  async #wait(dueMs: number, key: string | null): Promise<number> {
    const { watch, runner } = this.#deps;
    const { signal } = this.#stopping;
    const parking = setTimeout(() => runner.park(this.row.id), PARK_AFTER_MS);
    try {
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
        await watch.changed(source, key, signal).catch(orDropped(source));
      }
      return performance.now();
    } finally {
      clearTimeout(parking);
    }
  }

  async #locate(): Promise<Tables> {
    const { source_table: source, sink_table: sink } = this.row;
    const { signal } = this.#ending;
    return await this.#deps.withCatalog(async (catalog) => {
      const [from, to] = await Promise.all([
        catalog.locate(source, { signal }).catch(orDropped(source)),
        catalog.locate(sink, { signal }).catch((error: unknown) => {
          if (isNotFound(error)) return null;
          throw error;
        }),
      ]);
      return { source: from, sink: to };
    });
  }

  async #tick({ source, sink }: Tables): Promise<TickResult & { readonly startedMs: number }> {
    const { runner, withCatalog, turns, clock, catalogName } = this.#deps;
    const { signal } = this.#ending;
    const row = this.row;
    const params: TickParams = {
      pipelineId: row.id,
      key: row.stream_key,
      checkpoint: row.checkpoint_location,
      options: row.options,
      source,
      sourceNames: [row.source_table, `${catalogName()}.${row.source_table}`],
      sink,
      sinkUuid: row.sink_uuid,
      epoch: row.epoch,
      place: row.place,
      isFirst: this.#isFirst,
      heldSnapshotId: this.#record.held,
      untilSnapshotId: row.until_snapshot_id,
      ignoreLimits: this.#trigger.kind === "once",
    };
    return await withCatalog((catalog) =>
      turns.run(async () => {
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
      }, signal)
    );
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
      row: this.row,
      trigger: this.#trigger,
      nowMs: this.#deps.clock.now(),
    });
    if (news !== null) await this.#record.move(news.event, news.changes, news.extras);
    if (result.kind === "begin") {
      this.#isFirst = false;
      this.#begin(null);
    }
    if (checkpoint !== undefined) this.#saveCheckpoint(source, checkpoint);
    if (result.kind !== "begin") this.#failures = { count: 0, sinceMs: 0 };
    return next;
  }

  /** Another writer that creates it first is as good, unless nobody finds it afterwards. */
  async #createSink(columns: readonly SinkColumn[]): Promise<void> {
    const { sink_table: sink, options } = this.row;
    await this.#deps.withCatalog(async (catalog) => {
      const definition = defineTable({
        schema: columns.map((column) => ({ ...column, default: null })),
        partition_by: options.sink_partition_by ?? [],
        sort_order: [],
        identifier_columns: [],
        properties: options.sink_properties ?? {},
        format_version: options.sink_format_version ?? 2,
      });
      try {
        await catalog.createTable({ identifier: identifierOfNew(catalog, sink), ...definition });
      } catch (error) {
        const isThere = error instanceof AppError && error.kind === "already_exists";
        if (!isThere || this.#isSinkMade) throw error;
      }
    });
    this.#isSinkMade = true;
  }

  #saveCheckpoint({ storage }: TableLocation, offset: StreamOffset | null): void {
    const row = this.row;
    this.#checkpoint.save(storage, {
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

  /** Waits for another try, or gives up. */
  async #fail(error: unknown): Promise<"failed" | "again"> {
    const { clock, log, random } = this.#deps;
    const nowMs = clock.now();
    const { code, message } = flattenError(error);
    const lastError = { code, message, at: isoTime(nowMs) };
    const { count, sinceMs } = this.#failures;
    this.#failures = { count: count + 1, sinceMs: count === 0 ? nowMs : sinceMs };
    const verdict = afterFailure(error, { failures: this.#failures, nowMs, random: random() });
    log.warn("A pipeline failed", { pipeline_id: this.row.id, verdict: verdict.kind, error });
    if (verdict.kind === "give_up") {
      await this.#record.move("defeat", {
        desired: "stopped",
        instance: null,
        last_error: lastError,
      });
      this.#begin(error);
      return "failed";
    }
    await this.#record.move("failure", {
      last_error: lastError,
      restarts: this.row.restarts + 1,
    });
    this.#begin(error);
    await pause(verdict.waitMs, this.#stopping.signal);
    if (!this.#stopping.signal.aborted) await this.#record.move("retry");
    return "again";
  }
}

interface Tables {
  readonly source: TableLocation;
  readonly sink: TableLocation | null;
}

function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.kind === "not_found";
}

function isFenced(error: unknown): boolean {
  return error instanceof AppError && error.code === "stream_fenced";
}

/** Of a source that is not there any more, what to do about it. */
function orDropped(table: string): (error: unknown) => never {
  return (cause) => {
    if (!isNotFound(cause)) throw cause;
    const message =
      `Cannot go on: the source table "${table}" is not there any more. Bring it back ` +
      "under its name, or start a pipeline on another source";
    throw new AppError("not_found", "source_dropped", message, { cause });
  };
}

function stopped(): AppError {
  return new AppError("cancelled", "pipeline_stopped", "The pipeline was stopped");
}
