/**
 * Which pipelines this server runs. Every so often it looks for those that ought to run and belong to
 * a server that is gone, and for those of its own that are to stop or that another has taken.
 */
import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { InstanceLock } from "./_instance_lock.ts";
import { PipelineRun, type PipelineRunDeps } from "./_pipeline_run.ts";
import { type PipelineRow, toMetrics } from "./_row.ts";
import {
  activeOwners,
  changedPipelines,
  findPipeline,
  livingInstances,
  orphanPipeline,
  pipelineIds,
  takePipeline,
} from "./_store.ts";

/** How often a server looks. */
const LOOK_EVERY_MS = 1_000;
/** Looks between two that ask which pipelines are not there any more. */
const LOOKS_PER_CLEANING = 30;

/** What a supervisor stands on. */
export interface SupervisorDeps extends PipelineRunDeps {
  /** Pipelines that this server runs at a time. */
  readonly maxPipelines: number;
  readonly lock: InstanceLock;
}

/** See the module. */
export class Supervisor {
  readonly #deps: SupervisorDeps;
  readonly #runs = new Map<string, PipelineRun>();
  #timer: ReturnType<typeof setInterval> | null = null;
  #looking: Promise<void> | null = null;
  #looks = 0;
  /** Starts that are being recorded. */
  readonly #starting = new Set<Promise<unknown>>();
  #seenSeq = 0;
  #closed = false;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
  }

  /** Takes up what is left from before, and looks again from time to time. */
  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    void this.look();
  }

  /** Pipelines that run here. */
  get running(): number {
    return this.#runs.size;
  }

  /** Whether another one would be too many. */
  get isFull(): boolean {
    return this.#runs.size + this.#starting.size >= this.#deps.maxPipelines;
  }

  /** Keeps a place while a pipeline is recorded as this server's, and until `run` runs it. */
  async reserve<T>(record: () => Promise<T>): Promise<T> {
    const recording = record();
    this.#starting.add(recording);
    try {
      return await recording;
    } finally {
      this.#starting.delete(recording);
    }
  }

  /** Resolves when what is being recorded now is run, or is refused. */
  async recorded(): Promise<void> {
    await Promise.allSettled(this.#starting);
  }

  /** The run of a pipeline; null where this server has none. */
  runOf(id: string): PipelineRun | null {
    return this.#runs.get(id) ?? null;
  }

  /** Runs a pipeline whose row names this server. */
  run(row: PipelineRow, how: "started" | "taken"): PipelineRun {
    const run = new PipelineRun(row, this.#deps, how);
    this.#runs.set(row.id, run);
    if (this.#closed) run.leave();
    void run.over.finally(() => {
      if (this.#runs.get(row.id) === run) this.#runs.delete(row.id);
    });
    return run;
  }

  /** One look; those that come meanwhile share it. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => logFailure(this.#deps.log, error))
      .finally(() => this.#looking = null);
    return this.#looking;
  }

  /** Ends all runs; other servers, or this one's successor, go on with them. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
    await Promise.allSettled(this.#starting);
    const runs = [...this.#runs.values()];
    for (const run of runs) run.leave();
    await Promise.all(runs.map(({ over }) => over));
  }

  async #look(): Promise<void> {
    await this.#seeOthers();
    if (this.#closed) return;
    await this.#takeUp();
  }

  /** What other servers have recorded, and what they ask of this one. */
  async #seeOthers(): Promise<void> {
    const { state, hub, instance, catalog } = this.#deps;
    const rows = await changedPipelines(state, this.#seenSeq);
    for (const row of rows) {
      this.#seenSeq = Math.max(this.#seenSeq, row.change_seq);
      const run = this.#runs.get(row.id);
      if (run !== undefined) {
        // Read before it was started again.
        if (row.epoch < run.row.epoch) continue;
        // An epoch that the run has raised itself may be read before the run has heard of it.
        const isOurs = row.instance === instance;
        if (!isOurs) run.leave();
        else if (row.desired === "stopped") run.stop();
        continue;
      }
      const known = hub.latest(row.id);
      if (known?.version !== row.version) hub.publish(toMetrics(row, catalog()));
    }
    if (this.#looks++ % LOOKS_PER_CLEANING === 0) await this.#forgetDeleted();
  }

  async #forgetDeleted(): Promise<void> {
    const { state, hub } = this.#deps;
    const ids = new Set(await pipelineIds(state));
    for (const { pipeline_id: id } of hub.all()) if (!ids.has(id)) hub.forget(id);
  }

  /**
   * Takes over what belongs to nobody who lives, and what is this server's and does not run, because
   * its end could not be recorded.
   */
  async #takeUp(): Promise<void> {
    const { state, instance, clock, log } = this.#deps;
    const rows = (await activeOwners(state)).filter(({ id }) => !this.#runs.has(id));
    if (rows.length === 0) return;
    const living = await livingInstances(state);
    for (const row of rows) {
      if (this.#closed) return;
      const owner = row.instance;
      // What is being started may be recorded already and not run yet.
      const isRun = owner === instance
        ? this.#runs.has(row.id) || this.#starting.size > 0
        : await this.#isAlive(owner, living);
      if (isRun) continue;
      // What is only to be brought to its end takes no place from others.
      if (this.isFull && row.desired === "running") {
        if (owner === null) continue;
        await state.transaction((tx) => orphanPipeline(tx, { row, nowMs: clock.now() }));
        continue;
      }
      const isTaken = await state.transaction((tx) =>
        takePipeline(tx, { row, instance, nowMs: clock.now() })
      );
      if (!isTaken) continue;
      const taken = await findPipeline(state, row.id);
      if (taken === null || taken.instance !== instance) continue;
      log.info("Taking up a pipeline", { pipeline_id: row.id, from: owner });
      this.run(taken, "taken");
    }
  }

  async #isAlive(owner: string | null, living: ReadonlySet<string>): Promise<boolean> {
    return owner !== null && living.has(owner) && !await this.#deps.lock.isDead(owner);
  }
}

/** The state may be out of reach for a while; what runs goes on. */
function logFailure(log: Log, error: unknown): void {
  const isOutage = error instanceof AppError && error.kind === "unavailable";
  log[isOutage ? "warn" : "error"]("Cannot look after pipelines", { error });
}
