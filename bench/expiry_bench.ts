/**
 * What it costs to expire half of a table's snapshots, over HTTP on a warm server, beside a warm Spark
 * session on a copy of the same table in the same run.
 *
 * Every commit appends a file; every tenth replaces the oldest one, too, so that data files go with
 * the snapshots. Manifests are merged as writers do by default: up to a hundred of them in each list.
 *
 * `deno task bench expiry [-- snapshots]`, 10,000 by default. Spark from
 * `tests/conformance/peers/install.sh`.
 */
import { join } from "node:path";
import { mergeAppend } from "../lib/iceberg/commit/snapshot/merge_append.ts";
import { overwriteFiles } from "../lib/iceberg/commit/snapshot/overwrite_files.ts";
import type { TableChange, TableStore } from "../lib/iceberg/commit/table_store.ts";
import type { DataFile } from "../lib/iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../lib/iceberg/ports.ts";
import { serializeTableMetadata } from "../lib/iceberg/spec/serialize_table_metadata.ts";
import { icebergJar, PeerScript } from "./support/peers.ts";
import { commit, RowWarehouse } from "./support/row_warehouse.ts";
import { ORDERS, orders } from "./support/sample_rows.ts";
import { startServer } from "./support/server.ts";

const SNAPSHOTS = Number(Deno.args[0] ?? 10_000);
const REPLACE_EVERY = 10;
const ROWS_PER_FILE = 100;
const TABLE = "db.events";
const MIB = 1024 ** 2;

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-bench-" });
  try {
    const warehouse = join(folder, "warehouse");
    await Deno.mkdir(warehouse);
    const olderThanMs = await writeTable(new RowWarehouse(warehouse));
    await copyFolder(warehouse, join(folder, "copy"));
    const older_than = new Date(olderThanMs).toISOString();
    const ours = await measureServer(warehouse, older_than);
    // The files that metadata names are those of the first place.
    await Deno.remove(warehouse, { recursive: true });
    await Deno.rename(join(folder, "copy"), warehouse);
    await measureSpark(warehouse, { older_than, ours });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measureServer(warehouse: string, older_than: string): Promise<number> {
  await using server = await startServer({ warehouse, cacheBytes: 64 * MIB });
  const request = { table: TABLE, older_than, retain_last: 1 };
  const dryStart = performance.now();
  await server.post("/api/expire", { ...request, dry_run: true });
  const drySeconds = (performance.now() - dryStart) / 1000;
  const cpu = await server.cpuSeconds();
  const start = performance.now();
  const { details_json } = await server.post("/api/expire", request);
  const seconds = (performance.now() - start) / 1000;
  const receipt = JSON.parse(String(details_json));
  const used = await server.cpuSeconds() - cpu;
  console.log(
    `drls: ${seconds.toFixed(2)} s, ${used.toFixed(2)} s of processor (dry run before it ` +
      `${drySeconds.toFixed(2)} s): ${receipt.expired_snapshots_count} snapshots, ` +
      `${receipt.deleted_data_files_count} data files, ` +
      `${receipt.deleted_manifest_files_count} manifests, ` +
      `${receipt.deleted_manifest_lists_count} lists; failed ${receipt.failed_deletes_count}`,
  );
  console.log(`peak resident: ${await server.peakResidentMiB()} MiB`);
  return seconds;
}

async function measureSpark(
  warehouse: string,
  { older_than, ours }: { readonly older_than: string; readonly ours: number },
): Promise<void> {
  await using spark = await PeerScript.start("spark", "spark_maintenance.py", [
    warehouse,
    icebergJar(),
  ]);
  if (spark === null) return;
  const when = older_than.replace("T", " ").replace("Z", "");
  const expire = (more: string) =>
    `CALL bench.system.expire_snapshots(table => '${TABLE}', ${more}retain_last => 1)`;
  // Nothing is that old: warms the session up, with the same table.
  await spark.ask(expire("older_than => TIMESTAMP '2000-01-01 00:00:00', "));
  const { seconds, cpu_seconds, rows } = await spark.ask(
    expire(`older_than => TIMESTAMP '${when}', `),
  );
  console.log(
    `Spark, local[2]: ${Number(seconds).toFixed(2)} s, ${Number(cpu_seconds).toFixed(2)} s of ` +
      `processor = ${(Number(seconds) / ours).toFixed(1)} x drls by the clock; ${
        JSON.stringify(rows)
      }`,
  );
}

/** Writes the table; when the first of the snapshots that stay was made. */
async function writeTable(warehouse: RowWarehouse): Promise<number> {
  const rowsOf = () => orders(0, ROWS_PER_FILE);
  const [sample] = await warehouse.writeFiles({ schema: ORDERS, files: 1, rowsOf });
  if (sample === undefined) throw new TypeError("Cannot go on without a data file");
  const store = new HeldStore(
    await warehouse.createTable({ name: TABLE, schema: ORDERS, files: [] }),
  );
  const live: DataFile[] = [];
  const { metadata: { location } } = await store.load();
  await Deno.mkdir(join(location, "data"), { recursive: true });
  for (let at = 0; at < SNAPSHOTS; at++) {
    const filePath = join(location, "data", `${String(at).padStart(6, "0")}.parquet`);
    await Deno.copyFile(sample.filePath, filePath);
    const file = { ...sample, filePath };
    live.push(file);
    const oldest = at % REPLACE_EVERY === REPLACE_EVERY - 1 ? live.shift() : undefined;
    await commit(
      store,
      oldest === undefined
        ? mergeAppend({ files: [file] })
        : overwriteFiles({ add: [file], remove: [{ dataFile: oldest }] }),
    );
  }
  const { metadata } = await store.load();
  await Deno.writeTextFile(
    join(location, "metadata", "v2.metadata.json"),
    serializeTableMetadata(metadata),
  );
  await Deno.writeTextFile(join(location, "metadata", "version-hint.text"), "2");
  const first = metadata.snapshots[Math.floor(SNAPSHOTS / 2)];
  if (first === undefined) throw new TypeError(`Cannot halve ${SNAPSHOTS} snapshots`);
  return first.timestampMs;
}

/**
 * Keeps metadata in memory between commits: written as a file each time, ten thousand versions of it
 * would be tens of gigabytes. All other files are real.
 */
class HeldStore implements TableStore {
  readonly #store: TableStore;
  #table: LoadedTable | null = null;

  constructor(store: TableStore) {
    this.#store = store;
  }

  async load(signal?: AbortSignal): Promise<LoadedTable> {
    return this.#table ??= await this.#store.load(signal);
  }

  commit(base: LoadedTable, { metadata }: TableChange): Promise<LoadedTable> {
    this.#table = { ...base, metadata };
    return Promise.resolve(this.#table);
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

await main();
