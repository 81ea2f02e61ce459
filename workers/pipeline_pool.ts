/**
 * The main isolate's `TickRunner`: an isolate for each pipeline, started with its first tick and
 * ended when it is parked. It is a table pool of one, so that commits need leave and what lost
 * isolates left is looked after in the same way.
 */
import type { RunJobOptions } from "../lib/jobs/mod.ts";
import type { TickParams, TickResult, TickRunner } from "../lib/pipelines/mod.ts";
import { tickJob } from "../lib/pipelines/mod.ts";
import { sumOf } from "./_current_pool.ts";
import type { TableModules } from "./table_methods.ts";
import {
  createTablePool,
  type TablePool,
  type TablePoolOptions,
  type TablePoolStats,
} from "./table_pool.ts";

/** An idle pipeline lets go of its isolate after this time. */
const PARK_AFTER_MS = 30_000;

/** Options of {@linkcode createPipelinePool}. */
export interface PipelinePoolOptions {
  /** Bytes that one pipeline may hold. */
  readonly memoryBytes: number;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly loadModules: () => Promise<TableModules>;
  readonly onCrash: (isolate: string, reason: string) => void;
  /** Isolates that encode rows for pipelines when they have nothing else to do. */
  readonly helpers?: TablePoolOptions["helpers"];
  /** See `PARK_AFTER_MS`; tests have less time. */
  readonly parkAfterMs?: number;
}

/** A `TickRunner` over isolates. */
export interface PipelinePool extends TickRunner {
  /** Ticks from now on run in isolates of these permissions; those under way end in the old ones. */
  permit(permissions: Deno.PermissionOptionsObject): void;
  /** Isolates that are there, and what they do. */
  stats(): TablePoolStats & { readonly isolates: number };
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Starts no isolate yet. */
export function createPipelinePool(options: PipelinePoolOptions): PipelinePool {
  return new Pool(options);
}

/** One pipeline's isolate. */
interface Place {
  readonly pool: TablePool;
  running: number;
  /** Ends once nothing runs in it. */
  retired: boolean;
  /** Ends it when it has been idle for long. */
  parking: ReturnType<typeof setTimeout> | undefined;
}

class Pool implements PipelinePool {
  readonly #options: PipelinePoolOptions;
  readonly #places = new Map<string, Place>();
  /** Of isolates that are not there any more. */
  #gone = { lost: 0, stuck: 0 };
  #permissions: Deno.PermissionOptionsObject;

  constructor(options: PipelinePoolOptions) {
    this.#options = options;
    this.#permissions = options.permissions;
  }

  async run(
    pipelineId: string,
    params: TickParams,
    options: RunJobOptions,
  ): Promise<TickResult> {
    const place = this.#place(pipelineId);
    clearTimeout(place.parking);
    place.running++;
    try {
      return await place.pool.run(tickJob, params, options);
    } finally {
      place.running--;
      if (place.running === 0) this.#leave(pipelineId, place);
    }
  }

  park(pipelineId: string): void {
    const place = this.#places.get(pipelineId);
    if (place === undefined) return;
    this.#places.delete(pipelineId);
    place.retired = true;
    if (place.running === 0) this.#end(place);
  }

  permit(permissions: Deno.PermissionOptionsObject): void {
    if (JSON.stringify(permissions) === JSON.stringify(this.#permissions)) return;
    this.#permissions = permissions;
    for (const pipelineId of [...this.#places.keys()]) this.park(pipelineId);
  }

  stats() {
    const all = [...this.#places.values()].map(({ pool }) => pool.stats());
    return {
      isolates: all.length,
      running: sumOf(all, ({ running }) => running),
      waiting: sumOf(all, ({ waiting }) => waiting),
      lost: this.#gone.lost + sumOf(all, ({ lost }) => lost),
      stuck: this.#gone.stuck + sumOf(all, ({ stuck }) => stuck),
    };
  }

  close(): void {
    for (const place of this.#places.values()) {
      place.retired = true;
      clearTimeout(place.parking);
      place.pool.close();
    }
    this.#places.clear();
  }

  /** Nothing runs there any more. */
  #leave(pipelineId: string, place: Place): void {
    if (place.retired) return this.#end(place);
    const { parkAfterMs = PARK_AFTER_MS } = this.#options;
    place.parking = setTimeout(() => this.park(pipelineId), parkAfterMs);
  }

  #place(pipelineId: string): Place {
    const known = this.#places.get(pipelineId);
    if (known !== undefined) return known;
    const { memoryBytes, loadModules, onCrash, helpers } = this.#options;
    const pool = createTablePool({
      isolates: 1,
      name: `pipeline-${pipelineId}`,
      worker: new URL("./pipeline.worker.ts", import.meta.url),
      memoryBytes,
      permissions: this.#permissions,
      loadModules,
      onCrash,
      ...(helpers === undefined ? {} : { helpers }),
    });
    const place: Place = { pool, running: 0, retired: false, parking: undefined };
    this.#places.set(pipelineId, place);
    return place;
  }

  #end({ pool, parking }: Place): void {
    clearTimeout(parking);
    const { lost, stuck } = pool.stats();
    this.#gone = { lost: this.#gone.lost + lost, stuck: this.#gone.stuck + stuck };
    pool.close();
  }
}
