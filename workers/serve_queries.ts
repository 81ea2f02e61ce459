/** Turns a worker isolate into a query isolate. */
import { DuckDb } from "../lib/columnar/duckdb/mod.ts";
import { initParquet, wasmMemoryBytes } from "../lib/columnar/parquet/mod.ts";
import { AppError } from "../lib/errors.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { answerQuery, CachedTables } from "../lib/tables/query/mod.ts";
import { asker } from "./_asking.ts";
import { MemoryWatch } from "./_memory_watch.ts";
import { queryMethods, type QueryModules, queryQuestions, QuerySetup } from "./query_methods.ts";
import { type HostedCall, serveWorker, workerScope } from "./worker_host.ts";
import type { ParamsOf } from "./protocol.ts";

/** Serves the isolate that started this one. */
export function serveQueries(): void {
  const scope = workerScope();
  // The setup travels in the name: it is there before the first message, also after a restart.
  const host = new QueryHost(QuerySetup.parse(JSON.parse(scope.name)));
  serveWorker(scope, queryMethods, {
    prepare: async ({ modules }) => {
      await host.prepare(modules);
      return null;
    },
    run: async (params, call) => {
      await host.run(params, call);
      return null;
    },
    renew: () => Promise.resolve(host.renew()),
  });
}

class QueryHost {
  readonly #setup: QuerySetup;
  readonly #memory: MemoryWatch;
  readonly #tables: CachedTables;
  #db: DuckDb | null = null;

  constructor(setup: QuerySetup) {
    this.#setup = setup;
    this.#tables = new CachedTables({ openStorage, cacheBytes: setup.cacheBytes });
    this.#memory = new MemoryWatch({
      budgetBytes: setup.memoryBytes,
      wasmBytes: () => wasmMemoryBytes() + (this.#db?.heapBytes ?? 0),
      tooMuch: queryOutOfMemory,
    });
  }

  async prepare({ parquet, duckdb }: QueryModules): Promise<void> {
    const { memoryBytes } = this.#setup;
    initParquet(parquet);
    this.#db ??= await DuckDb.open({ module: duckdb, memoryBytes });
  }

  async run(
    { query, deadlineMs }: ParamsOf<typeof queryMethods, "run">,
    call: HostedCall,
  ): Promise<void> {
    const db = this.#db;
    if (db === null) throw new TypeError("Cannot run a query before prepare");
    const ask = asker(queryQuestions, call);
    const controller = new AbortController();
    const signal = AbortSignal.any([call.signal, controller.signal]);
    const stopWatching = this.#memory.guard(controller);
    db.endWithin(deadlineMs);
    try {
      const pieces = answerQuery(query, { db, cachedTables: this.#tables, signal });
      for await (const bytes of pieces) await ask("rows", { bytes }, signal);
    } finally {
      stopWatching();
    }
  }

  renew() {
    const db = this.#db;
    if (db === null) throw new TypeError("Cannot renew what was not prepared");
    db.endWithin(Infinity);
    if (!db.trapped) db.reset();
    const { heapBytes, outsideBytes } = this.#memory.measure();
    return { broken: db.trapped, memoryBytes: heapBytes + outsideBytes };
  }
}

function queryOutOfMemory(): AppError {
  const message = "Cannot go on with the query: its isolate has no more memory. Select fewer " +
    "columns, or filter more";
  return new AppError("too_large", "query_too_large", message);
}
