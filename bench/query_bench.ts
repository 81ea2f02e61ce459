/**
 * What queries cost: how long an isolate takes to start, the first answer of a warm one, an aggregate
 * over 5 M rows, and queries of which the metrics leave one file of 1,000; beside PyIceberg's scan and
 * native DuckDB over the list of files, in the same run.
 *
 * `deno task bench query` (peers from `tests/conformance/peers/install.sh`)
 */
import { join } from "node:path";
import { loadWasmModules } from "../lib/columnar/wasm/mod.ts";
import type { DataFile } from "../lib/iceberg/manifest/data_file.ts";
import { createQueryPool } from "../workers/query_pool.ts";
import { queryPermissions } from "../workers/reader_permissions.ts";
import { RowWarehouse } from "./support/row_warehouse.ts";
import { ORDERS, orders } from "./support/sample_rows.ts";
import { type BenchServer, startServer } from "./support/server.ts";
import { median, milliseconds, percentile } from "./support/statistics.ts";

const FILES = 1_000;
const ROWS = 5_000;
const ISOLATE_RUNS = 5;
const SMALL_RUNS = 30;
const RUNS = 5;
const CACHE_BYTES = 64 * 1024 ** 2;
const PEERS = ".cache/peers";

/** One query, for drls and native DuckDB as SQL, for PyIceberg as a scan. */
interface QueryCase {
  readonly name: string;
  readonly sql: string;
  readonly where: string;
  readonly columns: readonly string[];
  /** What PyArrow groups by after the scan. */
  readonly group: string | null;
}

const POINT = Math.floor(FILES * ROWS * 0.37) + 123;
const RANGE_START = Math.floor(FILES * 0.81) * ROWS + 2_000;
const RANGE = [RANGE_START, RANGE_START + 1_000] as const;
const CASES: readonly QueryCase[] = [
  {
    name: "aggregate over all rows",
    sql: "SELECT country, sum(amount), count(amount) FROM orders GROUP BY country",
    where: "order_id >= 0",
    columns: ["country", "amount"],
    group: "country",
  },
  {
    name: "one row of one file",
    sql: `SELECT * FROM orders WHERE order_id = ${POINT}`,
    where: `order_id == ${POINT}`,
    columns: ["*"],
    group: null,
  },
  {
    name: "1,000 rows of one file",
    sql: `SELECT * FROM orders WHERE order_id >= ${RANGE[0]} AND order_id < ${RANGE[1]}`,
    where: `order_id >= ${RANGE[0]} and order_id < ${RANGE[1]}`,
    columns: ["*"],
    group: null,
  },
];

type PeerResult = Readonly<
  Record<string, { readonly seconds: readonly number[]; readonly rows: number }>
>;

async function main(): Promise<void> {
  await measureIsolates();
  const folder = await Deno.makeTempDir({ prefix: "drls-bench-" });
  try {
    const warehouse = new RowWarehouse(join(folder, "warehouse"));
    await Deno.mkdir(warehouse.folder);
    const rowsOf = (file: number) => orders(file, ROWS);
    const files = await warehouse.writeFiles({ schema: ORDERS, files: FILES, rowsOf });
    const store = await warehouse.createTable({ name: "shop.orders", schema: ORDERS, files });
    const { metadataLocation } = await store.load();
    await measureQueries(warehouse.folder, { files, metadataLocation });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** From nothing to an engine that takes queries; modules are compiled once, before. */
async function measureIsolates(): Promise<void> {
  const compileAt = performance.now();
  await loadWasmModules();
  console.log(`modules compiled once: ${milliseconds(performance.now() - compileAt)}`);
  const times: number[] = [];
  for (let run = 0; run < ISOLATE_RUNS; run++) {
    const pool = createQueryPool({
      isolates: 1,
      memoryBytes: 512 * 1024 ** 2,
      cacheBytes: CACHE_BYTES,
      permissions: queryPermissions({ catalogType: null, warehouse: null, storageRoots: [] }),
      loadModules: loadWasmModules,
      onCrash: (isolate, reason) => console.error(`${isolate} ended: ${reason}`),
    });
    const startedAt = performance.now();
    await pool.warm();
    times.push(performance.now() - startedAt);
    pool.close();
  }
  console.log(`isolate with its engine, cold: ${milliseconds(median(times))}`);
}

async function measureQueries(
  warehouse: string,
  { files, metadataLocation }: {
    readonly files: readonly DataFile[];
    readonly metadataLocation: string;
  },
): Promise<void> {
  await using server = await startServer({ warehouse, cacheBytes: CACHE_BYTES });
  const ask = (sql: string) => server.post("/api/query", { sql, timeout_ms: 600_000 });
  await ask("SELECT 1");
  const small: number[] = [];
  for (let run = 0; run < SMALL_RUNS; run++) small.push(await timed(() => ask("SELECT 1 AS one")));
  console.log(
    `first answer of a warm isolate: p50 ${milliseconds(median(small))} ` +
      `p90 ${milliseconds(percentile(small, 90))}`,
  );
  const ours = await measureOurs(ask);
  console.log(`resident at most ${await server.peakResidentMiB()} MiB`);
  const list = join(warehouse, "files.json");
  const paths = files.map(({ filePath }) => filePath.replace(/^file:\/\//, ""));
  await Deno.writeTextFile(list, JSON.stringify(paths));
  const pyiceberg = await runPeer("pyiceberg", metadataLocation.replace(/^file:\/\//, ""));
  const duckdb = await runPeer("duckdb", list);
  for (const { name } of CASES) {
    const shown = [["drls", ours], ["PyIceberg", pyiceberg], ["native DuckDB", duckdb]] as const;
    const times = shown.flatMap(([who, result]) => {
      const seconds = result?.[name]?.seconds;
      return seconds === undefined ? [] : [`${who} ${milliseconds(median(seconds) * 1000)}`];
    });
    console.log(`${name}: ${times.join("  ")}`);
  }
}

async function measureOurs(ask: (sql: string) => ReturnType<BenchServer["post"]>) {
  const result: Record<string, { seconds: number[]; rows: number }> = {};
  for (const { name, sql } of CASES) {
    const measured = result[name] = { seconds: [] as number[], rows: 0 };
    for (let run = 0; run < RUNS; run++) {
      const ms = await timed(async () => {
        const { row_count: rows } = await ask(sql.replaceAll("orders", "shop.orders"));
        measured.rows = Number(rows);
      });
      measured.seconds.push(ms / 1000);
    }
  }
  return result;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function runPeer(peer: "pyiceberg" | "duckdb", source: string): Promise<PeerResult | null> {
  const python = `${PEERS}/${peer}/bin/python`;
  const script = new URL("./peers/query_peers.py", import.meta.url).pathname;
  const args = [script, peer, source, String(RUNS), JSON.stringify(CASES)];
  try {
    const { success, stdout, stderr } = await new Deno.Command(python, { args }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).slice(-2000));
    return JSON.parse(new TextDecoder().decode(stdout));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`${peer} is not installed at ${python}: no comparison`);
    return null;
  }
}

await main();
