/**
 * Pipelines in this process: the verbs over a real state, a real hadoop catalog and real isolates,
 * so that a test can be in the way of any of them.
 */
import { LOCAL_PRINCIPAL } from "../../lib/access/mod.ts";
import { type Catalog, openCatalog } from "../../lib/catalog/mod.ts";
import { createLog } from "../../lib/log.ts";
import {
  createPipelines,
  PipelineHub,
  type PipelineMetrics,
  type Pipelines,
  type PipelinesDeps,
  StartPipelineRequest,
  type TickRunner,
} from "../../lib/pipelines/mod.ts";
import { fastAppend } from "../../lib/iceberg/commit/snapshot/fast_append.ts";
import { currentSchema, defaultSpec } from "../../lib/iceberg/spec/table_metadata.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import { DataFileWriter } from "../../lib/columnar/mod.ts";
import { loadWasmModules } from "../../lib/columnar/wasm/mod.ts";
import type { IcebergValue } from "../../lib/iceberg/spec/types.ts";
import { openState, type State } from "../../lib/state/mod.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { createPipelinePool, type PipelinePool } from "../../workers/pipeline_pool.ts";
import { pipelinePermissions } from "../../workers/reader_permissions.ts";
import { readyParquet } from "./parquet_module.ts";
import { readRows } from "./read_table.ts";
import { batchOfRows } from "./rows.ts";
import { commitOne, definitionOf, storeOf } from "./writable_tables.ts";

/** Bytes that one pipeline may hold. */
const MEMORY_BYTES = 512 * 1024 * 1024;
const PATIENCE_MS = 60_000;

/** Parts of the verbs that a test replaces. */
export type PipelineBedOptions =
  & Partial<
    Pick<PipelinesDeps, "maxPipelines" | "clock" | "cores">
  >
  & {
    /** Stands between the verbs and the isolates. */
    readonly wrap?: (pool: PipelinePool) => TickRunner;
    /** How long isolates are kept that have nothing to do. */
    readonly parkAfterMs?: number;
    /** Stands between the verbs and the catalog. */
    readonly wrapCatalog?: (catalog: Catalog) => Catalog;
  };

/** What a test finds. */
export type PipelineBed = Awaited<ReturnType<typeof openBed>>;

/** Runs a test over a folder of its own. */
export async function withPipelineBed(
  test: (bed: PipelineBed) => Promise<void>,
  options: PipelineBedOptions = {},
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-pipelines-" });
  const bed = await openBed(dataDir, options);
  try {
    await test(bed);
  } finally {
    await bed.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function openBed(
  dataDir: string,
  { wrap, wrapCatalog, parkAfterMs = 30_000, ...more }: PipelineBedOptions,
) {
  await readyParquet();
  const warehouse = `${dataDir}/warehouse`;
  await Deno.mkdir(warehouse);
  const state: State = await openState({
    url: `file:${dataDir}/state.db`,
    authToken: null,
    dataDir,
  });
  const config = { type: "hadoop", name: "drls", warehouse, uri: null, extraProps: {} } as const;
  const catalog: Catalog = openCatalog(config, { dataDir, storageRoots: [] });
  const lines: string[] = [];
  const pool = poolOver(warehouse, { parkAfterMs, lines });
  const hub = new PipelineHub();
  const pipelines: Pipelines = await createPipelines({
    state,
    withCatalog: (fn) => fn(wrapCatalog?.(catalog) ?? catalog),
    catalog: () => config,
    runner: wrap?.(pool) ?? pool,
    hub,
    clock: { now: Date.now },
    log: createLog({ level: "debug", sink: (line) => lines.push(line) }),
    instance: crypto.randomUUID(),
    checkpointRoots: [dataDir],
    maxPipelines: 10,
    cores: 2,
    dataDir,
    ...more,
  });
  const { signal } = new AbortController();
  const ctx = { principal: LOCAL_PRINCIPAL, requestId: "test", signal, agent: null };
  return {
    dataDir,
    state,
    config,
    catalog,
    pool,
    hub,
    pipelines,
    lines,
    ctx,
    ...tablesOf(catalog),
    until: untilOf(hub),
    /** Starts one from `db.source` to `db.sink`. */
    start: (request: Readonly<Record<string, unknown>> = {}) =>
      pipelines.start(
        ctx,
        StartPipelineRequest.parse({
          source_table: "db.source",
          sink_table: "db.sink",
          checkpoint_location: `${dataDir}/checkpoint`,
          ...request,
        }),
        null,
      ),
    async close(): Promise<void> {
      await pipelines.close();
      pool.close();
      await catalog.close();
      await state.close();
    },
  };
}

/** Real isolates; those that are lost are in the log. */
function poolOver(
  warehouse: string,
  { parkAfterMs, lines }: { readonly parkAfterMs: number; readonly lines: string[] },
): PipelinePool {
  return createPipelinePool({
    memoryBytes: MEMORY_BYTES,
    permissions: pipelinePermissions({ catalogType: "hadoop", warehouse, storageRoots: [] }),
    loadModules: loadWasmModules,
    onCrash: (isolate, reason) => lines.push(`${isolate} lost: ${reason}`),
    parkAfterMs,
  });
}

/** Tables past the verbs, as other writers and readers have them. */
function tablesOf(catalog: Catalog) {
  return {
    /** `{id long, name string}`. */
    createTable: (name: string) => catalog.createTable(definitionOf(name)),
    /** One snapshot of rows with these ids. */
    async append(table: string, ids: readonly number[]): Promise<void> {
      const files = await writeFiles(catalog, { table, ids });
      await commitOne(storeOf(catalog, await catalog.locate(table)), fastAppend({ files }));
    },
    /** The ids of a table's rows, sorted. */
    async ids(table: string): Promise<readonly number[]> {
      const { metadata, io } = await storeOf(catalog, await catalog.locate(table)).load();
      const { rows } = await readRows(io, metadata);
      return rows.map(([id]) => Number(id)).toSorted((a, b) => a - b);
    },
  };
}

/** Files of rows with these ids, that some commit is to add. */
export async function writeFiles(
  catalog: Catalog,
  { table, ids }: { readonly table: string; readonly ids: readonly number[] },
): Promise<readonly DataFile[]> {
  const { metadata, io } = await storeOf(catalog, await catalog.locate(table)).load();
  const schema = currentSchema(metadata);
  const writer = new DataFileWriter({
    io,
    metadata,
    schema,
    spec: defaultSpec(metadata),
    operationId: uuidV7(Date.now()),
  });
  const rows = ids.map((id): IcebergValue[] => [BigInt(id), `row ${id}`]);
  await writer.write(batchOfRows(schema.fields, rows));
  return await writer.finish();
}

/** Waits for figures of a pipeline that are as wanted. */
export function untilOf(hub: PipelineHub) {
  return (id: string, holds: (metrics: PipelineMetrics) => boolean): Promise<PipelineMetrics> => {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`Never came true: ${holds} ${JSON.stringify(hub.latest(id))}`));
      }, PATIENCE_MS);
      const look = () => {
        const found = watch?.take().find(holds);
        if (found === undefined) return;
        clearTimeout(timer);
        watch?.end();
        resolve(found);
      };
      // Told for the first time before it returns.
      let watch: ReturnType<PipelineHub["watch"]> | null = null;
      watch = hub.watch({ onNews: () => look() }, { pipelineId: id, sinceMs: null });
      look();
    });
  };
}
