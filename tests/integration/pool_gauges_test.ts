/** What `/metrics` says of the pools of isolates, over real ones. */
import assert from "node:assert/strict";
import type { CatalogGateway } from "../../lib/catalog/mod.ts";
import { loadWasmModule, loadWasmModules } from "../../lib/columnar/wasm/mod.ts";
import type { RunJobOptions } from "../../lib/jobs/mod.ts";
import { createMetrics } from "../../lib/metrics.ts";
import type { QueryParams } from "../../lib/tables/contract/mod.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { createCurrentJobs } from "../../workers/current_jobs.ts";
import { createCurrentQueries } from "../../workers/current_queries.ts";
import { poolGauges } from "../../workers/pool_gauges.ts";
import { createQueryPool } from "../../workers/query_pool.ts";
import { queryPermissions } from "../../workers/reader_permissions.ts";
import { createTablePool } from "../../workers/table_pool.ts";
import { crashJob, waitJob } from "../support/jobs.ts";
import { rejectsWith } from "../support/rejects.ts";
import { startServer } from "../support/server_process.ts";

const MEMORY_BYTES = 128 * 1024 * 1024;
const PLACES = { catalogType: null, warehouse: null, storageRoots: [] } as const;
const WORKER = new URL("../support/jobs.worker.ts", import.meta.url);
const DEADLINE_MS = 60_000;

function openPools() {
  const jobs = createCurrentJobs((permissions) =>
    createTablePool({
      isolates: 1,
      memoryBytes: MEMORY_BYTES,
      permissions,
      loadModules: async () => ({ parquet: await loadWasmModule("parquet") }),
      onCrash: () => {},
      worker: WORKER,
    }), { read: false });
  const queries = createCurrentQueries((permissions) =>
    createQueryPool({
      isolates: 1,
      memoryBytes: MEMORY_BYTES,
      cacheBytes: 0,
      permissions,
      loadModules: loadWasmModules,
      onCrash: () => {},
    }), queryPermissions(PLACES));
  const metrics = createMetrics();
  for (const gauge of poolGauges({ jobs, queries })) metrics.addGauge(gauge);
  const figures = async (names: RegExp) => {
    const { text } = await metrics.render();
    const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return samples.filter((line) => names.test(line)).toSorted();
  };
  const close = () => {
    queries.close();
    jobs.close();
  };
  return { jobs, queries, figures, close };
}

function params(sql: string): QueryParams {
  return { sql, format: "csv", rowLimit: null, nowMs: 0, tables: [] };
}

function options(signal: AbortSignal): RunJobOptions {
  return { operationId: uuidV7(Date.now()), signal, gateway: {} as CatalogGateway };
}

Deno.test("gauges count queries that run and wait, in isolates that are being exchanged too", async () => {
  const { queries, figures, close } = openPools();
  const { signal } = new AbortController();
  const run = (sql: string) => queries.run(params(sql), { signal, deadlineMs: DEADLINE_MS });
  try {
    await queries.warm();
    // Its first bytes are here, and more than anybody takes will follow.
    const endless = await run("SELECT range AS i FROM range(1000000000)");
    const next = run("SELECT 1 AS a");
    const busy = [
      "drls_queries_running 1",
      "drls_queries_waiting 1",
      "drls_query_isolates_lost 0",
    ];
    assert.deepEqual(await figures(/quer/), busy);
    queries.permit(queryPermissions({ ...PLACES, warehouse: "s3://elsewhere/warehouse" }));
    assert.deepEqual(await figures(/quer/), busy);
    await endless.cancel();
    assert.equal(await new Response(await next).text(), "a\r\n1\r\n");
  } finally {
    close();
  }
});

Deno.test("gauges count jobs that run and wait, and isolates that were lost", async () => {
  const { jobs, figures, close } = openPools();
  const leaving = new AbortController();
  try {
    await jobs.warm();
    const crashing = jobs.run(crashJob, {}, options(new AbortController().signal));
    await rejectsWith(crashing, { kind: "unavailable", code: "isolate_lost" });
    const running = [1, 2, 3].map(() => jobs.run(waitJob, {}, options(leaving.signal)));
    // A free isolate is taken within this turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(await figures(/job/), [
      "drls_job_isolates_lost 1",
      "drls_job_isolates_stuck 0",
      "drls_jobs_running 1",
      "drls_jobs_waiting 2",
    ]);
    leaving.abort();
    for (const { status } of await Promise.allSettled(running)) assert.equal(status, "rejected");
  } finally {
    close();
  }
});

Deno.test("the server shows the figures of its pools", async () => {
  const server = await startServer({ env: {} });
  try {
    const headers = { authorization: `Bearer ${server.token}` };
    const text = await (await fetch(`${server.url}/metrics`, { headers })).text();
    for (const { name } of poolGauges(openPools())) {
      assert.match(text, new RegExp(`^${name} \\d+$`, "m"));
    }
  } finally {
    await server.dispose();
  }
});
