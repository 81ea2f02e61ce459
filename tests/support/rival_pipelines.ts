/** A second server's pipelines beside those of a `PipelineBed`: over the same tables and, mostly, the same state. */
import assert from "node:assert/strict";
import { loadWasmModules } from "../../lib/columnar/wasm/mod.ts";
import type { Clock } from "../../lib/clock.ts";
import { createLog } from "../../lib/log.ts";
import {
  createPipelines,
  PipelineHub,
  type PipelineMetrics,
  type Pipelines,
  type TickRunner,
} from "../../lib/pipelines/mod.ts";
import { openState, type State } from "../../lib/state/mod.ts";
import { createPipelinePool } from "../../workers/pipeline_pool.ts";
import { pipelinePermissions } from "../../workers/reader_permissions.ts";
import { type PipelineBed, untilOf } from "./pipeline_bed.ts";
import { storeOf } from "./writable_tables.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Options of {@linkcode openRival}. */
export interface RivalOptions {
  readonly clock?: Clock;
  /** Whether it has a state of its own, and knows nothing of what the other does. */
  readonly hasOwnState?: boolean;
  /** Stands between the verbs and the isolates. */
  readonly wrap?: (runner: TickRunner) => TickRunner;
}

/** A second server. */
export interface Rival extends AsyncDisposable {
  readonly pipelines: Pipelines;
  readonly hub: PipelineHub;
  readonly lines: readonly string[];
}

/** Starts it. It takes over what belongs to a server that has not said that it lives: see `alive`. */
export async function openRival(bed: PipelineBed, options: RivalOptions = {}): Promise<Rival> {
  const { clock = { now: Date.now }, hasOwnState = false, wrap = (runner) => runner } = options;
  const dataDir = `${bed.dataDir}/rival`;
  await Deno.mkdir(dataDir, { recursive: true });
  const state: State = hasOwnState
    ? await openState({ url: `file:${dataDir}/state.db`, authToken: null, dataDir })
    : bed.state;
  const permissions = pipelinePermissions({
    catalogType: "hadoop",
    warehouse: `${bed.dataDir}/warehouse`,
    storageRoots: [],
  });
  const pool = createPipelinePool({
    memoryBytes: 512 * 1024 * 1024,
    permissions,
    loadModules: loadWasmModules,
    onCrash: (isolate, reason) => lines.push(`${isolate} lost: ${reason}`),
  });
  const hub = new PipelineHub();
  const lines: string[] = [];
  const pipelines = await createPipelines({
    state,
    withCatalog: (fn) => fn(bed.catalog),
    catalog: () => bed.config,
    runner: wrap(pool),
    hub,
    clock,
    log: createLog({ level: "debug", sink: (line) => lines.push(line) }),
    instance: crypto.randomUUID(),
    checkpointRoots: [bed.dataDir],
    maxPipelines: 10,
    cores: 2,
    dataDir,
  });
  return {
    pipelines,
    hub,
    lines,
    async [Symbol.asyncDispose]() {
      await pipelines.close();
      pool.close();
      if (hasOwnState) await state.close();
    },
  };
}

/** A moment that a test waits for, and then lets go by. */
export class Gate {
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();

  /** Resolves when somebody stands before it. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Stands before it until it is opened. */
  async pass(): Promise<void> {
    this.#reached.resolve();
    await this.#opened.promise;
  }

  open(): void {
    this.#opened.resolve();
  }
}

/** Waits until the sink has read so many rows, each of which is there once. */
export async function checkRows(
  bed: PipelineBed,
  { id, rows, hub }: {
    readonly id: string;
    readonly rows: number;
    readonly hub: PipelineBed["hub"];
  },
): Promise<PipelineMetrics> {
  const isThere = (m: PipelineMetrics) => m.status === "idle" && m.rows_processed === rows;
  const metrics = await untilOf(hub)(id, isThere);
  assert.deepEqual(await bed.ids("db.sink"), numbers(rows));
  return metrics;
}

/** Waits until the first server runs nothing any more, and has left nothing. */
export async function untilLeft(bed: PipelineBed): Promise<void> {
  await until(() => Promise.resolve(bed.pipelines.running() === 0));
  await until(async () => (await orphansOf(bed)).length === 0);
}

/** Data files of the sink that no snapshot of its leads to. */
async function orphansOf(bed: PipelineBed): Promise<readonly string[]> {
  const { metadata } = await storeOf(bed.catalog, await bed.catalog.locate("db.sink")).load();
  const lists = metadata.snapshots.map((one) => one.manifestList ?? "");
  const names = await Array.fromAsync(Deno.readDir(`${bed.dataDir}/warehouse/db/sink/data`));
  const isUsed = (name: string) => lists.some((list) => list.includes(name.slice(6, 42)));
  return names.map(({ name }) => name).filter((name) => !isUsed(name));
}

/** Looks again and again until it holds; what takes too long is an error. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!await holds()) {
    assert(performance.now() < giveUpAt, String(holds));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
