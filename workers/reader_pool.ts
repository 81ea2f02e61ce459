/**
 * The main isolate's `TableReader`: two lanes of reader isolates, so that a fold over many
 * manifests does not stand before an answer that needs only the metadata document.
 */
import { AppError } from "../lib/errors.ts";
import type { TableLocation } from "../lib/catalog/mod.ts";
import { formatIdentifier } from "../lib/iceberg/ports.ts";
import type { ReadCall, TableReader } from "../lib/tables/contract/mod.ts";
import type { ParamsOf, ResultOf } from "./protocol.ts";
import { readerMethods } from "./reader_methods.ts";
import { WorkerClient } from "./worker_client.ts";

type Methods = typeof readerMethods;
type Client = WorkerClient<Methods>;

/** Options of {@linkcode createReaderPool}. */
export interface ReaderPoolOptions {
  /** Isolates in all, at least 1; with more than one the first serves only short answers. */
  readonly isolates: number;
  /** Budget of all caches together, in bytes. */
  readonly cacheBytes: number;
  /** What the isolates may touch. */
  readonly permissions: Deno.PermissionOptionsObject;
  readonly deadlineMs: number;
  readonly onCrash: (isolate: string, reason: string) => void;
}

/** Cache figures of one isolate. */
export interface ReaderStats extends ResultOf<Methods, "cacheStats"> {
  readonly isolate: string;
}

/** A `TableReader` over isolates. */
export interface ReaderPool extends TableReader {
  /** Starts all isolates ahead of the first call. */
  warm(): void;
  stats(): Promise<readonly ReaderStats[]>;
  close(): void;
}

/** Starts no isolate yet: the first call, or `warm`, does. */
export function createReaderPool(options: ReaderPoolOptions): ReaderPool {
  const clients = Array.from({ length: options.isolates }, (_, i) => createClient(options, i));
  const short = clients.slice(0, 1);
  const long = clients.length > 1 ? clients.slice(1) : short;

  async function call<K extends keyof Methods & string>(
    lane: readonly Client[],
    method: K,
    params: ParamsOf<Methods, K> & { location: TableLocation },
    { signal }: ReadCall = {},
  ): Promise<ResultOf<Methods, K>> {
    const client = pickByTable(lane, params.location);
    const callOptions = { deadlineMs: options.deadlineMs, ...(signal ? { signal } : {}) };
    try {
      return await client.call(method, params, callOptions);
    } catch (error) {
      // A neighbour took the isolate down. Reads are idempotent: try once more on the new one.
      const lost = error instanceof AppError && error.code === "isolate_lost";
      if (!lost || signal?.aborted) throw error;
      return await client.call(method, params, callOptions);
    }
  }

  return {
    schema: (location, read) => call(short, "schema", { location }, read),
    snapshots: (location, page, read) => call(short, "snapshots", { location, ...page }, read),
    refs: (location, page, read) => call(short, "refs", { location, ...page }, read),
    files: (location, query, read) => call(long, "files", { location, ...query }, read),
    health: (location, { pins = [], ...read } = {}) =>
      call(long, "health", { location, pins: [...pins] }, read),
    warm: () => clients.forEach((client) => client.start()),
    async stats() {
      return await Promise.all(clients.map(async (client, i) => ({
        isolate: isolateName(i),
        ...await client.call("cacheStats", {}, { deadlineMs: options.deadlineMs }),
      })));
    },
    close: () => clients.forEach((client) => client.close()),
  };
}

function createClient(options: ReaderPoolOptions, index: number): Client {
  const name = isolateName(index);
  const url = new URL("./reader.worker.ts", import.meta.url);
  // The setup travels in the name: it is there before the first message, also after a restart.
  const setup = { cacheBytes: Math.floor(options.cacheBytes / options.isolates) };
  return new WorkerClient({
    name,
    methods: readerMethods,
    spawn: () =>
      new Worker(url, {
        type: "module",
        name: JSON.stringify(setup),
        deno: { permissions: options.permissions },
      }),
    onCrash: (reason) => options.onCrash(name, reason),
  });
}

function isolateName(index: number): string {
  return `reader-${index}`;
}

/** The same table always meets the same isolate, where its metadata is cached. */
function pickByTable(lane: readonly Client[], location: TableLocation): Client {
  let hash = 0;
  for (const char of formatIdentifier(location.identifier)) {
    hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  }
  const client = lane[hash % lane.length];
  if (client === undefined) throw new RangeError("Cannot read tables with 0 isolates");
  return client;
}
