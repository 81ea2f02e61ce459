/** One query isolate, seen from outside: fresh for each query, and replaced when it has gone bad. */
import type { QueryParams } from "../lib/tables/contract/mod.ts";
import { queryMethods, type QueryModules, type QuerySetup } from "./query_methods.ts";
import { type WorkerCallOptions, WorkerClient } from "./worker_client.ts";

/** Queries after which an isolate is replaced: code that runs for months gathers what nobody foresaw. */
export const MAX_QUERIES_PER_ISOLATE = 1_000;
/** Part of the memory for a query that an isolate may keep afterwards: WebAssembly gives none back. */
const KEPT_SHARE = 0.75;
/** Time to boot the engine. */
const PREPARE_MS = 60_000;
/** Time to throw a database away. */
const RENEW_MS = 10_000;

/** Options of {@linkcode QueryIsolate}. */
export interface QueryIsolateOptions {
  readonly name: string;
  readonly setup: QuerySetup;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly loadModules: () => Promise<QueryModules>;
  readonly onCrash: (reason: string) => void;
}

/** See the top of this file. */
export class QueryIsolate {
  readonly #options: QueryIsolateOptions;
  readonly #client: WorkerClient<typeof queryMethods>;
  #queries = 0;
  #isReady = false;

  constructor(options: QueryIsolateOptions) {
    const { name, setup, permissions, onCrash } = options;
    this.#options = options;
    this.#client = new WorkerClient({
      name,
      methods: queryMethods,
      // The setup travels in the name: it is there before the first message, also after a restart.
      spawn: () =>
        new Worker(new URL("./query.worker.ts", import.meta.url), {
          type: "module",
          name: JSON.stringify(setup),
          deno: { permissions },
        }),
      onCrash: (reason) => {
        this.#isReady = false;
        onCrash(reason);
      },
    });
  }

  /** Boots the engine, if it does not run yet. */
  async prepare(): Promise<void> {
    if (this.#isReady) return;
    const modules = await this.#options.loadModules();
    await this.#client.call("prepare", { modules }, { deadlineMs: PREPARE_MS });
    this.#isReady = true;
    this.#queries = 0;
  }

  async run(query: QueryParams, options: WorkerCallOptions): Promise<void> {
    await this.prepare();
    this.#queries++;
    await this.#client.call("run", { query, deadlineMs: options.deadlineMs }, options);
  }

  /** Makes it as good as new: nothing of one query is there when the next one begins. */
  async renew(): Promise<void> {
    if (this.#isReady) {
      const { broken, memoryBytes } = await this.#client.call("renew", {}, {
        deadlineMs: RENEW_MS,
      });
      const isFull = memoryBytes > this.#options.setup.memoryBytes * KEPT_SHARE;
      if (broken || isFull || this.#queries >= MAX_QUERIES_PER_ISOLATE) this.#replace();
    }
    await this.prepare();
  }

  close(): void {
    this.#client.close();
  }

  #replace(): void {
    this.#isReady = false;
    this.#client.recycle();
  }
}
