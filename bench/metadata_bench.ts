/**
 * What reading metadata costs, beside PyIceberg doing the same on the same files in the same run:
 * listing 10,000 tables; schema and health of a table with 100,000 data files in 1,000 manifests,
 * cold and warm; what other requests wait meanwhile; how much memory it takes.
 *
 * `deno task bench metadata` (PyIceberg from `tests/conformance/peers/install.sh`)
 */
import { join } from "node:path";
import { linkTable, writeLargeTable, writeManyTables } from "./support/large_warehouse.ts";
import { type BenchServer, startServer } from "./support/server.ts";
import { median, milliseconds, percentile } from "./support/statistics.ts";

const TABLES = 10_000;
const LARGE = { manifests: 1_000, filesPerManifest: 100, columns: 16, snapshots: 100 };
const COLD_RUNS = 5;
const WARM_RUNS = 200;
/** Copies of the large table that are folded, cold, while other requests are timed. */
const BACKGROUND_FOLDS = 8;
const PROBE_INTERVAL_MS = 5;
const CACHE_BYTES = 256 * 1024 ** 2;
const PYTHON = ".cache/peers/pyiceberg/bin/python";

/** What PyIceberg prints. */
interface PeerResult {
  readonly schema_seconds: readonly number[];
  readonly health_seconds: readonly number[];
  readonly figures: { readonly data_file_count: number; readonly total_size_bytes: number };
}

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-bench-" });
  try {
    const warehouse = join(folder, "large");
    const metadata = await writeLargeTable(join(warehouse, "db", "events"), LARGE);
    for (let i = 0; i < BACKGROUND_FOLDS; i++) {
      await linkTable(join(warehouse, "db", "events"), join(warehouse, "copies", `events_${i}`));
    }
    await writeManyTables(join(warehouse, "small"), 100);
    await measureColdAndWarm(warehouse, metadata);
    await measureInterference(warehouse);
    const many = join(folder, "many");
    await writeManyTables(many, TABLES);
    await measureListing(many);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measureColdAndWarm(warehouse: string, metadata: string): Promise<void> {
  const schema: number[] = [];
  const health: number[] = [];
  const warmSchema: number[] = [];
  const warmHealth: number[] = [];
  for (let run = 0; run < COLD_RUNS; run++) {
    await using server = await startServer({ warehouse, cacheBytes: CACHE_BYTES });
    // Starts the isolates: what is cold below is the table, not the server.
    await server.get("/api/table/small.ns_0.table_0/schema");
    await server.get("/api/table/small.ns_0.table_0/health");
    schema.push(await server.time("/api/table/db.events/schema"));
    health.push(await server.time("/api/table/db.events/health"));
    if (run > 0) continue;
    for (let i = 0; i < WARM_RUNS; i++) {
      warmSchema.push(await server.time("/api/table/db.events/schema"));
      warmHealth.push(await server.time("/api/table/db.events/health"));
    }
    const report = await server.get("/api/table/db.events/health");
    console.log(
      `files reported: ${report["data_file_count"]}, ${report["total_size_bytes"]} bytes`,
    );
    console.log(`resident after one fold: ${await server.residentMiB()} MiB`);
  }
  console.log(
    `schema  cold ${milliseconds(median(schema))}  warm p50 ` +
      `${milliseconds(median(warmSchema))} p99 ${milliseconds(percentile(warmSchema, 99))}`,
  );
  console.log(
    `health  cold ${milliseconds(median(health))}  warm p50 ` +
      `${milliseconds(median(warmHealth))} p99 ${milliseconds(percentile(warmHealth, 99))}`,
  );
  await comparePeer(metadata, { schema: median(schema), health: median(health) });
}

async function comparePeer(
  metadata: string,
  ours: { readonly schema: number; readonly health: number },
): Promise<void> {
  const schema: number[] = [];
  const health: number[] = [];
  for (let run = 0; run < COLD_RUNS; run++) {
    const peer = await runPeer(metadata);
    if (peer === null) return;
    schema.push(...peer.schema_seconds.map((seconds) => seconds * 1000));
    health.push(...peer.health_seconds.map((seconds) => seconds * 1000));
    if (run > 0) continue;
    const { data_file_count, total_size_bytes } = peer.figures;
    console.log(`files PyIceberg found: ${data_file_count}, ${total_size_bytes} bytes`);
  }
  console.log(
    `PyIceberg schema, first in its process, imports excluded: ` +
      `${milliseconds(median(schema))} = ${(median(schema) / ours.schema).toFixed(1)} x drls`,
  );
  console.log(
    `PyIceberg health figures from manifests: ` +
      `${milliseconds(median(health))} = ${(median(health) / ours.health).toFixed(1)} x drls`,
  );
}

async function runPeer(metadata: string): Promise<PeerResult | null> {
  try {
    const script = "bench/peers/pyiceberg_metadata.py";
    const { stdout } = await new Deno.Command(PYTHON, { args: [script, metadata, "1"] }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`PyIceberg is not installed at ${PYTHON}: no comparison`);
    return null;
  }
}

/** Times small requests every few milliseconds while large tables are folded, one after another. */
async function measureInterference(warehouse: string): Promise<void> {
  await using server = await startServer({ warehouse, cacheBytes: CACHE_BYTES });
  for (let i = 0; i < 100; i++) await server.get(`/api/table/small.ns_0.table_${i}/schema`);
  await server.get("/api/table/small.ns_0.table_0/health");
  const waits: number[] = [];
  let folding = true;
  const probing = (async () => {
    for (let i = 0; folding; i = (i + 1) % 100) {
      const path = i % 2 === 0 ? "/api/health" : `/api/table/small.ns_0.table_${i}/schema`;
      waits.push(await server.time(path));
      await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS));
    }
  })();
  for (let i = 0; i < BACKGROUND_FOLDS; i++) {
    await server.get(`/api/table/copies.events_${i}/health`);
  }
  folding = false;
  await probing;
  console.log(
    `other requests during ${BACKGROUND_FOLDS} cold folds: p50 ` +
      `${milliseconds(median(waits))} p99 ${milliseconds(percentile(waits, 99))} max ` +
      `${milliseconds(Math.max(...waits))} (${waits.length} requests)`,
  );
  console.log(
    `resident after ${BACKGROUND_FOLDS} folds: ${await server.residentMiB()} MiB, ` +
      `cache budget ${CACHE_BYTES / 1024 ** 2} MiB`,
  );
}

async function measureListing(warehouse: string): Promise<void> {
  await using server: BenchServer = await startServer({ warehouse, cacheBytes: CACHE_BYTES });
  const first = await server.time("/api/tables");
  const again: number[] = [];
  for (let i = 0; i < COLD_RUNS; i++) again.push(await server.time("/api/tables"));
  const { tables } = await server.get("/api/tables") as { tables: string[] };
  console.log(
    `hadoop catalog, ${tables.length} tables listed: first ${milliseconds(first)}, ` +
      `again ${milliseconds(median(again))}`,
  );
}

await main();
