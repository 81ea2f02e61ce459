/**
 * The isolates of the server: those that read tables, those that change them, those that run
 * queries, and one for each pipeline. They may touch what the configured catalog needs, and no more.
 */
import { loadWasmModule, loadWasmModules } from "../lib/columnar/wasm/mod.ts";
import type { Settings } from "../lib/settings.ts";
import { createCurrentJobs, type CurrentJobs } from "./current_jobs.ts";
import { createCurrentQueries, type CurrentQueries } from "./current_queries.ts";
import { createCurrentReader, type CurrentReader } from "./current_reader.ts";
import { createPipelinePool, type PipelinePool } from "./pipeline_pool.ts";
import { createQueryPool } from "./query_pool.ts";
import {
  pipelinePermissions,
  queryPermissions,
  type ReadablePlaces,
  readerPermissions,
  tablePermissions,
} from "./reader_permissions.ts";
import { createReaderPool } from "./reader_pool.ts";
import { createTablePool } from "./table_pool.ts";

/** Part of the memory for metadata that query isolates have; readers answer for more tables. */
const QUERY_CACHE_SHARE = 0.25;

/** Options of {@linkcode createIsolates}. */
export interface IsolatesOptions {
  readonly settings: Pick<
    Settings,
    | "readerIsolates"
    | "metadataCacheBytes"
    | "requestTimeoutMs"
    | "tableIsolates"
    | "jobMemoryBytes"
    | "queryIsolates"
    | "queryMemoryBytes"
    | "pipelineMemoryBytes"
  >;
  /** Where the tables of the configured catalog lie. */
  readonly places: ReadablePlaces;
  readonly onCrash: (isolate: string, reason: string) => void;
}

/** All pools. */
export interface Isolates {
  readonly reader: CurrentReader;
  readonly jobs: CurrentJobs;
  readonly queries: CurrentQueries;
  readonly pipelines: PipelinePool;
  /** Goes on with isolates for other places; what runs ends in the old ones. */
  permit(places: ReadablePlaces): void;
  /**
   * Does ahead what the first calls would wait for. Not for queries: each of their isolates holds an
   * engine of some 170 MB, and a server that is asked none should not; the first waits a second more.
   */
  warm(): void;
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Starts no isolate yet: the first call, or `warm`, does. */
export function createIsolates({ settings, places, onCrash }: IsolatesOptions): Isolates {
  const reader = createCurrentReader((permissions) =>
    createReaderPool({
      isolates: settings.readerIsolates,
      cacheBytes: settings.metadataCacheBytes * (1 - QUERY_CACHE_SHARE),
      permissions,
      deadlineMs: settings.requestTimeoutMs,
      onCrash,
    }), readerPermissions(places));
  const jobs = createCurrentJobs((permissions) =>
    createTablePool({
      isolates: settings.tableIsolates,
      memoryBytes: settings.jobMemoryBytes,
      permissions,
      loadModules: async () => ({ parquet: await loadWasmModule("parquet") }),
      onCrash,
    }), tablePermissions(places));
  const queries = createCurrentQueries((permissions) =>
    createQueryPool({
      isolates: settings.queryIsolates,
      memoryBytes: settings.queryMemoryBytes,
      cacheBytes: settings.metadataCacheBytes * QUERY_CACHE_SHARE,
      permissions,
      loadModules: loadWasmModules,
      onCrash,
    }), queryPermissions(places));
  const pipelines = createPipelinePool({
    memoryBytes: settings.pipelineMemoryBytes,
    permissions: pipelinePermissions(places),
    loadModules: loadWasmModules,
    onCrash,
    helpers: { lender: jobs.lender, isolates: settings.tableIsolates },
  });
  return {
    reader,
    jobs,
    queries,
    pipelines,
    permit(next) {
      reader.permit(readerPermissions(next));
      jobs.permit(tablePermissions(next));
      queries.permit(queryPermissions(next));
      pipelines.permit(pipelinePermissions(next));
    },
    warm() {
      reader.warm();
      jobs.warm().catch((error: unknown) => onCrash("table", String(error)));
    },
    close() {
      pipelines.close();
      queries.close();
      jobs.close();
      reader.close();
    },
  };
}
