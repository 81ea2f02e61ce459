/**
 * What compaction costs, over HTTP on a warm server, beside native DuckDB and a warm Spark session on the
 * same files in the same run, by turns.
 *
 * `deno task bench compaction [-- part...]` with parts `small`, `tiny`, `sorted`, `large`, `isolates`;
 * all of them without one. Peers from `tests/conformance/peers/install.sh`.
 */
import { join } from "node:path";
import type { DataFile } from "../lib/iceberg/manifest/data_file.ts";
import { icebergJar, PeerScript } from "./support/peers.ts";
import { RowWarehouse } from "./support/row_warehouse.ts";
import { ORDERS, orders, VISITS, visits } from "./support/sample_rows.ts";
import { type BenchServer, startServer } from "./support/server.ts";
import { median, milliseconds, percentile } from "./support/statistics.ts";

const PARTS = ["small", "tiny", "sorted", "large", "isolates"] as const;
const RUNS = 5;
const MIB = 1024 ** 2;
/** 5 M rows. */
const SMALL = { files: 400, rows: 12_500 };
const TINY = { files: 8, rows: 200_000 };
/** 5.7 GB: files of 8.9 MB, of which each is there many times under names of its own. */
const LARGE = { files: 640, distinct: 8, rows: 40_000 };
/** `GET /api/tables`, 50 times a second. */
const PROBE_INTERVAL_MS = 20;
const SAMPLE_INTERVAL_MS = 250;

/** One measured run; seconds. */
interface Timing {
  readonly wall: number;
  readonly cpu: number;
}

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-bench-" });
  const chosen = Deno.args.length === 0 ? PARTS : PARTS.filter((one) => Deno.args.includes(one));
  try {
    for (const part of chosen) {
      console.log(`-- ${part}`);
      const warehouse = new RowWarehouse(join(folder, part));
      await Deno.mkdir(warehouse.folder, { recursive: true });
      if (part === "small") await measureSmall(warehouse);
      if (part === "tiny") await measureTiny(warehouse);
      if (part === "sorted") await measureSorted(warehouse);
      if (part === "large") await measureLarge(warehouse);
      if (part === "isolates") await measureIsolates(warehouse);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** (a), with what other requests wait meanwhile. */
async function measureSmall(warehouse: RowWarehouse): Promise<void> {
  const files = await smallFiles(warehouse, SMALL);
  const names = await tablesOf(warehouse, files, 2 * RUNS + 3);
  await using server = await startWarm(warehouse);
  await using duckdb = await PeerScript.start("duckdb", "duckdb_compaction.py", ["2"]);
  await using spark = await startSpark(warehouse);
  await compact(server, names.pop()!);
  await spark?.ask(rewrite(names.pop()!, ""));
  const waits: number[] = [];
  const ours: Timing[] = [];
  const duck: Timing[] = [];
  const sparks: Timing[] = [];
  for (let run = 0; run < RUNS; run++) {
    ours.push(await probing(server, waits, () => compact(server, names.pop()!)));
    if (duckdb !== null) {
      const into = join(warehouse.folder, `duckdb-${run}.parquet`);
      const task = { files: files.map(({ filePath }) => filePath), into, order_by: null };
      duck.push(timingOf(await duckdb.ask(task)));
    }
    if (spark !== null) sparks.push(timingOf(await spark.ask(rewrite(names.pop()!, ""))));
    const shown = [ours, duck, sparks].map((timings) => timings.at(-1)?.wall.toFixed(2) ?? "-");
    console.log(`run ${run + 1}: ${shown.join(", ")} s`);
  }
  show("drls", ours);
  show("DuckDB, 2 threads", duck, ours);
  show("Spark, local[2]", sparks, ours);
  console.log(
    `GET /api/tables meanwhile: p50 ${milliseconds(median(waits))} p99 ` +
      `${milliseconds(percentile(waits, 99))} (${waits.length} requests)`,
  );
  console.log(`peak resident: ${await server.peakResidentMiB()} MiB`);
}

/** (b) */
async function measureTiny(warehouse: RowWarehouse): Promise<void> {
  const names = await tablesOf(warehouse, await smallFiles(warehouse, TINY), RUNS + 1);
  await using server = await startWarm(warehouse);
  const options = { "min-input-files": 2 };
  await compact(server, names.pop()!, { options });
  const ours: Timing[] = [];
  for (const name of names) ours.push(await compact(server, name, { options }));
  show("drls", ours);
}

/** (d) */
async function measureSorted(warehouse: RowWarehouse): Promise<void> {
  const orders = { sort: "customer_id, placed_at", zorder: "zorder(customer_id, placed_at)" };
  const runs = 3;
  const names = await tablesOf(warehouse, await smallFiles(warehouse, SMALL), 4 * runs + 2);
  await using server = await startWarm(warehouse);
  await using spark = await startSpark(warehouse);
  for (const [strategy, sort_order] of Object.entries(orders)) {
    const ours: Timing[] = [];
    const sparks: Timing[] = [];
    const options = `, strategy => 'sort', sort_order => '${sort_order}'`;
    await spark?.ask(rewrite(names.pop()!, options));
    for (let run = 0; run < runs; run++) {
      ours.push(await compact(server, names.pop()!, { strategy, sort_order }));
      if (spark !== null) sparks.push(timingOf(await spark.ask(rewrite(names.pop()!, options))));
    }
    show(`drls, ${strategy}`, ours);
    show(`Spark, ${strategy}`, sparks, ours);
  }
  console.log(`peak resident: ${await server.peakResidentMiB()} MiB`);
}

/** (c): files so small that every row is encoded anew. */
async function measureLarge(warehouse: RowWarehouse): Promise<void> {
  const { files, distinct, rows } = LARGE;
  const written = await warehouse.writeFiles({
    schema: VISITS,
    files: distinct,
    rowsOf: (file) => visits(file, rows),
  });
  const all: DataFile[] = [];
  for (let copy = 0; copy < files / distinct; copy++) {
    for (const file of written) {
      const filePath = file.filePath.replace(/\.parquet$/, `-${copy}.parquet`);
      await Deno.copyFile(file.filePath, filePath);
      all.push({ ...file, filePath });
    }
  }
  await warehouse.createTable({ name: "db.visits", schema: VISITS, files: all });
  console.log(`${(bytesOf(all) / 1e9).toFixed(2)} GB in ${all.length} files`);
  await using server = await startWarm(warehouse);
  const samples: number[] = [];
  const waits: number[] = [];
  const timer = setInterval(
    async () => samples.push(await server.residentMiB()),
    SAMPLE_INTERVAL_MS,
  );
  const timing = await probing(server, waits, () => compact(server, "db.visits"));
  clearInterval(timer);
  show("drls", [timing]);
  console.log(
    `resident: peak ${await server.peakResidentMiB()} MiB, sampled p50 ${median(samples)} MiB`,
  );
  console.log(`GET /api/tables meanwhile: p99 ${milliseconds(percentile(waits, 99))}`);
}

/** (f) */
async function measureIsolates(warehouse: RowWarehouse): Promise<void> {
  const names = await tablesOf(warehouse, await smallFiles(warehouse, { files: 4, rows: 10 }), 12);
  const first: number[] = [];
  const warm: number[] = [];
  while (names.length > 0) {
    const start = performance.now();
    await using server = await startServer(settings(warehouse));
    const options = { "min-input-files": 2 };
    await compact(server, names.pop()!, { options });
    first.push(performance.now() - start);
    warm.push((await compact(server, names.pop()!, { options })).wall * 1000);
  }
  console.log(`process start to the first job done: ${milliseconds(median(first))}`);
  console.log(`the same job on the warm pool: ${milliseconds(median(warm))}`);
}

async function smallFiles(
  warehouse: RowWarehouse,
  { files, rows }: { readonly files: number; readonly rows: number },
): Promise<readonly DataFile[]> {
  const rowsOf = (file: number) => orders(file, rows);
  const written = await warehouse.writeFiles({ schema: ORDERS, files, rowsOf });
  const megabytes = (bytesOf(written) / 1e6).toFixed(1);
  console.log(`${megabytes} MB in ${files} files, ${files * rows} rows`);
  return written;
}

/** Names of as many tables of the same files. */
async function tablesOf(
  warehouse: RowWarehouse,
  files: readonly DataFile[],
  count: number,
): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `db.orders_${at}`);
  for (const name of names) await warehouse.createTable({ name, schema: ORDERS, files });
  return names;
}

function settings({ folder }: RowWarehouse) {
  return { warehouse: folder, cacheBytes: 64 * MIB };
}

/** A server whose isolates have started. */
async function startWarm(warehouse: RowWarehouse): Promise<BenchServer> {
  const server = await startServer(settings(warehouse));
  const { tables } = await server.get("/api/tables") as { tables: string[] };
  await server.post("/api/compact", { table: tables[0], dry_run: true });
  return server;
}

async function startSpark({ folder }: RowWarehouse): Promise<PeerScript | null> {
  return await PeerScript.start("spark", "spark_maintenance.py", [folder, icebergJar()]);
}

function rewrite(table: string, more: string): string {
  return `CALL bench.system.rewrite_data_files(table => '${table}'${more})`;
}

async function compact(server: BenchServer, table: string, more: object = {}): Promise<Timing> {
  const cpu = await server.cpuSeconds();
  const start = performance.now();
  const { details_json } = await server.post("/api/compact", { table, ...more });
  const wall = (performance.now() - start) / 1000;
  const { new_files } = JSON.parse(String(details_json));
  if (new_files === 0) throw new Error(`Nothing was rewritten of ${table}: ${details_json}`);
  return { wall, cpu: await server.cpuSeconds() - cpu };
}

/** Does `work`, and times small requests while it goes on. */
async function probing<T>(
  server: BenchServer,
  waits: number[],
  work: () => Promise<T>,
): Promise<T> {
  const pending: Promise<unknown>[] = [];
  const probe = async () => waits.push(await server.time("/api/tables"));
  const timer = setInterval(() => pending.push(probe()), PROBE_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await Promise.all(pending);
  }
}

function timingOf({ seconds, cpu_seconds }: Record<string, unknown>): Timing {
  return { wall: Number(seconds), cpu: Number(cpu_seconds) };
}

function show(name: string, timings: readonly Timing[], beside?: readonly Timing[]): void {
  if (timings.length === 0) return;
  const [wall, cpu] = [
    median(timings.map((one) => one.wall)),
    median(timings.map((one) => one.cpu)),
  ];
  const ratio = beside === undefined
    ? ""
    : `  = ${(wall / median(beside.map((one) => one.wall))).toFixed(2)} x drls by the clock, ${
      (cpu / median(beside.map((one) => one.cpu))).toFixed(2)
    } x by processor`;
  console.log(`${name.padEnd(20)} ${wall.toFixed(2)} s, ${cpu.toFixed(2)} s of processor${ratio}`);
}

function bytesOf(files: readonly DataFile[]): number {
  return files.reduce((sum, { fileSizeInBytes }) => sum + fileSizeInBytes, 0);
}

await main();
