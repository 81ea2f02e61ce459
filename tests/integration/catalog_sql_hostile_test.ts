/** The sql catalog over databases whose authors mean harm. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { createClient } from "@libsql/client";
import { AppError } from "../../lib/errors.ts";
import { openCatalog } from "../../lib/catalog/mod.ts";
import { SqlCatalog } from "../../lib/catalog/sql_catalog.ts";
import { openStorage } from "../../lib/storage/mod.ts";

const COLUMNS = "catalog_name, table_namespace, table_name, metadata_location";
const ROW = "'drls', 'db', 't', '/wh/t/v1.metadata.json'";
const TABLES = `CREATE TABLE iceberg_tables (${COLUMNS})`;
const PROPERTIES = `CREATE TABLE iceberg_namespace_properties
  (catalog_name, namespace, property_key, property_value)`;

async function withDatabase(
  statements: readonly string[],
  work: (catalog: SqlCatalog, path: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/catalog.db`;
  await change(path, statements);
  const database = { kind: "file", path } as const;
  const storage = { local: null, s3: null };
  const catalog = new SqlCatalog({
    name: "drls",
    catalogName: "drls",
    database,
    token: null,
    storage,
    warehouse: "/wh",
    io: openStorage(storage),
  });
  try {
    await work(catalog, path);
  } finally {
    await catalog.close();
    await Deno.remove(dir, { recursive: true });
  }
}

async function change(path: string, statements: readonly string[]): Promise<void> {
  const client = createClient({ url: `file:${path}` });
  await client.batch([...statements], "write");
  client.close();
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

async function refusesEverything(catalog: SqlCatalog): Promise<void> {
  const computed = isCode("catalog_tables_computed");
  await rejects(catalog.ping(), computed);
  await rejects(catalog.listTables(), computed);
  await rejects(catalog.listNamespaces(), computed);
  await rejects(catalog.locate("db.t"), computed);
}

Deno.test("SqlCatalog refuses views, which could run for ever and stop the isolate", async () => {
  const view = (name: string, select: string) => `CREATE VIEW ${name} AS ${select}`;
  const tables = `SELECT 'drls' AS catalog_name, 'db' AS table_namespace, 't' AS table_name,
    '/wh/t/v1.metadata.json' AS metadata_location`;
  await withDatabase([view("iceberg_tables", tables), PROPERTIES], refusesEverything);
  await withDatabase([view("Iceberg_TABLES", tables), PROPERTIES], refusesEverything);
  const properties = "SELECT 'drls' AS catalog_name, 'db' AS namespace";
  await withDatabase([TABLES, view("iceberg_namespace_properties", properties)], refusesEverything);
});

Deno.test("SqlCatalog refuses virtual tables and generated columns", async () => {
  const virtual = `CREATE VIRTUAL TABLE iceberg_tables USING fts5(${COLUMNS})`;
  await withDatabase([virtual, PROPERTIES], refusesEverything);
  const generated = `CREATE TABLE iceberg_tables (${COLUMNS},
    iceberg_type AS (printf('%.*c', 900000000, 'x')))`;
  await withDatabase([generated, PROPERTIES], refusesEverything);
});

Deno.test("SqlCatalog notices a table that becomes a view while it is in use", async () => {
  const insert = `INSERT INTO iceberg_tables (${COLUMNS}) VALUES (${ROW})`;
  await withDatabase([TABLES, PROPERTIES, insert], async (catalog, path) => {
    deepStrictEqual(await catalog.listTables(), [{ namespace: ["db"], name: "t" }]);
    await change(path, [
      "ALTER TABLE iceberg_tables RENAME TO hidden_tables",
      "CREATE VIEW iceberg_tables AS SELECT * FROM hidden_tables",
    ]);
    await refusesEverything(catalog);
  });
});

Deno.test("SqlCatalog does not follow a remote server's redirect", async () => {
  let reached = 0;
  const elsewhere = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    reached++;
    return Response.json({});
  });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => Response.redirect(`http://127.0.0.1:${elsewhere.addr.port}/`, 307),
  );
  const uri = `http://127.0.0.1:${server.addr.port}`;
  const config = { type: "sql", name: "drls", warehouse: "s3://lake", uri } as const;
  const catalog = openCatalog({ ...config, extraProps: {} }, { dataDir: null, storageRoots: [] });
  await rejects(catalog.ping(), isCode("catalog_database_failed"));
  strictEqual(reached, 0);
  await catalog.close();
  await Promise.all([server.shutdown(), elsewhere.shutdown()]);
});
