/** What drls writes into catalogs, beside the other engines that write into the same ones. */
import assert from "node:assert/strict";
import { type Catalog, openCatalog, parseCatalogConfig } from "../../lib/catalog/mod.ts";
import { rejectsWith } from "../support/rejects.ts";
import {
  assertColumnsOnce,
  commitIds,
  commitOne,
  definitionOf,
  field,
  PATIENT,
  raceColumns,
  settingProperties,
  storeOf,
} from "../support/writable_tables.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import { PeerProcess, SparkSession } from "./_peer_process.ts";
import { findJar, peerTest } from "./_peers.ts";
import { startNessie, startRestFixture } from "./_rest_servers.ts";
import { startSqld } from "../support/sqld.ts";

const OPTIONS = { dataDir: null, storageRoots: [] };

function open(config: unknown, storageRoots: readonly string[] = []): Catalog {
  const options = { ...OPTIONS, storageRoots };
  return openCatalog(parseCatalogConfig(config, options), options);
}

async function inTempDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "drls-write-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A partitioned, sorted table with nested columns. */
const RICH = {
  schema: new Schema({
    schemaId: 0,
    fields: [
      { ...field(1, "id"), required: true },
      field(2, "name", { kind: "string" }),
      field(3, "at", { kind: "timestamptz" }),
      field(4, "place", {
        kind: "struct",
        fields: [field(5, "lat", { kind: "double" }), field(6, "lon", { kind: "double" })],
      }),
      field(7, "tags", {
        kind: "list",
        elementId: 8,
        elementRequired: false,
        element: { kind: "string" },
      }),
    ],
    identifierFieldIds: [1],
  }),
  spec: {
    specId: 0,
    fields: [
      { sourceIds: [3], fieldId: 1000, name: "at_day", transform: { kind: "day" } },
      {
        sourceIds: [1],
        fieldId: 1001,
        name: "id_bucket",
        transform: { kind: "bucket", numBuckets: 4 },
      },
    ],
  },
  sortOrder: {
    orderId: 1,
    fields: [{
      sourceIds: [2],
      transform: { kind: "identity" },
      direction: "asc",
      nullOrder: "nulls-first",
    }],
  },
} as const;

peerTest("tables made here open in PyIceberg on one SQLite file, and racing commits lose nothing", [
  "pyiceberg",
], {
  fn: async () => {
    await inTempDir(async (dir) => {
      await Deno.mkdir(`${dir}/wh`);
      await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
      const uri = `sqlite:///${dir}/catalog.db`;
      const catalog = open({ catalog_type: "sql", warehouse: `${dir}/wh`, uri });
      const location = await catalog.createTable(
        definitionOf("db.inner.t", { properties: { ...PATIENT, by: "drls" } }),
      );
      const properties = JSON.stringify({ type: "sql", uri, warehouse: `file://${dir}/wh` });
      const seen = await pyiceberg("pyiceberg_tables_of.py", [properties, "drls", "db.inner.t"]);
      assert.equal(seen["db.inner.t"].rows, 1);
      assert.equal(seen["db.inner.t"].properties.by, "drls");
      const store = storeOf(catalog, location);
      const args = [properties, "drls", "db.inner.t", "py", "12"];
      await using peer = new PeerProcess("pyiceberg", "pyiceberg_commits.py", args);
      await peer.hear("READY");
      await peer.tell("go");
      const own = await raceColumns([store, storeOf(catalog, location)], { commits: 12 });
      const theirs = JSON.parse((await peer.hear("FIGURES")).text);
      const acknowledged = [...own.acknowledged, ...theirs.acknowledged];
      assert.equal(acknowledged.length, 36);
      const table = await store.load();
      assertColumnsOnce(table, { acknowledged, unknown: own.unknown });
      // The row that PyIceberg appended is still there: no commit went back behind it.
      assert.equal(table.metadata.snapshots.length, 1);
      await catalog.close();
    });
  },
});

peerTest("tables of every format version, partitioned and nested, open in PyIceberg", [
  "pyiceberg",
], {
  fn: async () => {
    await inTempDir(async (dir) => {
      await Deno.mkdir(`${dir}/wh`);
      await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
      const uri = `sqlite:///${dir}/catalog.db`;
      const catalog = open({ catalog_type: "sql", warehouse: `${dir}/wh`, uri });
      const gzip = { "write.metadata.compression-codec": "gzip" };
      await catalog.createTable(definitionOf("db.v1", { formatVersion: 1 }));
      await catalog.createTable(definitionOf("db.v2", { properties: gzip }));
      const properties = JSON.stringify({ type: "sql", uri, warehouse: `file://${dir}/wh` });
      const seen = await pyiceberg("pyiceberg_tables_of.py", [
        properties,
        "drls",
        "db.v1",
        "db.v2",
      ]);
      assert.deepEqual(
        [seen["db.v1"], seen["db.v2"]].map(({ format_version, rows }) => [format_version, rows]),
        [[1, 1], [2, 1]],
      );
      for (const name of ["db.v1", "db.v2"]) {
        const location = await catalog.locate(name);
        const { metadata } = await commitOne(
          storeOf(catalog, location),
          settingProperties({ a: "b" }),
        );
        assert.equal(metadata.tableUuid, seen[name].uuid);
        assert.equal(metadata.snapshots.length, 1);
      }
      await catalog.close();
    });
  },
});

// deno-lint-ignore no-explicit-any -- whatever a script prints
async function pyiceberg(script: string, args: readonly string[]): Promise<any> {
  await using peer = new PeerProcess("pyiceberg", script, args);
  return JSON.parse((await peer.hear("FIGURES")).text);
}

peerTest("Spark and drls change each other's tables in one hadoop warehouse", ["spark"], {
  fn: async () => {
    await inTempDir(async (dir) => {
      const warehouse = `${dir}/wh`;
      await Deno.mkdir(warehouse);
      const catalog = open({ catalog_type: "hadoop", warehouse });
      await catalog.createTable(definitionOf("db.ours", { ...RICH, formatVersion: 2 }));
      const gzip = { "write.metadata.compression-codec": "gzip" };
      await catalog.createTable(definitionOf("db.zipped", { properties: gzip }));
      await catalog.createTable(definitionOf("db.three", { formatVersion: 3 }));
      await using spark = await SparkSession.start(warehouse, findJar("iceberg-spark-runtime"));
      await spark.sql(
        "INSERT INTO db.ours VALUES (1, 'a', timestamp '2024-01-01', struct(1d, 2d), array('x'))",
      );
      for (const name of ["db.zipped", "db.three"]) {
        await spark.sql(`INSERT INTO ${name} VALUES (1, 'a'), (2, 'b')`);
      }
      await spark.sql("CREATE TABLE db.theirs (id BIGINT, name STRING) USING iceberg");
      await spark.sql("INSERT INTO db.theirs VALUES (1, 'a')");
      for (const name of ["db.ours", "db.zipped", "db.three", "db.theirs"]) {
        // By turns: each has to go on from what the other wrote.
        for (let turn = 0; turn < 2; turn++) {
          const store = storeOf(catalog, await catalog.locate(name));
          await commitOne(store, settingProperties({ [`drls${turn}`]: "yes" }));
          await spark.sql(`REFRESH TABLE ${name}`);
          await spark.sql(`ALTER TABLE ${name} SET TBLPROPERTIES ('spark${turn}' = 'yes')`);
        }
        const { metadata } = await storeOf(catalog, await catalog.locate(name)).load();
        const turns = ["drls0", "drls1", "spark0", "spark1"];
        assert.deepEqual(turns.filter((key) => metadata.properties[key] !== "yes"), [], name);
        const shown = await spark.sql(`SHOW TBLPROPERTIES ${name}`);
        assert.deepEqual(
          turns.filter((key) => !shown.some(([property]) => property === key)),
          [],
          name,
        );
      }
      assert.deepEqual(await spark.sql("SELECT id, place.lon, tags[0] FROM db.ours"), [
        [1, 2, "x"],
      ]);
      assert.deepEqual(await spark.sql("SELECT count(*) FROM db.zipped"), [[2]]);
      const dropped = await catalog.locate("db.theirs");
      await catalog.dropTable(dropped);
      assert.deepEqual(
        (await spark.sql("SHOW TABLES IN db")).map(([, name]) => name).toSorted(),
        ["ours", "three", "zipped"],
      );
      await catalog.close();
    });
  },
});

const PATIENT_TABLE = { ...RICH, properties: PATIENT };

/** Creates, changes, races for and drops a table through a real catalog server. */
async function walkThrough(catalog: Catalog, name: string): Promise<void> {
  const created = await catalog.createTable(definitionOf(name, PATIENT_TABLE));
  await rejectsWith(catalog.createTable(definitionOf(name)), {
    kind: "already_exists",
    code: "table_exists",
  });
  const store = storeOf(catalog, created);
  const base = await store.load();
  assert.equal(base.metadata.partitionSpecs[0]?.fields.length, 2);
  const table = await commitOne(store, settingProperties({ a: "b" }));
  assert.equal(table.metadata.properties["a"], "b");
  assert.equal((await store.load()).metadata.properties["a"], "b");
  const stale = {
    requirements: [{ type: "assert-last-assigned-field-id", lastAssignedFieldId: 99 }],
    updates: [{ action: "set-properties", updates: { stale: "yes" } }],
    metadata: {
      ...base.metadata,
      properties: { ...base.metadata.properties, stale: "yes" },
    },
  } as const;
  await rejectsWith(store.commit(base, stale, commitIds()), {
    kind: "conflict",
    code: "commit_conflict",
  });
  const stores = Array.from({ length: 3 }, () => storeOf(catalog, created));
  const outcome = await raceColumns(stores, { commits: 4 });
  const names = outcome.acknowledged.concat("id", "name", "at", "place", "tags");
  assertColumnsOnce(await store.load(), { acknowledged: names, unknown: outcome.unknown });
  assert.equal(outcome.acknowledged.length, 12);
  await catalog.dropTable(created);
  const isGone = { kind: "not_found", code: "table_not_found" } as const;
  await rejectsWith(catalog.locate(name), isGone);
  await rejectsWith(store.load(), isGone);
  await rejectsWith(store.commit(table, stale, commitIds()), isGone);
  await rejectsWith(catalog.dropTable(created), isGone);
}

peerTest("the Iceberg project's REST server takes tables, commits and drops of drls", [
  "rest_fixture",
], {
  fn: async () => {
    await using server = await startRestFixture();
    const catalog = open({
      catalog_type: "rest",
      uri: server.uri,
      extra_props: { credential: "peer:secret" },
    }, [server.warehouse]);
    await walkThrough(catalog, "db.inner.most.t");
    await walkThrough(catalog, "db.u");
  },
});

peerTest("Nessie takes tables, commits and drops of drls, over files that it vends", [
  "nessie",
  "s3",
], {
  fn: async () => {
    await using server = await startNessie();
    const catalog = open({
      catalog_type: "rest",
      uri: server.uri,
      warehouse: server.warehouse,
    });
    await walkThrough(catalog, "db.inner.t");
    const created = await catalog.createTable(definitionOf("db.files"));
    const table = await commitOne(storeOf(catalog, created), settingProperties({ a: "b" }));
    const location = `${table.metadata.location}/data/one`;
    await table.io.createIfAbsent(location, new Uint8Array([1]));
    assert.equal((await table.io.stat(location))?.sizeBytes, 1);
  },
});

peerTest("a real libSQL server takes tables, commits and drops of drls", ["sqld"], {
  fn: async () => {
    await inTempDir(async (dir) => {
      await using server = await startSqld();
      const catalog = open({ catalog_type: "sql", warehouse: dir, uri: server.url });
      await catalog.ping();
      await walkThroughFiles(catalog, "db.t");
      await catalog.close();
    });
  },
});

/** As {@linkcode walkThrough}, where every commit is a swap and so none is stale by requirement. */
async function walkThroughFiles(catalog: Catalog, name: string): Promise<void> {
  const created = await catalog.createTable(definitionOf(name, { properties: PATIENT }));
  const stores = Array.from({ length: 3 }, () => storeOf(catalog, created));
  const outcome = await raceColumns(stores, { commits: 5 });
  const table = await storeOf(catalog, created).load();
  assertColumnsOnce(table, outcome);
  assert.equal(outcome.acknowledged.length, 15);
  await rejectsWith(catalog.dropTable(created), { kind: "conflict", code: "commit_conflict" });
  await catalog.dropTable(await catalog.locate(name));
  await rejectsWith(catalog.locate(name), { kind: "not_found", code: "table_not_found" });
  const next = await catalog.createTable(definitionOf(name));
  assert.deepEqual(await catalog.locate(name), next);
}
