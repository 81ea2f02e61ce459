/** The hadoop catalog over local disk: the fixtures of other engines, links, many tables. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { formatIdentifier } from "../../lib/iceberg/ports.ts";
import { currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import { loadTable } from "../../lib/catalog/load/mod.ts";
import { type Catalog, openCatalog } from "../../lib/catalog/mod.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { FIXTURES, fixtureTest } from "../support/fixtures.ts";
import { definitionOf } from "../support/writable_tables.ts";

/** Every table of the fixtures, and the last metadata file that its writer made. */
const CURRENT: Readonly<Record<string, string>> = {
  "add_columns_with_defaults.default.db.add_columns_with_defaults":
    "00003-3f1801a5-7dfb-4072-b14a-39cd12f9279b.metadata.json",
  "column_mapping.warehouse.default.db.my_table":
    "00001-75643dae-a7a7-46ae-ab30-ea80d3793f3f.metadata.json",
  "equality_deletes.warehouse.mydb.mytable": "v7.metadata.json",
  "equality_deletes.warehouse.mydb.mytable_partitioned": "v6.metadata.json",
  "hive_partitioned_table": "v4.metadata.json",
  "hyperparam.athena.example": "00001-aaf0d033-d06b-43c7-be60-67f83abd4aca.metadata.json",
  "hyperparam.java.bunnies": "v5.metadata.json",
  "hyperparam.spark.bunnies": "v5.metadata.json",
  "hyperparam.spark.rename_column": "v3.metadata.json",
  "legacy_bare_deletion_vector.warehouse.default.legacy_bare_deletion_vector":
    "00002-legacy-bare-dv.metadata.json",
  "lineitem.lineitem_iceberg": "v2.metadata.json",
  "lineitem.lineitem_iceberg_gz": "v2.gz.metadata.json",
  "map_stats.default.db.map_stats": "00002-0e059d4b-e5e8-41af-a763-76cbf3a3d0bc.metadata.json",
  "name_mapping.warehouse_1.mydb.t1": "v7.metadata.json",
  "null_stats.default.test_nulls": "00003-9d6a621e-8a72-4190-a880-f6ca02e32b86.metadata.json",
  "partition_bigint": "v2.metadata.json",
  "partition_decimal_integer": "v2.metadata.json",
  "partition_timestamp.default.db.partition_timestamp":
    "00001-0c9938a5-103e-4185-b46d-331368ae4db7.metadata.json",
  "uuid": "00001-43fda1f4-1c96-4376-ad16-91beb71d0759.metadata.json",
};

function open(warehouse: string): Catalog {
  const config = { type: "hadoop", name: "drls", warehouse, uri: null, extraProps: {} } as const;
  return openCatalog(config, { dataDir: null, storageRoots: [] });
}

const names = async (catalog: Catalog) => (await catalog.listTables()).map(formatIdentifier);

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

async function inTempDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function makeTable(folder: string, version = 1): Promise<void> {
  await Deno.mkdir(`${folder}/metadata`, { recursive: true });
  await Deno.writeTextFile(`${folder}/metadata/v${version}.metadata.json`, "{}");
}

fixtureTest("every table of the fixtures is listed, and nothing else", async () => {
  deepStrictEqual(await names(open(FIXTURES)), Object.keys(CURRENT));
});

fixtureTest(
  "every table of the fixtures resolves to the last metadata file that was written",
  async () => {
    for (const warehouse of [FIXTURES, `file://${FIXTURES}/`, `file:${FIXTURES}`]) {
      const catalog = open(warehouse);
      for (const [name, file] of Object.entries(CURRENT)) {
        const location = await catalog.locate(name);
        ok(location.kind === "file");
        strictEqual(location.metadataLocation.split("/").at(-1), file, name);
        strictEqual(location.metadataLocation, `${location.foundAt}/metadata/${file}`);
        strictEqual(formatIdentifier(location.identifier), name);
        strictEqual(
          (await Deno.stat(location.metadataLocation.replace(/^file:(\/\/)?/, ""))).isFile,
          true,
        );
      }
    }
  },
);

fixtureTest(
  "every table of the fixtures loads, read-only: all were copied from elsewhere",
  async () => {
    const catalog = open(FIXTURES);
    for (const name of Object.keys(CURRENT)) {
      const table = await loadTable(await catalog.locate(name), { openStorage });
      ok(table.metadata.schemas.length > 0, name);
      ok(table.readOnly !== null, name);
      const manifestList = currentSnapshot(table.metadata)?.manifestList;
      if (manifestList) ok((await table.io.read(manifestList)).length > 0, name);
    }
  },
);

fixtureTest("namespaces of the fixtures are the folders above tables", async () => {
  const namespaces = (await open(FIXTURES).listNamespaces()).map((levels) => levels.join("."));
  ok(namespaces.includes("add_columns_with_defaults.default.db"));
  ok(namespaces.includes("hyperparam.spark"));
  ok(!namespaces.includes("bad_data"), "it holds a file but no table");
  ok(!namespaces.some((name) => name.includes("metadata")));
});

fixtureTest("the same holds without any hint file", async () => {
  await inTempDir(async (dir) => {
    for (const [name, file] of Object.entries(CURRENT)) {
      const location = await open(FIXTURES).locate(name);
      ok(location.kind === "file" && location.foundAt !== null);
      const folder = `${dir}/${location.foundAt.slice(FIXTURES.length + 1)}/metadata`;
      await Deno.mkdir(folder, { recursive: true });
      for (const entry of Deno.readDirSync(`${location.foundAt}/metadata`)) {
        if (entry.name === "version-hint.text") continue;
        await Deno.copyFile(
          `${location.foundAt}/metadata/${entry.name}`,
          `${folder}/${entry.name}`,
        );
      }
      const found = await open(dir).locate(name);
      ok(found.kind === "file");
      strictEqual(found.metadataLocation, `${folder}/${file}`, name);
    }
  });
});

Deno.test("links that run in circles end, and name every table under its own name", async () => {
  await inTempDir(async (dir) => {
    await makeTable(`${dir}/db/t`);
    await Deno.symlink(dir, `${dir}/db/up`);
    await Deno.symlink(`${dir}/db`, `${dir}/db/self`);
    await Deno.symlink(`${dir}/db`, `${dir}/again`);
    await Deno.symlink("/", `${dir}/db/outside`);
    await Deno.symlink(`${dir}/nowhere`, `${dir}/db/dangling`);
    const started = performance.now();
    const found = await names(open(dir));
    ok(performance.now() - started < 2_000);
    ok(found.includes("db.t"));
    ok(found.every((name) => name.endsWith(".t")));
    strictEqual(new Set(found).size, found.length);
    ok(found.length <= 4, String(found));
  });
});

Deno.test("a warehouse that is missing, a file, or a table says so", async () => {
  await inTempDir(async (dir) => {
    await rejects(open(`${dir}/none`).ping(), isCode("warehouse_not_found"));
    await rejects(open(`${dir}/none`).listTables(), isCode("warehouse_not_found"));
    await Deno.writeTextFile(`${dir}/file`, "");
    await rejects(open(`${dir}/file`).ping(), isCode("warehouse_not_found"));
    await makeTable(`${dir}/db/t`);
    await rejects(open(`${dir}/db/t`).ping(), isCode("warehouse_is_table"));
    await open(dir).ping();
    await Deno.mkdir(`${dir}/empty`);
    await open(`${dir}/empty`).ping();
    deepStrictEqual(await names(open(`${dir}/empty`)), []);
  });
});

Deno.test("createTable() takes no empty folder, which is a namespace, but a beginning of its own", async () => {
  await inTempDir(async (dir) => {
    const catalog = open(dir);
    await Deno.mkdir(`${dir}/db/space`, { recursive: true });
    await Deno.mkdir(`${dir}/db/begun/metadata`, { recursive: true });
    await rejects(
      catalog.createTable(definitionOf("db.space")),
      (error) => error instanceof AppError && error.code === "namespace_exists",
    );
    await catalog.createTable(definitionOf("db.begun"));
    deepStrictEqual(await names(catalog), ["db.begun"]);
  });
});

Deno.test("an empty folder is a namespace, as CREATE NAMESPACE leaves it", async () => {
  await inTempDir(async (dir) => {
    await Deno.mkdir(`${dir}/a/b`, { recursive: true });
    await Deno.mkdir(`${dir}/_hidden`);
    deepStrictEqual(await open(dir).listNamespaces(), [["a"], ["a", "b"]]);
  });
});

Deno.test("a table is found while its writer commits, at one version or the next", async () => {
  await inTempDir(async (dir) => {
    await makeTable(`${dir}/db/t`);
    const catalog = open(dir);
    let version = 1;
    const writer = (async () => {
      for (; version < 200; version++) await makeTable(`${dir}/db/t`, version + 1);
    })();
    let last = 0;
    while (version < 200) {
      const before = version;
      const location = await catalog.locate("db.t");
      ok(location.kind === "file");
      const found = Number(/v(\d+)\.metadata/.exec(location.metadataLocation)?.[1]);
      ok(found >= before && found >= last, `found ${found} after ${before}`);
      last = found;
    }
    await writer;
  });
});

Deno.test("2,000 tables are listed, each once", async () => {
  await inTempDir(async (dir) => {
    for (let i = 0; i < 2_000; i++) {
      Deno.mkdirSync(`${dir}/ns${i % 50}/t${i}/metadata`, { recursive: true });
      Deno.writeFileSync(`${dir}/ns${i % 50}/t${i}/metadata/v1.metadata.json`, new Uint8Array());
    }
    const [tables, namespaces] = await Promise.all([
      names(open(dir)),
      open(dir).listNamespaces(),
    ]);
    strictEqual(new Set(tables).size, 2_000);
    strictEqual(namespaces.length, 50);
  });
});

Deno.test("a folder that leads out of the warehouse hides no other", () =>
  inTempDir(async (dir) => {
    const warehouse = `${dir}/wh`;
    await makeTable(`${warehouse}/db/good`);
    await makeTable(`${dir}/outside/t`);
    await Deno.mkdir(`${warehouse}/db/bad`);
    await Deno.symlink(`${dir}/outside/t/metadata`, `${warehouse}/db/bad/metadata`);
    await Deno.symlink(`${dir}/outside`, `${warehouse}/metadata`);
    const catalog = open(warehouse);
    deepStrictEqual(await names(catalog), ["db.good"]);
    await rejects(catalog.locate("db.bad"), isCode("location_outside_warehouse"));
  }));
