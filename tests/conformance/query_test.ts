/** Queries over tables of several engines, with deletes and evolved, beside native DuckDB. */
import assert from "node:assert/strict";
import { findJar, peerTest } from "./_peers.ts";
import { PeerProcess, SparkSession } from "./_peer_process.ts";
import { QUERY_CASES, ZONE_CASES } from "./_query_cases.ts";
import { ADMIN_TOKEN, type Server, startServer } from "./_server.ts";

/** Rows that all tables are made of, in two parts: tables evolve in between. */
interface Parts {
  readonly first: string;
  readonly second: string;
}

interface Comparison {
  readonly expected: readonly string[];
  readonly actual: readonly string[];
  readonly columns: readonly (readonly string[])[];
  readonly zones: readonly (readonly boolean[])[];
}

async function post(server: Server, path: string, options: {
  readonly body: BodyInit;
  readonly type?: string;
  readonly accept?: string;
}): Promise<Response> {
  const { body, type = "application/json", accept = "application/json" } = options;
  const response = await fetch(`${server.url}/api${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": type, accept },
    body,
  });
  if (!response.ok) throw new Error(`${path} gave ${response.status}: ${await response.text()}`);
  return response;
}

/** Runs every query on both sides. */
async function compareAll(
  t: Deno.TestContext,
  { server, duckdb, table, dir }: {
    readonly server: Server;
    readonly duckdb: PeerProcess;
    readonly table: string;
    readonly dir: string;
  },
): Promise<void> {
  const run = async (template: string, from: string) => {
    const sql = template.replaceAll(/\bT\b/g, from);
    await t.step(sql, async () => {
      const arrow = `${dir}/answer.arrow`;
      const accept = "application/vnd.apache.arrow.stream";
      const answer = await post(server, "/query", { body: JSON.stringify({ sql }), accept });
      await Deno.writeFile(arrow, new Uint8Array(await answer.arrayBuffer()));
      const found = await duckdb.ask<Comparison>({ sql, arrow });
      assert.ok(found.expected.length > 0, "a query without rows shows nothing");
      assert.deepEqual(found.actual, found.expected);
      assert.deepEqual(found.zones[1], found.zones[0]);
      // Names of columns that have none are the engine's own, and change with its version.
      const [expected = [], actual = []] = found.columns;
      const isNamed = (name: string) => /^\w+$/.test(name);
      assert.deepEqual(
        actual.filter((_, i) => isNamed(expected[i] ?? "")),
        expected.filter(isNamed),
      );
    });
  };
  for (const sql of QUERY_CASES) await run(sql, table);
  for (const sql of ZONE_CASES) await run(sql, `(SELECT id, ts FROM ${table})`);
}

async function withParts(
  run: (
    options: { readonly dir: string; readonly parts: Parts; readonly duckdb: PeerProcess },
  ) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-query-" });
  try {
    await using duckdb = new PeerProcess("duckdb", "duckdb_query.py", []);
    await duckdb.hear("READY");
    const parts = { first: `${dir}/first.parquet`, second: `${dir}/second.parquet` };
    await duckdb.ask({ write: parts });
    await run({ dir, parts, duckdb });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

peerTest("queries over a table of PyIceberg answer as native DuckDB", ["duckdb", "pyiceberg"], {
  fn: (t) =>
    withParts(async ({ dir, parts, duckdb }) => {
      await using pyiceberg = new PeerProcess("pyiceberg", "pyiceberg_sales.py", []);
      await pyiceberg.hear("READY");
      const [database, warehouse] = [`${dir}/catalog.db`, `${dir}/warehouse`];
      const files = [parts.first, parts.second];
      const metadata = await pyiceberg.ask({ create: "db.sales", database, warehouse, files });
      const plain = `${dir}/plain.parquet`;
      await pyiceberg.ask({ dump: metadata, to: plain });
      await duckdb.ask({ view: "db.sales", files: [plain] });
      await using server = await startServer({
        DRLS_CATALOG_TYPE: "sql",
        DRLS_CATALOG_URI: `file:${database}`,
        DRLS_WAREHOUSE: warehouse,
      });
      await compareAll(t, { server, duckdb, table: "db.sales", dir });
    }),
});

peerTest("queries over a table of Spark answer as native DuckDB", ["duckdb", "spark"], {
  fn: (t) =>
    withParts(async ({ dir, parts, duckdb }) => {
      const warehouse = `${dir}/warehouse`;
      await using spark = await SparkSession.start(warehouse, findJar("iceberg-spark-runtime"));
      await spark.sql("SET spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS");
      for (const [name, path] of Object.entries(parts)) {
        await spark.sql(
          `CREATE TEMPORARY VIEW ${name}_part USING parquet OPTIONS (path '${path}')`,
        );
      }
      await spark.sql(
        `CREATE TABLE db.sales USING iceberg PARTITIONED BY (region)
         TBLPROPERTIES ('format-version'='3', 'write.delete.mode'='merge-on-read')
         AS SELECT * FROM first_part`,
      );
      await spark.sql("ALTER TABLE db.sales RENAME COLUMN qty TO quantity");
      await spark.sql("ALTER TABLE db.sales ALTER COLUMN quantity TYPE BIGINT");
      await spark.sql("ALTER TABLE db.sales ADD COLUMN note STRING");
      await spark.sql("INSERT INTO db.sales SELECT *, NULL FROM second_part");
      await spark.sql("DELETE FROM db.sales WHERE id % 10 = 3");
      await spark.sql("DELETE FROM db.sales WHERE id BETWEEN 100 AND 199");
      const plain = `${dir}/plain`;
      await spark.sql(
        `INSERT OVERWRITE DIRECTORY '${plain}' USING parquet SELECT * FROM db.sales`,
      );
      await duckdb.ask({ view: "db.sales", files: [`${plain}/*.parquet`] });
      await using server = await startServer({ DRLS_WAREHOUSE: warehouse });
      await compareAll(t, { server, duckdb, table: "db.sales", dir });
    }),
});

peerTest("queries over a table of our own answer as native DuckDB", ["duckdb", "pyiceberg"], {
  fn: (t) =>
    withParts(async ({ dir, parts, duckdb }) => {
      await using pyiceberg = new PeerProcess("pyiceberg", "pyiceberg_sales.py", []);
      await pyiceberg.hear("READY");
      const warehouse = `${dir}/warehouse`;
      await Deno.mkdir(warehouse);
      await using server = await startServer({ DRLS_WAREHOUSE: warehouse });
      const table = "db.sales";
      await post(server, "/tables", { body: JSON.stringify({ table, ...SALES_TABLE }) });
      await append(server, parts.first);
      const change = (path: string, body: object) =>
        post(server, `/evolve/${path}`, { body: JSON.stringify({ table, ...body }) });
      await change("rename-column", { old_name: "qty", new_name: "quantity" });
      await change("update-column", { name: "quantity", type: "BIGINT" });
      await change("add-column", { name: "note", type: "STRING" });
      await append(server, await renamed(duckdb, parts.second, dir));
      const metadata = await latestMetadata(`${warehouse}/db/sales/metadata`);
      const plain = `${dir}/plain.parquet`;
      await pyiceberg.ask({ dump: metadata, to: plain });
      await duckdb.ask({ view: table, files: [plain] });
      await compareAll(t, { server, duckdb, table, dir });
    }),
});

const SALES_TABLE = {
  schema: [
    { name: "id", type: "BIGINT" },
    { name: "region", type: "STRING" },
    { name: "amount", type: "DECIMAL(12,2)" },
    { name: "price", type: "DOUBLE" },
    { name: "qty", type: "INT" },
    { name: "ts", type: "TIMESTAMP" },
    { name: "local_ts", type: "TIMESTAMP_NTZ" },
    { name: "day", type: "DATE" },
    { name: "tags", type: "ARRAY<STRING>" },
    { name: "attrs", type: "MAP<STRING,INT>" },
    { name: "person", type: "STRUCT<name: STRING, age: INT>" },
    { name: "js", type: "STRING" },
    { name: "flag", type: "BOOLEAN" },
  ],
  partition_by: ["bucket(3, id)"],
};

async function append(server: Server, file: string): Promise<void> {
  const body = await Deno.readFile(file);
  const type = "application/vnd.apache.parquet";
  await post(server, "/table/db.sales/append", { body, type });
}

/** The second part with the columns that the table has by then. */
async function renamed(duckdb: PeerProcess, file: string, dir: string): Promise<string> {
  const to = `${dir}/renamed.parquet`;
  await duckdb.ask({ rename: file, to });
  return to;
}

async function latestMetadata(folder: string): Promise<string> {
  const versions = (await Array.fromAsync(Deno.readDir(folder)))
    .flatMap(({ name }) => /^v(\d+)\.metadata\.json$/.exec(name)?.[1] ?? []);
  return `${folder}/v${Math.max(...versions.map(Number))}.metadata.json`;
}
