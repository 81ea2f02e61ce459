/** Changing sql catalogs in SQLite files, beside other programs that hold the same files. */
import assert from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { loadTable } from "../../lib/catalog/load/mod.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { rejectsWith } from "../support/rejects.ts";
import { filesBelow, TABLES, withSqlCatalog } from "../support/sql_catalog_bed.ts";
import {
  commitIds,
  commitOne,
  definitionOf,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";

const V0 = `CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL,
  table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
  metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
  PRIMARY KEY (catalog_name, table_namespace, table_name))`;
const V1 = "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)";
const NAMESPACES = `CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL,
  namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,
  property_value VARCHAR(1000), PRIMARY KEY (catalog_name, namespace, property_key))`;

const isTaken = { kind: "already_exists", code: "table_exists" } as const;
const isConflict = { kind: "conflict", code: "commit_conflict" } as const;
const isGone = { kind: "not_found", code: "table_not_found" } as const;

Deno.test("createTable() makes of an empty database a catalog as PyIceberg does", async () => {
  await withSqlCatalog([], async ({ dir, open, sql }) => {
    const catalog = open();
    await catalog.ping();
    assert.deepEqual(await catalog.listTables(), []);
    assert.deepEqual(await catalog.listNamespaces(), []);
    await rejectsWith(catalog.locate("db.inner.t"), isGone);
    const created = await catalog.createTable(definitionOf("db.inner.t"));
    assert(created.kind === "file");
    const name = /^\/wh\/db\.inner\/t\/metadata\/00000-[0-9a-f-]{36}\.metadata\.json$/;
    assert.match(created.metadataLocation.slice(dir.length), name);
    assert.deepEqual(await sql(TABLES), [
      ["drls", "db.inner", "t", created.metadataLocation, null, "TABLE"],
    ]);
    assert.deepEqual(await sql("SELECT * FROM iceberg_namespace_properties"), [
      ["drls", "db.inner", "exists", "true"],
    ]);
    assert.deepEqual(await catalog.locate("db.inner.t"), created);
    const { metadata } = await loadTable(created, { openStorage });
    assert.equal(metadata.location, `${dir}/wh/db.inner/t`);
  });
});

Deno.test("createTable() leaves a database alone that belongs to something else", async () => {
  await withSqlCatalog(["CREATE TABLE invoices (id)"], async ({ dir, open, sql }) => {
    await rejectsWith(open().createTable(definitionOf("db.t")), {
      kind: "unavailable",
      code: "catalog_tables_missing",
    });
    assert.deepEqual(await sql("SELECT name FROM sqlite_master"), [["invoices"]]);
    assert.deepEqual(await filesBelow(`${dir}/wh`), []);
  });
});

Deno.test("createTable() keeps to schema V0 where that is what there is", async () => {
  await withSqlCatalog([V0, NAMESPACES], async ({ open, sql }) => {
    const created = await open().createTable(definitionOf("db.t"));
    assert(created.kind === "file");
    assert.deepEqual(await sql(TABLES), [["drls", "db", "t", created.metadataLocation, null]]);
  });
});

Deno.test("createTable() puts tables where their namespace says", async () => {
  await withSqlCatalog([V0, V1, NAMESPACES], async ({ dir, open, sql }) => {
    await sql(`INSERT INTO iceberg_namespace_properties VALUES
      ('drls', 'db', 'location', '${dir}/wh/elsewhere/'), ('drls', 'out', 'location', '/out')`);
    const created = await open().createTable(definitionOf("db.t"));
    assert(created.kind === "file");
    assert(created.metadataLocation.startsWith(`${dir}/wh/elsewhere/t/metadata/00000-`));
    // The namespace has properties: it needs no mark of its existence.
    assert.equal((await sql("SELECT * FROM iceberg_namespace_properties")).length, 2);
    await rejectsWith(open().createTable(definitionOf("out.t")), {
      kind: "unsupported",
      code: "location_outside_warehouse",
    });
  });
});

Deno.test("createTable() gives no two tables one folder, also after a rename and a drop", async () => {
  await withSqlCatalog([], async ({ open, sql }) => {
    const catalog = open();
    const first = await catalog.createTable(definitionOf("db.t"));
    await sql("UPDATE iceberg_tables SET table_name = 'renamed'");
    const second = await catalog.createTable(definitionOf("db.t"));
    await catalog.dropTable(second);
    const third = await catalog.createTable(definitionOf("db.t"));
    const folders = [first, second, third].map((location) => {
      assert(location.kind === "file");
      return location.metadataLocation.replace(/\/metadata\/.*/, "").replace(/.*\//, "");
    });
    assert.equal(folders[0], "t");
    assert.equal(new Set(folders).size, 3);
    assert(folders.slice(1).every((folder) => /^t-[0-9a-f]{8}$/.test(folder)));
  });
});

Deno.test("createTable() gives one of many rivals the name, and leaves no file of the others", async () => {
  await withSqlCatalog([], async ({ dir, open }) => {
    const rivals = Array.from({ length: 6 }, () => open());
    const outcomes = await Promise.all(
      rivals.map((catalog) =>
        catalog.createTable(definitionOf("db.t")).then(
          () => "created",
          (error) => error instanceof AppError ? error.code : String(error),
        )
      ),
    );
    assert.deepEqual(outcomes.toSorted(), ["created", ...Array(5).fill("table_exists")]);
    assert.equal((await filesBelow(`${dir}/wh`)).length, 1);
  });
});

Deno.test("createTable() takes no name that a view has", async () => {
  await withSqlCatalog([V0, V1, NAMESPACES], async ({ open, sql }) => {
    await sql(`INSERT INTO iceberg_tables VALUES ('drls', 'db', 'v', '/wh/v.json', NULL, 'VIEW')`);
    await rejectsWith(open().createTable(definitionOf("db.v")), isTaken);
  });
});

for (
  const [what, identifier] of Object.entries({
    "no namespace": { namespace: [], name: "t" },
    "a dot in a level, which would be read as two": { namespace: ["a.b"], name: "t" },
    "a slash": { namespace: ["db"], name: "a/b" },
    "more than the columns hold": { namespace: Array(3).fill("x".repeat(90)), name: "t" },
  })
) {
  Deno.test(`createTable() refuses names with ${what}`, async () => {
    await withSqlCatalog([], async ({ open, sql }) => {
      await rejectsWith(open().createTable({ ...definitionOf("db.t"), identifier }), {
        kind: "invalid",
        code: "table_name_invalid",
      });
      assert.deepEqual(await sql("SELECT name FROM sqlite_master"), []);
    });
  });
}

Deno.test("commit() moves the pointer, remembers the one before, and numbers the file", async () => {
  await withSqlCatalog([], async ({ open, sql }) => {
    const catalog = open();
    const location = await catalog.createTable(definitionOf("db.t"));
    const store = storeOf(catalog, location);
    const one = await store.load();
    const two = await commitOne(store, settingProperties({ a: "b" }));
    assert.match(two.metadataLocation, /\/00001-[0-9a-f-]{36}\.metadata\.json$/);
    assert.deepEqual(await sql(TABLES), [
      ["drls", "db", "t", two.metadataLocation, one.metadataLocation, "TABLE"],
    ]);
    const gzip = { "write.metadata.compression-codec": "gzip" };
    const three = await commitOne(store, settingProperties(gzip));
    assert.match(three.metadataLocation, /\/00002-[0-9a-f-]{36}\.gz\.metadata\.json$/);
    assert.equal((await store.load()).metadata.properties["a"], "b");
  });
});

Deno.test("commit() names the file for the operation, so that a dead one's leftovers can be found", async () => {
  await withSqlCatalog([], async ({ open }) => {
    const catalog = open();
    const store = storeOf(catalog, await catalog.createTable(definitionOf("db.t")));
    const base = await store.load();
    const ids = commitIds();
    const change = { requirements: [], updates: [], metadata: base.metadata };
    const table = await store.commit(base, change, ids);
    assert(table.metadataLocation.endsWith(`/00001-${ids.operationId}.metadata.json`));
  });
});

Deno.test("commit() on what is no longer current is a conflict and leaves no file", async () => {
  await withSqlCatalog([], async ({ dir, open, sql }) => {
    const catalog = open();
    const store = storeOf(catalog, await catalog.createTable(definitionOf("db.t")));
    const base = await store.load();
    await commitOne(store, settingProperties({ a: "b" }));
    const files = await filesBelow(`${dir}/wh`);
    const change = { requirements: [], updates: [], metadata: base.metadata };
    const error = await rejectsWith(store.commit(base, change, commitIds()), isConflict);
    assert.equal(error.retryable, true);
    assert.deepEqual(await filesBelow(`${dir}/wh`), files);
    await sql("DELETE FROM iceberg_tables");
    await rejectsWith(store.commit(base, change, commitIds()), isGone);
    await rejectsWith(store.load(), isGone);
    assert.deepEqual(await filesBelow(`${dir}/wh`), files);
  });
});

Deno.test("commit() writes metadata where the table's properties say, not beyond the warehouse", async () => {
  await withSqlCatalog([], async ({ dir, open }) => {
    const catalog = open();
    const store = storeOf(catalog, await catalog.createTable(definitionOf("db.t")));
    const inside = { "write.metadata.path": `${dir}/wh/meta/` };
    const table = await commitOne(store, settingProperties(inside));
    assert(table.metadataLocation.startsWith(`${dir}/wh/meta/00001-`));
    const outside = commitOne(store, settingProperties({ "write.metadata.path": `${dir}/out` }));
    await rejectsWith(outside, { kind: "unsupported", code: "location_outside_warehouse" });
    assert.deepEqual((await store.load()).metadataLocation, table.metadataLocation);
  });
});

Deno.test("dropTable() removes the row it saw, and no file", async () => {
  await withSqlCatalog([], async ({ dir, open, sql }) => {
    const catalog = open();
    const location = await catalog.createTable(definitionOf("db.t"));
    const files = await filesBelow(`${dir}/wh`);
    const store = storeOf(catalog, location);
    await commitOne(store, settingProperties({ a: "b" }));
    await rejectsWith(catalog.dropTable(location), isConflict);
    await catalog.dropTable(await catalog.locate("db.t"));
    assert.deepEqual(await sql(TABLES), []);
    assert.equal((await filesBelow(`${dir}/wh`)).length, files.length + 1);
    await rejectsWith(catalog.dropTable(location), isGone);
    // The namespace goes on.
    assert.deepEqual(await catalog.listNamespaces(), [["db"]]);
  });
});

Deno.test("a table that took the name since is not dropped", async () => {
  await withSqlCatalog([], async ({ open }) => {
    const catalog = open();
    const old = await catalog.createTable(definitionOf("db.t"));
    await catalog.dropTable(old);
    const next = await catalog.createTable(definitionOf("db.t"));
    await rejectsWith(catalog.dropTable(old), isConflict);
    assert.deepEqual(await catalog.locate("db.t"), next);
  });
});
