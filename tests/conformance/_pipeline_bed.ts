/** A warehouse with pipelines, and two servers over one state that are killed and started again. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { ask, FEW_ISOLATES, type Place, SHAPE, type Sight, succeed } from "./_kill_bed.ts";
import { type Lake, type LakeType, openLake } from "./_lake.ts";
import { PeerProcess } from "./_peer_process.ts";
import { type Flow, FLOWS, SOURCE } from "./_pipeline_flows.ts";
import { ADMIN_TOKEN } from "./_server.ts";
import { ServerSlot } from "./_server_slot.ts";

/** How long the state may be locked by a server. */
const LOCK_WAIT_MS = 10_000;

/** A pipeline as the state has it. */
export interface PipelineRecord {
  readonly id: string;
  readonly state: string;
  readonly instance: string | null;
  readonly epoch: number;
  readonly last_error: string | null;
  /** Batches that were recorded. */
  readonly batches: number;
}

/** Options of {@linkcode PipelineBed.open}. */
export interface PipelineBedOptions {
  readonly type: LakeType;
  /** Whether the servers share a data directory, and see by its locks who has died. */
  readonly sharesData: boolean;
}

/** See the module. */
export class PipelineBed implements AsyncDisposable {
  readonly dir: string;
  readonly lake: Lake;
  readonly slots: readonly ServerSlot[];
  readonly #eyes: PeerProcess;

  private constructor(dir: string, lake: Lake, { sharesData }: PipelineBedOptions) {
    this.dir = dir;
    this.lake = lake;
    this.#eyes = new PeerProcess("pyiceberg", "pyiceberg_whole.py", [
      JSON.stringify(lake.properties),
      "drls",
    ]);
    this.slots = [0, 1].map((index) =>
      new ServerSlot(index, {
        dataDir: `${dir}/${sharesData ? "data" : `data-${index}`}`,
        env: {
          DRLS_STATE_URL: `file:${dir}/state.db`,
          DRLS_BOOTSTRAP_TOKEN: ADMIN_TOKEN,
          ...FEW_ISOLATES,
          ...lake.env,
        },
      })
    );
  }

  /** Makes the source, starts both servers and all pipelines. */
  static async open(options: PipelineBedOptions): Promise<PipelineBed> {
    const dir = await Deno.makeTempDir({ prefix: "drls-pipeline-kill-" });
    const lake = await openLake(options.type, dir);
    const bed = new PipelineBed(dir, lake, options);
    try {
      await bed.#eyes.hear("READY");
      await Promise.all(bed.slots.map((slot) => slot.ready()));
      await succeed(bed.anyServer(), "/tables", {
        table: SOURCE,
        ...SHAPE,
        // Appends go on while compactions and expiries commit.
        properties: { "commit.retry.num-retries": "20", "commit.retry.min-wait-ms": "20" },
      });
      for (const flow of FLOWS) {
        await succeed(bed.anyServer(), "/pipeline/start", bed.request(flow));
      }
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A server that takes requests, none of `avoided`. Throws `NoServer`. */
  anyServer(
    avoided: ReadonlySet<ServerSlot> = new Set(),
  ): { readonly url: string; readonly slot: ServerSlot } {
    const found = this.slots.filter((slot) => !avoided.has(slot) && slot.url !== null);
    const slot = found[Math.floor(Math.random() * found.length)];
    if (slot === undefined) throw new NoServer();
    return { url: slot.url!, slot };
  }

  /** What starts a pipeline. */
  request({ sink, options }: Flow): Record<string, unknown> {
    return {
      source_table: SOURCE,
      sink_table: sink,
      checkpoint_location: this.checkpoint({ sink }),
      trigger_interval: "0 seconds",
      ...options(this.lake.type),
    };
  }

  /** The folder of a pipeline's checkpoint. */
  checkpoint({ sink }: Pick<Flow, "sink">): string {
    return `${this.dir}/checkpoints/${sink}`;
  }

  /** Where a table lies. */
  place(table: string): Place {
    return { table, folder: `${this.lake.warehouse}/${table.replaceAll(".", "/")}` };
  }

  /** What PyIceberg reads of a table, and what lies around it. */
  async look({ table, folder }: Place): Promise<Sight> {
    return await this.#eyes.ask(["look", table, folder]);
  }

  /** The catalog's database, of a sql catalog. */
  get catalogPath(): string {
    return `${this.dir}/catalog.db`;
  }

  /** Asks the state behind the servers' backs. Throws `StateLocked`. */
  state<T>(read: (database: DatabaseSync) => T): T {
    using database = new DatabaseSync(`${this.dir}/state.db`, { timeout: LOCK_WAIT_MS });
    try {
      return read(database);
    } catch (error) {
      throw isLocked(error)
        ? new StateLocked("A server keeps the state to itself", { cause: error })
        : error;
    }
  }

  /** What the state says of a pipeline. */
  record({ sink }: Pick<Flow, "sink">): PipelineRecord {
    const row = this.state((database) =>
      database.prepare(
        `SELECT id, state, instance, epoch, last_error, place FROM pipelines WHERE sink_table = ?`,
      ).get(sink)
    );
    assert(row !== undefined, `the state knows of no pipeline to ${sink}`);
    const { id, state, instance, epoch, last_error, place } = row;
    return {
      id: String(id),
      state: String(state),
      instance: instance === null ? null : String(instance),
      epoch: Number(epoch),
      last_error: last_error === null ? null : String(last_error),
      batches: place === null ? 0 : JSON.parse(String(place)).batchId,
    };
  }

  /** Which server runs a pipeline, as the state says; null for one that is not there. */
  ownerOf(flow: Pick<Flow, "sink">): ServerSlot | null {
    const { instance } = this.record(flow);
    return this.slots.find(({ life }) => life !== null && life.instance === instance) ?? null;
  }

  /** Has servers have said long ago that they live: those that are dead or asleep, or all. */
  age(which: "gone" | "all" = "gone"): void {
    const awake = this.slots.flatMap(({ life, url }) => url === null ? [] : life?.instance ?? []);
    const spared = JSON.stringify(which === "gone" ? awake : []);
    this.state((database) =>
      database.prepare(
        "UPDATE instances SET heartbeat_at = 0 WHERE id NOT IN (SELECT value FROM json_each(?))",
      ).run(spared)
    );
  }

  /** Whether somebody who stands still keeps others from changing the state or the catalog. */
  isLocked(): boolean {
    const paths = [`${this.dir}/state.db`, ...(this.lake.type === "sql" ? [this.catalogPath] : [])];
    return paths.some((path) => {
      using database = new DatabaseSync(path, { timeout: 0 });
      try {
        database.exec("BEGIN IMMEDIATE");
        database.exec("ROLLBACK");
        return false;
      } catch (error) {
        if (isLocked(error)) return true;
        throw error;
      }
    });
  }

  /** Starts a pipeline again that was stopped; throws where it has failed. */
  async ensureRunning(flow: Flow): Promise<void> {
    const { state, last_error } = this.record(flow);
    assert.notEqual(state, "failed", `the pipeline to ${flow.sink} has failed: ${last_error}`);
    if (state !== "stopped") return;
    const { status, answer } = await ask(this.anyServer(), "/pipeline/start", {
      body: this.request(flow),
    });
    const isRunning = status === 409 && answer["code"] === "pipeline_running";
    assert(status === 200 || isRunning, `start gave ${status}: ${JSON.stringify(answer)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const slot of this.slots) await slot.kill();
    await this.#eyes[Symbol.asyncDispose]();
    await this.lake[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Nobody takes requests right now. */
export class NoServer extends Error {}

/** A server that stands still has a lock. */
export class StateLocked extends Error {}

/** `locking protocol` is what SQLite says of one who stands still while it opens the database. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && /locked|busy|locking protocol/.test(error.message);
}
