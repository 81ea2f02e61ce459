/**
 * Appends and Spark: rows that the server appended, in tables of each partition transform, as Spark
 * reads them; and Parquet files that Spark writes, as bodies of appends.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { SparkSession } from "./_peer_process.ts";
import { findJar, peerTest } from "./_peers.ts";
import { ADMIN_TOKEN, type Server, startServer } from "./_server.ts";

const COLUMNS = [
  { name: "id", type: "BIGINT" },
  { name: "name", type: "STRING" },
  { name: "at", type: "TIMESTAMP" },
  { name: "day", type: "DATE" },
  { name: "price", type: "DECIMAL(20,2)" },
];

/** Tables by name: what they are partitioned by, and a filter that Spark may prune files with. */
const LAYOUTS: Readonly<Record<string, { readonly by: string; readonly filter: string }>> = {
  identity: { by: "name", filter: "name = 'name-3'" },
  bucket: { by: "bucket(4, id)", filter: "id = 17" },
  truncate: { by: "truncate(6, name)", filter: "name = 'name-3'" },
  truncate_decimal: { by: "truncate(100, price)", filter: "price < 0" },
  year: { by: "year(at)", filter: "at < TIMESTAMP '1970-01-01 00:00:00'" },
  month: { by: "month(day)", filter: "day >= DATE '1970-02-01'" },
  day: { by: "day(at)", filter: "at >= TIMESTAMP '1970-01-05 00:00:00'" },
  hour: { by: "hour(at)", filter: "at < TIMESTAMP '1969-12-31 12:00:00'" },
};
const VERSIONS = [2, 3] as const;
const ROWS = 60;

/** Five hours and some microseconds apart, on both sides of the epoch; every seventh is null. */
function rowOf(row: number) {
  if (row % 7 === 6) return { id: row };
  const atMs = (row - 20) * 18_061_001;
  const at = new Date(atMs).toISOString();
  const day = new Date(atMs * 4).toISOString().slice(0, 10);
  const price = `${row - 10}.${String(row).padStart(2, "0")}`;
  return { id: row, name: `name-${row % 5}`, at: at.replace("Z", "007Z"), day, price };
}

/** A row as Spark shows it in columns of text. */
function shown(row: number): readonly (string | null)[] {
  const { id, name = null, at = null, day = null, price = null } = rowOf(row);
  const clock = at === null ? null : at.replace("T", " ").replace("Z", "");
  return [String(id), name, clock, day, price];
}

const SHOWN = "CAST(id AS STRING), name, date_format(at, 'yyyy-MM-dd HH:mm:ss.SSSSSS'), " +
  "CAST(day AS STRING), CAST(price AS STRING)";

async function send(server: Server, path: string, init: RequestInit): Promise<unknown> {
  const authorization = `Bearer ${ADMIN_TOKEN}`;
  const response = await fetch(`${server.url}/api${path}`, {
    method: "POST",
    ...init,
    headers: { authorization, ...init.headers },
  });
  const text = await response.text();
  assert.ok(response.ok, `${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

async function post(server: Server, path: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return await send(server, path, { body: JSON.stringify(body), headers });
}

async function withSpark(
  run: (server: Server, spark: SparkSession, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "drls-append-" });
  try {
    const warehouse = join(folder, "warehouse");
    await Deno.mkdir(warehouse);
    await using server = await startServer({ DRLS_WAREHOUSE: warehouse });
    await using spark = await SparkSession.start(warehouse, findJar("iceberg-spark-runtime"));
    await run(server, spark, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

peerTest("Spark reads what was appended by each partition transform", ["spark"], {
  fn: () =>
    withSpark(async (server, spark) => {
      const body = Array.from({ length: ROWS }, (_, row) => JSON.stringify(rowOf(row))).join("\n");
      const all = Array.from({ length: ROWS }, (_, row) => shown(row));
      for (const version of VERSIONS) {
        for (const [name, { by, filter }] of Object.entries(LAYOUTS)) {
          const table = `db.${name}_v${version}`;
          const definition = { table, schema: COLUMNS, partition_by: [by] };
          await post(server, "/tables", { ...definition, format_version: version });
          const headers = { "content-type": "application/x-ndjson" };
          await send(server, `/table/${table}/append`, { body, headers });
          const rows = await spark.sql(`SELECT ${SHOWN} FROM ${table} ORDER BY bigint(id)`);
          assert.deepEqual(rows, all, table);
          const found = await spark.sql(`SELECT id FROM ${table} WHERE ${filter} ORDER BY id`);
          // Without the partitions and bounds of files: the filter is on what they do not tell.
          const looked = await spark.sql(
            `SELECT id FROM (SELECT * FROM ${table} ORDER BY id LIMIT ${ROWS}) WHERE ${filter}`,
          );
          assert.ok(found.length > 0 && found.length < ROWS, `${table}: ${found.length} rows`);
          assert.deepEqual(found, looked, `${table} where ${filter}`);
          const partitions = await spark.sql(`SELECT count(*) FROM ${table}.partitions`);
          assert.ok(Number(partitions[0]?.[0]) > 2, `${table}: ${partitions} partitions`);
        }
      }
      const ids = await spark.sql("SELECT DISTINCT _row_id FROM db.bucket_v3");
      assert.equal(ids.length, ROWS);
    }),
});

/** Columns of Spark's own making, with the types that a table has for them. */
const SPARK_COLUMNS: Readonly<Record<string, readonly [type: string, sql: string]>> = {
  id: ["BIGINT", "id"],
  at: ["TIMESTAMP", "timestamp_micros(id * 123456789012345 - 9876543210123456)"],
  day: ["DATE", "date_add(DATE '1969-06-01', CAST(id * 11 AS INT))"],
  small: ["DECIMAL(9,2)", "CAST(id - 50 AS DECIMAL(9,2)) / 4"],
  middle: ["DECIMAL(18,3)", "CAST(id * 123456789 AS DECIMAL(18,3)) / 8"],
  large: ["DECIMAL(38,5)", "CAST(id - 50 AS DECIMAL(38,5)) * 1000000000000000000000"],
  flag: ["BOOLEAN", "id % 3 = 0"],
  ratio: ["DOUBLE", "IF(id = 5, double('NaN'), id / 7D)"],
  bytes: ["BINARY", "unhex(hex(id * 7919))"],
  place: [
    "STRUCT<street: STRING, no: INT>",
    "IF(id % 5 = 0, NULL, named_struct('street', " +
    "concat('s', id), 'no', IF(id % 2 = 0, NULL, CAST(id AS INT))))",
  ],
  tags: ["ARRAY<STRING>", "IF(id % 4 = 0, NULL, array('a', NULL, concat('t', id)))"],
  counts: ["MAP<STRING, BIGINT>", "IF(id % 6 = 0, map(), map('x', id, concat('k', id), NULL))"],
};

/** Settings of Spark by what they make of its files. */
const SPARK_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  int96: { outputTimestampType: "INT96", writeLegacyFormat: "false" },
  micros: { outputTimestampType: "TIMESTAMP_MICROS", writeLegacyFormat: "false" },
  legacy: { outputTimestampType: "INT96", writeLegacyFormat: "true" },
};

peerTest("Parquet files that Spark writes are appended as they are", ["spark"], {
  fn: () =>
    withSpark(async (server, spark, folder) => {
      const columns = Object.entries(SPARK_COLUMNS);
      const schema = columns.map(([name, [type]]) => ({ name, type }));
      const values = columns.map(([name, [type, sql]]) =>
        `CAST(IF(id % 10 = 9 AND '${name}' <> 'id', NULL, ${sql}) AS ${type}) AS ${name}`
      );
      for (const [name, settings] of Object.entries(SPARK_FILES)) {
        for (const [key, value] of Object.entries(settings)) {
          await spark.sql(`SET spark.sql.parquet.${key}=${value}`);
        }
        const files = join(folder, name);
        await spark.sql(
          `INSERT OVERWRITE DIRECTORY '${files}' USING parquet SELECT ${values} FROM range(200)`,
        );
        const view = `CREATE OR REPLACE TEMPORARY VIEW source USING parquet`;
        await spark.sql(`${view} OPTIONS (path '${files}')`);
        const table = `db.${name}`;
        await post(server, "/tables", { table, schema });
        for (const { name: file } of Deno.readDirSync(files)) {
          if (!/^part-.*\.parquet$/.test(file)) continue;
          const body = await Deno.readFile(join(files, file));
          const headers = { "content-type": "application/vnd.apache.parquet" };
          await send(server, `/table/${table}/append`, { body, headers });
        }
        const written = await spark.exactRows("SELECT * FROM source ORDER BY id");
        assert.equal(written.length, 200);
        assert.deepEqual(await spark.exactRows(`SELECT * FROM ${table} ORDER BY id`), written);
      }
    }),
});
