/** The verbs on pipelines over the state, and the supervisor behind them. */
import { type CallContext, recordAudit, requireRole } from "../access/mod.ts";
import { decodeCursor, encodeCursor, invalidCursor } from "../cursor.ts";
import { AppError } from "../errors.ts";
import { release } from "../pins/mod.ts";
import { InstanceLock } from "./_instance_lock.ts";
import type { PipelineRun, PipelineRunDeps } from "./_pipeline_run.ts";
import { isoTime, type PipelineRow, toMetrics } from "./_row.ts";
import { pause, SourceWatch } from "./_source_watch.ts";
import { findRepeated, startKeyOf } from "./_start_key.ts";
import { recordStart } from "./_start_pipeline.ts";
import {
  deleteFailed,
  deletePipeline,
  findPipeline,
  listBatches,
  listPipelines,
  markStopped,
  requestStop,
} from "./_store.ts";
import { Supervisor } from "./_supervisor.ts";
import { TickTurns } from "./_tick_turns.ts";
import type { PipelineView } from "./contract/requests.ts";
import type { Pipelines } from "./pipelines.ts";
import { isActive } from "./state_machine.ts";

/** How long `start` waits until a pipeline has got going, in milliseconds. */
const START_WAIT_MS = 15_000;
/** How long `stop` waits until it has stopped. */
const STOP_WAIT_MS = 25_000;
/** How often `stop` looks whether another server has stopped it. */
const STOP_LOOK_MS = 200;
/** Ticks at a time, for each processor: most of their time they wait for stores. */
const TICKS_PER_CORE = 4;

/** What pipelines stand on. */
export interface PipelinesDeps extends Omit<PipelineRunDeps, "turns" | "watch" | "random"> {
  /** Pipelines that this server runs at a time. */
  readonly maxPipelines: number;
  readonly cores: number;
  /** Where the locks are that tell whether another server of this machine is there. */
  readonly dataDir: string;
}

/** Builds the verbs, and begins to run what is recorded. */
export async function createPipelines(deps: PipelinesDeps): Promise<Pipelines> {
  const lock = await InstanceLock.take(deps.dataDir, deps);
  const service = new PipelineService(deps, lock);
  service.begin();
  return service;
}

class PipelineService implements Pipelines {
  readonly #deps: PipelinesDeps;
  readonly #lock: InstanceLock;
  readonly #turns: TickTurns;
  readonly #supervisor: Supervisor;
  #closed = false;

  constructor(deps: PipelinesDeps, lock: InstanceLock) {
    const { withCatalog, cores } = deps;
    this.#deps = deps;
    this.#lock = lock;
    this.#turns = new TickTurns(cores * TICKS_PER_CORE);
    this.#supervisor = new Supervisor({
      ...deps,
      lock,
      turns: this.#turns,
      watch: new SourceWatch((table, signal) =>
        withCatalog((catalog) => catalog.locate(table, { signal }))
      ),
      random: Math.random,
    });
  }

  begin(): void {
    this.#supervisor.start();
  }

  start: Pipelines["start"] = async (ctx, request, idempotencyKey) => {
    requireRole(ctx, "DataEngineer", "pipeline.start");
    if (this.#closed) throw serverStopping();
    const startKey = startKeyOf(request, { principal: ctx.principal, idempotencyKey });
    const repeated = await findRepeated(this.#deps.state, startKey);
    if (repeated !== null) return await this.#again(ctx, repeated);
    if (this.#supervisor.isFull) throw pipelinesFull(this.#deps.maxPipelines);
    const { row, kind, run } = await this.#supervisor.reserve(async () => {
      const recorded = await recordStart(this.#deps, request, { ctx, startKey });
      const isKnown = recorded.kind === "known";
      return { ...recorded, run: isKnown ? null : this.#supervisor.run(recorded.row, "started") };
    });
    if (run === null) return await this.#again(ctx, row);
    const begun = await untilBegun(run, ctx);
    if (begun === null || begun.failure === null) return this.#view(begun?.row ?? run.row);
    // One that never got going is not there: its caller hears what is wrong with it.
    if (kind === "new" && begun.row.state === "failed") {
      await run.over;
      await this.#forget(begun.row);
    }
    if (begun.row.state === "failed") throw begun.failure;
    return this.#view(begun.row);
  };

  stop: Pipelines["stop"] = async (ctx, id) => {
    requireRole(ctx, "DataEngineer", "pipeline.stop");
    const { state, clock } = this.#deps;
    const row = await this.#find(id);
    if (row.state === "stopped") return this.#view(row);
    await state.transaction(async (tx) => {
      const nowMs = clock.now();
      if (row.state === "failed") {
        await markStopped(tx, { id, nowMs });
        await release(tx, `pipeline ${id}`);
      } else {
        await requestStop(tx, { id, nowMs });
      }
      await recordAudit(tx, {
        ctx,
        action: "pipeline.stop",
        target: `pipeline:${id}`,
        before: { status: row.state },
        after: null,
        atMs: nowMs,
      });
    }, { signal: ctx.signal });
    this.#supervisor.runOf(id)?.stop();
    const stopped = await this.#untilStopped(ctx, id);
    void this.#supervisor.look();
    return this.#view(stopped);
  };

  status: Pipelines["status"] = async (ctx, id) => {
    requireRole(ctx, "Auditor", "pipeline.status");
    return this.#view(await this.#find(id));
  };

  list: Pipelines["list"] = async (ctx, { limit, cursor }) => {
    requireRole(ctx, "Auditor", "pipeline.list");
    const [after = ""] = cursor === null ? [] : decodeCursor("pipelines", cursor, { parts: 1 });
    const rows = (await listPipelines(this.#deps.state)).filter(({ id }) => id > after);
    const page = rows.slice(0, limit).map((row) => this.#shown(row));
    const last = page.at(-1);
    const more = rows.length > limit && last !== undefined;
    const catalog = this.#deps.catalog();
    return {
      pipelines: page.map((row) => toMetrics(row, catalog)).map((metrics) => ({
        id: metrics.pipeline_id,
        status: metrics.status,
        source: metrics.source_table,
        sink: metrics.sink_table,
        batches_processed: metrics.batches_processed,
        rows_processed: metrics.rows_processed,
        status_since: metrics.status_since,
        last_error: metrics.last_error,
      })),
      ...(more ? { next_cursor: encodeCursor("pipelines", [last.id]) } : {}),
    };
  };

  history: Pipelines["history"] = async (ctx, { id, limit, cursor }) => {
    requireRole(ctx, "Auditor", "pipeline.history");
    await this.#find(id);
    const [place] = cursor === null ? [] : decodeCursor("history", cursor, { parts: 1 });
    if (place !== undefined && !/^\d{1,15}$/.test(place)) {
      throw invalidCursor("Expected a next_cursor of an earlier page of this history");
    }
    const before = place === undefined ? null : Number(place);
    const found = await listBatches(this.#deps.state, { id, before, limit: limit + 1 });
    const batches = found.slice(0, limit);
    const last = batches.at(-1);
    const more = found.length > limit && last !== undefined;
    return {
      pipeline_id: id,
      batches: [...batches],
      ...(more ? { next_cursor: encodeCursor("history", [String(last.batch_id)]) } : {}),
    };
  };

  remove: Pipelines["remove"] = async (ctx, id) => {
    requireRole(ctx, "DataEngineer", "pipeline.delete");
    const { state, clock } = this.#deps;
    await state.transaction(async (tx) => {
      const row = await findPipeline(tx, id);
      if (row === null) throw notFound(id);
      if (isActive(row.state)) throw stillRunning(id);
      await release(tx, `pipeline ${id}`);
      await deletePipeline(tx, id);
      await recordAudit(tx, {
        ctx,
        action: "pipeline.delete",
        target: `pipeline:${id}`,
        before: { source: row.source_table, sink: row.sink_table, status: row.state },
        after: null,
        atMs: clock.now(),
      });
    }, { signal: ctx.signal });
    this.#deps.hub.forget(id);
  };

  running(): number {
    return this.#supervisor.running;
  }

  ticksWaiting(): number {
    return this.#turns.waiting;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#supervisor.close();
    await this.#lock.release();
  }

  /** The answer to a start that was asked for before: once it has got going, if it does so here. */
  async #again(ctx: CallContext, row: PipelineRow): Promise<PipelineView> {
    await this.#supervisor.recorded();
    const run = this.#supervisor.runOf(row.id);
    const begun = run === null ? null : await untilBegun(run, ctx);
    if (begun?.row.state === "failed") throw begun.failure;
    return this.#view(this.#shown(row));
  }

  async #find(id: string): Promise<PipelineRow> {
    const row = await findPipeline(this.#deps.state, id);
    if (row === null) throw notFound(id);
    return this.#shown(row);
  }

  /** What runs here is shown as it is right now. */
  #shown(row: PipelineRow): PipelineRow {
    const run = this.#supervisor.runOf(row.id);
    return run !== null && run.row.version > row.version ? run.row : row;
  }

  #view(row: PipelineRow): PipelineView {
    return {
      ...toMetrics(row, this.#deps.catalog()),
      checkpoint_location: row.checkpoint_location,
      trigger_interval: row.trigger_interval,
      options: row.options,
      created_at: isoTime(row.created_at),
      started_at: isoTime(row.started_at),
      started_by: row.principal_name,
    };
  }

  /** Waits for it, here or on another server, but not for ever. */
  async #untilStopped(ctx: CallContext, id: string): Promise<PipelineRow> {
    const endsAtMs = performance.now() + STOP_WAIT_MS;
    while (true) {
      const run = this.#supervisor.runOf(id);
      const row = await this.#find(id);
      const isOver = !isActive(row.state) || performance.now() >= endsAtMs || ctx.signal.aborted;
      if (isOver) return row;
      const soon = pause(STOP_LOOK_MS, ctx.signal);
      await (run === null ? soon : Promise.race([run.over, soon]));
    }
  }

  /** Unless somebody has started it again meanwhile: its checkpoint knows it as soon as it is recorded. */
  async #forget(failed: PipelineRow): Promise<void> {
    const { id } = failed;
    const isGone = await this.#deps.state.transaction(async (tx) => {
      if (!await deleteFailed(tx, failed)) return false;
      await release(tx, `pipeline ${id}`);
      return true;
    });
    if (isGone) this.#deps.hub.forget(id);
  }
}

/** What a pipeline was like when it had got going, or failed to; null where that takes long. */
async function untilBegun(run: PipelineRun, ctx: CallContext) {
  const late = new AbortController();
  const waited = pause(START_WAIT_MS, AbortSignal.any([ctx.signal, late.signal]));
  const begun = await Promise.race([run.begun, waited.then(() => null)]);
  late.abort();
  return begun;
}

function notFound(id: string): AppError {
  const message = `Cannot find pipeline "${id.slice(0, 128)}"`;
  return new AppError("not_found", "pipeline_not_found", message);
}

function stillRunning(id: string): AppError {
  const message = `Cannot forget pipeline "${id}": it runs. Stop it first`;
  return new AppError("conflict", "pipeline_running", message);
}

function pipelinesFull(max: number): AppError {
  const message =
    `Cannot start the pipeline: this server runs ${max} pipelines already, as many as ` +
    "DRLS_MAX_PIPELINES allows. Stop one, or ask another server";
  return new AppError("unavailable", "pipelines_full", message, {
    retryable: true,
    retryAfterSeconds: 30,
  });
}

function serverStopping(): AppError {
  const message = "Cannot start a pipeline: the server is stopping";
  return new AppError("unavailable", "server_stopping", message, { retryable: true });
}
