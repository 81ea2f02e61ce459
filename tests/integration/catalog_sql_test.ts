/** The sql catalog over SQLite files: PyIceberg's own, and both schema versions. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { createClient } from "@libsql/client";
import { AppError } from "../../lib/errors.ts";
import { formatIdentifier } from "../../lib/iceberg/ports.ts";
import { SqlCatalog } from "../../lib/catalog/sql_catalog.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { FIXTURES, fixtureTest } from "../support/fixtures.ts";

const STORAGE = { local: null, s3: null };
const V0 = `CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL,
  table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
  metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
  PRIMARY KEY (catalog_name, table_namespace, table_name))`;
const V1 = "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)";
const PROPERTIES = `CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL,
  namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,
  property_value VARCHAR(1000), PRIMARY KEY (catalog_name, namespace, property_key))`;

async function inTempDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Runs `work` over a database made by `statements`. */
function withDatabase(
  statements: readonly string[],
  work: (catalog: SqlCatalog, path: string) => Promise<void>,
): Promise<void> {
  return inTempDir(async (dir) => {
    const path = `${dir}/catalog.db`;
    const client = createClient({ url: `file:${path}` });
    await client.batch([...statements], "write");
    client.close();
    const catalog = open(path);
    try {
      await work(catalog, path);
    } finally {
      await catalog.close();
    }
  });
}

function open(path: string, catalogName = "drls"): SqlCatalog {
  return new SqlCatalog({
    name: "drls",
    catalogName,
    database: { kind: "file", path },
    token: null,
    storage: STORAGE,
    warehouse: "/wh",
    io: openStorage(STORAGE),
  });
}

function row(namespace: string, name: string, location = `/wh/${name}/v1.metadata.json`): string {
  return `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location)
    VALUES ('drls', '${namespace}', '${name}', '${location}')`;
}

const names = async (catalog: SqlCatalog) => (await catalog.listTables()).map(formatIdentifier);

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

fixtureTest("SqlCatalog lists what PyIceberg wrote, under PyIceberg's catalog name", async () => {
  const files: readonly [string, string, string][] = [
    ["null_stats/pyiceberg_catalog.db", "local", "default.test_nulls"],
    ["map_stats/pyiceberg_catalog.db", "default", "default.map_stats"],
    ["column_mapping/catalog.sqlite", "my_catalog", "default.my_table"],
    ["legacy_bare_deletion_vector/catalog.db", "persistent", "default.legacy_bare_deletion_vector"],
  ];
  await inTempDir(async (dir) => {
    for (const [file, catalogName, table] of files) {
      const path = `${dir}/${catalogName}.db`;
      await Deno.copyFile(`${FIXTURES}/${file}`, path);
      const before = await Deno.readFile(path);
      const catalog = open(path, catalogName);
      await catalog.ping();
      deepStrictEqual(await names(catalog), [table]);
      deepStrictEqual(await catalog.listNamespaces(), [["default"]]);
      // These were written with a relative warehouse, which only their writer can resolve.
      await rejects(catalog.locate(table), isCode("metadata_location_invalid"));
      await catalog.close();
      deepStrictEqual(await Deno.readFile(path), before, "reading must not write");
    }
  });
});

fixtureTest(
  "SqlCatalog names the catalogs that are in the database when its own is not",
  async () => {
    await inTempDir(async (dir) => {
      const path = `${dir}/c.db`;
      await Deno.copyFile(`${FIXTURES}/null_stats/pyiceberg_catalog.db`, path);
      const catalog = open(path, "drls");
      await rejects(catalog.ping(), (error) => {
        ok(error instanceof AppError && error.code === "catalog_name_unknown");
        ok(error.message.includes('"local"') && error.message.includes("jdbc.catalog-name"));
        return true;
      });
      await catalog.close();
    });
  },
);

Deno.test("SqlCatalog reads V0 and V1, and passes over views", async () => {
  const rows = [row("db", "a"), row("db", "b"), row("db", "v")];
  await withDatabase([V0, PROPERTIES, ...rows], async (catalog, path) => {
    deepStrictEqual(await names(catalog), ["db.a", "db.b", "db.v"]);
    const writer = createClient({ url: `file:${path}` });
    await writer.batch([
      V1,
      "UPDATE iceberg_tables SET iceberg_type = 'TABLE' WHERE table_name = 'b'",
      "UPDATE iceberg_tables SET iceberg_type = 'VIEW' WHERE table_name = 'v'",
    ]);
    writer.close();
    // Another client upgraded the file while it was open here.
    deepStrictEqual(await names(catalog), ["db.a", "db.b"]);
    await rejects(catalog.locate("db.v"), isCode("table_not_found"));
    strictEqual((await catalog.locate("db.b")).kind, "file");
  });
});

Deno.test("SqlCatalog locates tables in nested namespaces and with dots in their names", async () => {
  const rows = [
    row("a.b", "t", "s3://lake/a/b/t/metadata/00001-x.metadata.json"),
    row("a", "b.u"),
    row("a", "b.t"),
  ];
  await withDatabase([V0, PROPERTIES, ...rows], async (catalog) => {
    deepStrictEqual(await catalog.locate("a.b.t"), {
      kind: "file",
      identifier: { namespace: ["a", "b"], name: "t" },
      metadataLocation: "s3://lake/a/b/t/metadata/00001-x.metadata.json",
      storage: STORAGE,
      foundAt: null,
    });
    deepStrictEqual((await catalog.locate("a.b.u")).identifier, { namespace: ["a"], name: "b.u" });
    for (const name of ["a.b", "t", "", "a.b.t' OR '1'='1", "x.y"]) {
      await rejects(catalog.locate(name), isCode("table_not_found"));
    }
  });
});

Deno.test("SqlCatalog lists namespaces of tables and properties, with their parents", async () => {
  const property =
    `INSERT INTO iceberg_namespace_properties VALUES ('drls', 'empty', 'exists', 'true'),
    ('other', 'foreign', 'exists', 'true')`;
  await withDatabase([V0, PROPERTIES, property, row("a.b.c", "t")], async (catalog) => {
    const namespaces = (await catalog.listNamespaces()).map((levels) => levels.join("."));
    deepStrictEqual(namespaces, ["a", "a.b", "a.b.c", "empty"]);
  });
});

Deno.test("SqlCatalog lists 10,000 tables page by page, each once", async () => {
  const many = `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    SELECT 'drls', 'ns' || (i % 7), 't' || i FROM n`;
  await withDatabase([V0, PROPERTIES, many], async (catalog) => {
    const found = await names(catalog);
    strictEqual(new Set(found).size, 10_000);
    deepStrictEqual(found, [...found].sort());
    strictEqual((await catalog.listNamespaces()).length, 7);
  });
});

Deno.test("SqlCatalog ends on rows whose keys are no text", async () => {
  const blobs = `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
    SELECT 'drls', 'db', CAST(printf('%05d', i) AS BLOB) FROM n`;
  await withDatabase([V0, PROPERTIES, blobs], async (catalog) => {
    await rejects(catalog.listTables(), isCode("catalog_row_invalid"));
  });
});

Deno.test("SqlCatalog creates nothing: a missing file or table is an error", async () => {
  await inTempDir(async (dir) => {
    const missing = open(`${dir}/none.db`);
    await rejects(missing.ping(), isCode("catalog_database_not_found"));
    await rejects(missing.listTables(), isCode("catalog_database_not_found"));
    deepStrictEqual([...Deno.readDirSync(dir)], []);
    await Deno.writeTextFile(`${dir}/text.db`, "not a database, but long enough".repeat(100));
    await rejects(open(`${dir}/text.db`).ping(), isCode("catalog_database_invalid"));
    await rejects(open(dir).ping(), isCode("catalog_database_invalid"));
  });
  await withDatabase(["CREATE TABLE other (a)"], async (catalog) => {
    await rejects(catalog.listTables(), (error) => {
      ok(error instanceof AppError && error.code === "catalog_tables_missing");
      return error.message.includes("iceberg_tables");
    });
  });
});

fixtureTest("SqlCatalog recovers when the file appears later", async () => {
  await inTempDir(async (dir) => {
    const catalog = open(`${dir}/late.db`, "local");
    await rejects(catalog.ping(), isCode("catalog_database_not_found"));
    await Deno.copyFile(`${FIXTURES}/null_stats/pyiceberg_catalog.db`, `${dir}/late.db`);
    await catalog.ping();
    await catalog.close();
  });
});

Deno.test("SqlCatalog waits for a writer's lock without blocking, and obeys a signal meanwhile", async () => {
  await withDatabase([V0, PROPERTIES, row("db", "t")], async (catalog, path) => {
    // Another process: POSIX locks of two SQLite libraries in one process do not meet.
    const program = `
      import { DatabaseSync } from "node:sqlite";
      const db = new DatabaseSync(Deno.args[0]);
      db.exec("BEGIN EXCLUSIVE");
      console.log("locked");
      await Deno.stdin.read(new Uint8Array(1));
      db.exec("COMMIT");`;
    const writer = new Deno.Command(Deno.execPath(), {
      args: ["eval", program, path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const output = writer.stdout.getReader();
    await output.read();
    const waiting = catalog.listTables();
    const hurried = catalog.listTables({ signal: AbortSignal.timeout(60) });
    await rejects(hurried, isCode("deadline_exceeded"));
    await writer.stdin.close();
    strictEqual((await waiting).length, 1);
    await output.cancel();
    await writer.status;
  });
});

fixtureTest(
  "SqlCatalog opens files whose paths hold spaces, percent signs and question marks",
  async () => {
    await inTempDir(async (dir) => {
      const path = `${dir}/a b%20c?d#e.db`;
      await Deno.copyFile(`${FIXTURES}/null_stats/pyiceberg_catalog.db`, path);
      const catalog = open(path, "local");
      deepStrictEqual(await names(catalog), ["default.test_nulls"]);
      await catalog.close();
      deepStrictEqual([...Deno.readDirSync(dir)].length, 1);
    });
  },
);

Deno.test("SqlCatalog takes an empty database for a new catalog", async () => {
  await withDatabase([V0, PROPERTIES], async (catalog) => {
    await catalog.ping();
    deepStrictEqual(await names(catalog), []);
  });
});

Deno.test("SqlCatalog refuses calls after close()", async () => {
  await withDatabase([V0, PROPERTIES], async (catalog) => {
    await catalog.ping();
    await catalog.close();
    await rejects(catalog.ping(), isCode("catalog_closed"));
  });
});
