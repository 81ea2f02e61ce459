/**
 * What appends cost: 5 M rows of 5 columns as Parquet, Arrow, NDJSON and CSV over HTTP, each on a
 * server of its own, by the clock, by processor time and by memory; into a table without partitions,
 * and into those of 16 buckets and of 60 values. Beside PyIceberg's `append` of the same rows and
 * native DuckDB that makes one Parquet file of the same files, in the same run.
 *
 * `deno task bench append` (peers from `tests/conformance/peers/install.sh`);
 * `deno task bench append -- csv 20000000` appends one format, or more rows.
 */
import { join } from "node:path";
import { APPEND_FORMATS, type AppendFormatName, writeAppendFile } from "./support/append_files.ts";
import { type BenchServer, startServer } from "./support/server.ts";

const DEFAULT_ROWS = 5_000_000;
const CACHE_BYTES = 64 * 1024 ** 2;
const PEERS = ".cache/peers";
const APPEND = "/api/table/shop.orders/append";
const COLUMNS = [
  { name: "order_id", type: "BIGINT" },
  { name: "placed_at", type: "TIMESTAMP" },
  { name: "customer_id", type: "INT" },
  { name: "country", type: "STRING" },
  { name: "amount", type: "DOUBLE" },
];
const LAYOUTS = [
  { name: "unpartitioned", partitionBy: [] },
  { name: "bucket", partitionBy: ["bucket(16, customer_id)"] },
  { name: "identity", partitionBy: ["country"] },
] as const;

async function main(args: readonly string[]): Promise<void> {
  const rows = Number(args.find((arg) => /^\d+$/.test(arg)) ?? DEFAULT_ROWS);
  const all = Object.keys(APPEND_FORMATS) as AppendFormatName[];
  const asked = all.filter((format) => args.includes(format));
  const formats = asked.length === 0 ? all : asked;
  const layouts = LAYOUTS.filter(({ name }) => args.includes(name));
  const folder = await Deno.makeTempDir({ prefix: "drls-bench-" });
  try {
    for (const format of formats) {
      const path = join(folder, `orders.${format}`);
      await writeAppendFile(path, { format, rows });
      const bytes = (await Deno.stat(path)).size;
      console.log(`${format}: ${rows} rows, ${(bytes / 1e6).toFixed(0)} MB`);
      for (const layout of layouts.length === 0 ? layoutsOf(format) : layouts) {
        await measureServer({ ...layout, path, format, rows });
      }
      await measurePeers({ path, format, rows });
      await Deno.remove(path);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Partitions cost the same whatever the format: they are measured with one of columns, one of text. */
function layoutsOf(format: AppendFormatName): readonly (typeof LAYOUTS)[number][] {
  return format === "parquet" || format === "csv" ? LAYOUTS : LAYOUTS.slice(0, 1);
}

interface AppendCase {
  readonly path: string;
  readonly format: AppendFormatName;
  readonly rows: number;
}

async function measureServer(
  { name, partitionBy, path, format, rows }: AppendCase & (typeof LAYOUTS)[number],
): Promise<void> {
  const warehouse = await Deno.makeTempDir({ prefix: "drls-bench-" });
  try {
    await using server = await startServer({ warehouse, cacheBytes: CACHE_BYTES });
    await server.post("/api/tables", {
      table: "shop.orders",
      schema: COLUMNS,
      partition_by: partitionBy,
    }, 201);
    // An isolate's first job waits for what later ones find.
    const warm = new TextEncoder().encode('{"order_id":1,"country":"country-1","customer_id":1}\n');
    await server.upload(`${APPEND}?dry_run=true`, warm, APPEND_FORMATS.ndjson);
    const body = await Deno.readFile(path);
    const cpuBefore = await server.cpuSeconds();
    const startedAt = performance.now();
    const bill = await append(server, body, format);
    const seconds = (performance.now() - startedAt) / 1000;
    if (bill.appended_rows_count !== rows) throw new Error(`Appended ${JSON.stringify(bill)}`);
    const cpuSeconds = await server.cpuSeconds() - cpuBefore;
    console.log(
      `  drls, ${name}: ${figures({ seconds, cpuSeconds, rows })}, ` +
        `peak ${await server.peakResidentMiB()} MiB, ${bill.added_data_files_count} files`,
    );
  } finally {
    await Deno.remove(warehouse, { recursive: true });
  }
}

async function append(
  server: BenchServer,
  body: Uint8Array<ArrayBuffer>,
  format: AppendFormatName,
) {
  const answer = await server.upload(APPEND, body, APPEND_FORMATS[format]);
  return JSON.parse(String(answer.details_json));
}

interface PeerFigures {
  readonly name: string;
  readonly seconds: number;
  readonly cpu_seconds: number;
  readonly peak_mib: number;
}

async function measurePeers({ path, format, rows }: AppendCase): Promise<void> {
  const peers = format === "parquet"
    ? ["duckdb", "pyiceberg"]
    : format === "arrow"
    ? []
    : ["duckdb"];
  for (const peer of peers) {
    const found = await runPeer(peer, [format, path]);
    for (const { name, seconds, cpu_seconds: cpuSeconds, peak_mib: peakMiB } of found) {
      console.log(`  ${name}: ${figures({ seconds, cpuSeconds, rows })}, peak ${peakMiB} MiB`);
    }
  }
}

function figures({ seconds, cpuSeconds, rows }: {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rows: number;
}): string {
  const speed = (rows / seconds / 1e6).toFixed(2);
  return `${seconds.toFixed(2)} s (${speed} M rows/s), processor ${cpuSeconds.toFixed(2)} s`;
}

async function runPeer(peer: string, args: readonly string[]): Promise<readonly PeerFigures[]> {
  const python = `${PEERS}/${peer}/bin/python`;
  const script = new URL("./peers/append_peers.py", import.meta.url).pathname;
  try {
    const command = new Deno.Command(python, { args: [script, peer, ...args] });
    const { success, stdout, stderr } = await command.output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).slice(-2000));
    return JSON.parse(new TextDecoder().decode(stdout));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`  ${peer} is not installed at ${python}: no comparison`);
    return [];
  }
}

await main(Deno.args);
