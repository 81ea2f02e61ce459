import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import { formatIdentifier } from "../../../lib/iceberg/ports.ts";
import { HadoopCatalog } from "../../../lib/catalog/hadoop_catalog.ts";
import { walkWarehouse } from "../../../lib/catalog/_warehouse_walk.ts";
import { MemoryFileIo } from "../../../lib/storage/memory_file_io.ts";

const WAREHOUSE = "s3://lake/wh";
const STORAGE = { local: null, s3: null };

async function storeWith(...paths: readonly string[]): Promise<MemoryFileIo> {
  const io = new MemoryFileIo();
  for (const path of paths) await io.put(`${WAREHOUSE}/${path}`, new TextEncoder().encode("{}"));
  return io;
}

const open = (io: MemoryFileIo, warehouse = WAREHOUSE) =>
  new HadoopCatalog({ name: "drls", warehouse, io, storage: STORAGE });

async function names(...paths: readonly string[]) {
  const catalog = open(await storeWith(...paths));
  const [tables, namespaces] = await Promise.all([catalog.listTables(), catalog.listNamespaces()]);
  return {
    tables: tables.map(formatIdentifier),
    namespaces: namespaces.map((levels) => levels.join(".")),
  };
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

Deno.test("listTables() finds tables at the root, in namespaces and in nested ones, sorted", async () => {
  const found = await names(
    "z/metadata/v1.metadata.json",
    "db/events/metadata/v1.metadata.json",
    "a/b/c/t/metadata/00000-x.metadata.json",
    "db.x/t/metadata/v1.gz.metadata.json",
  );
  deepStrictEqual(found.tables, ["a.b.c.t", "db.events", "db.x.t", "z"]);
  deepStrictEqual(found.namespaces, ["a", "a.b", "a.b.c", "db", "db.x"]);
});

Deno.test("listTables() never enters a table's own folders", async () => {
  const io = await storeWith(
    "db/t/metadata/v1.metadata.json",
    "db/t/data/nested/metadata/v1.metadata.json",
  );
  const tables = await open(io).listTables();
  deepStrictEqual(tables.map(formatIdentifier), ["db.t"]);
  const listed = io.calls.filter((call) => call.operation === "listFolder");
  deepStrictEqual(
    listed.map((call) => call.location.slice(WAREHOUSE.length)).sort(),
    ["", "/db", "/db/metadata", "/db/t/metadata", "/metadata"],
  );
});

Deno.test("listTables() passes over hidden folders, stray files and the wrecks of tables", async () => {
  const found = await names(
    ".hidden/t/metadata/v1.metadata.json",
    "_spark_metadata/t/metadata/v1.metadata.json",
    "db/_tmp/metadata/v1.metadata.json",
    "db/README.md",
    "files/only.parquet",
    "db/wreck/metadata/snap-1.avro",
    "db/wreck/data/day=1/f.parquet",
    "db/ok/metadata/v1.metadata.json",
  );
  deepStrictEqual(found, { tables: ["db.ok"], namespaces: ["db"] });
});

Deno.test("listTables() takes a namespace called metadata for what it is", async () => {
  const found = await names(
    "metadata/t/metadata/v1.metadata.json",
    "db/metadata/t/metadata/v1.metadata.json",
  );
  deepStrictEqual(found.tables, ["db.metadata.t", "metadata.t"]);
});

Deno.test("listTables() and listNamespaces() asked together walk once", async () => {
  const io = await storeWith("db/a/metadata/v1.metadata.json", "db/b/metadata/v1.metadata.json");
  const catalog = open(io);
  await Promise.all([catalog.listTables(), catalog.listNamespaces()]);
  // Root and its metadata, db and its metadata, and one listing for each table.
  strictEqual(io.calls.filter((call) => call.operation === "listFolder").length, 6);
});

Deno.test("listTables() sees a table that was created before it was called, even beside a slower call", async () => {
  const io = await storeWith("db/a/metadata/v1.metadata.json");
  const catalog = open(io);
  const early = catalog.listTables();
  await Promise.resolve().then(() => {}).then(() => {});
  await io.put(`${WAREHOUSE}/db/b/metadata/v1.metadata.json`, new Uint8Array());
  strictEqual((await catalog.listTables()).length, 2);
  await early;
});

Deno.test("a walk goes on for one caller when another gives up, and stops when all have", async () => {
  const io = await storeWith("db/a/metadata/v1.metadata.json");
  const catalog = open(io);
  const impatient = new AbortController();
  const gone = catalog.listTables({ signal: impatient.signal });
  const patient = catalog.listTables({ signal: new AbortController().signal });
  impatient.abort();
  await rejects(gone, isCode("cancelled"));
  strictEqual((await patient).length, 1);
  const all = new AbortController();
  const nobody = catalog.listTables({ signal: all.signal });
  all.abort();
  await rejects(nobody, isCode("cancelled"));
});

Deno.test("locate() finds plain, nested and root tables", async () => {
  const io = await storeWith(
    "t/metadata/v1.metadata.json",
    "db/t/metadata/v2.metadata.json",
    "a/b/t/metadata/v3.metadata.json",
  );
  const catalog = open(io);
  const found = await catalog.locate("a.b.t");
  deepStrictEqual(found, {
    kind: "file",
    identifier: { namespace: ["a", "b"], name: "t" },
    metadataLocation: `${WAREHOUSE}/a/b/t/metadata/v3.metadata.json`,
    storage: STORAGE,
    foundAt: `${WAREHOUSE}/a/b/t`,
  });
  deepStrictEqual((await catalog.locate("t")).identifier, { namespace: [], name: "t" });
  deepStrictEqual((await catalog.locate("db.t")).identifier, { namespace: ["db"], name: "t" });
});

Deno.test("locate() finds every table that is listed, also where folder names hold dots", async () => {
  const io = await storeWith(
    "x/default.db/t/metadata/v1.metadata.json",
    "x/default.db/t.v2/metadata/v1.metadata.json",
    "x.y/z.w.t/metadata/v1.metadata.json",
    "a.b.c/metadata/v1.metadata.json",
  );
  const catalog = open(io);
  for (const identifier of await catalog.listTables()) {
    const found = await catalog.locate(formatIdentifier(identifier));
    deepStrictEqual(found.identifier, identifier);
  }
});

Deno.test("locate() prefers more levels where a name fits several tables", async () => {
  const catalog = open(
    await storeWith(
      "a.b/c/metadata/v1.metadata.json",
      "a/b.c/metadata/v1.metadata.json",
      "a.b.c/metadata/v1.metadata.json",
    ),
  );
  deepStrictEqual((await catalog.locate("a.b.c")).identifier, { namespace: ["a"], name: "b.c" });
  const withPlain = open(
    await storeWith("a/b/c/metadata/v1.metadata.json", "a/b.c/metadata/v1.metadata.json"),
  );
  deepStrictEqual((await withPlain.locate("a.b.c")).identifier, {
    namespace: ["a", "b"],
    name: "c",
  });
});

Deno.test("locate() rejects what is not there, hidden, or a way out", async () => {
  const catalog = open(
    await storeWith("db/t/metadata/v1.metadata.json", "db/_t/metadata/v1.metadata.json"),
  );
  for (
    const name of ["db.nope", "nope", "db", "db._t", "db...t", "..", "", "db/t", "db.t.", ".db.t"]
  ) {
    await rejects(catalog.locate(name), isCode("table_not_found"), name);
  }
});

Deno.test("locate() gives up on a name that too many folders begin like", async () => {
  const name = Array.from({ length: 24 }, () => "a").join(".");
  const paths: string[] = [];
  const grow = (levels: readonly string[]) => {
    if (levels.length === 8) return void paths.push([...levels, "x"].join("/"));
    for (const step of ["a", "a.a"]) grow([...levels, step]);
  };
  grow([]);
  await rejects(open(await storeWith(...paths)).locate(name), isCode("table_name_ambiguous"));
});

Deno.test("ping() names a missing warehouse, and one that is itself a table", async () => {
  const missing = new HadoopCatalog({
    name: "drls",
    warehouse: WAREHOUSE,
    io: new MemoryFileIo(),
    storage: STORAGE,
    warehouseExists: () => Promise.resolve(false),
  });
  await rejects(missing.ping(), isCode("warehouse_not_found"));
  await rejects(missing.listTables(), isCode("warehouse_not_found"));
  const table = open(await storeWith("db/t/metadata/v1.metadata.json"), `${WAREHOUSE}/db/t/`);
  await rejects(table.ping(), isCode("warehouse_is_table"));
  await rejects(table.listTables(), isCode("warehouse_is_table"));
  await open(await storeWith("db/t/metadata/v1.metadata.json")).ping();
  deepStrictEqual(await open(new MemoryFileIo()).listTables(), []);
});

Deno.test("walkWarehouse() keeps its bounds", async () => {
  const io = await storeWith(
    "a/metadata/v1.metadata.json",
    "b/metadata/v1.metadata.json",
    "x/y/z/t/metadata/v1.metadata.json",
  );
  await rejects(walkWarehouse(io, WAREHOUSE, { maxTables: 2 }), isCode("warehouse_too_large"));
  await rejects(walkWarehouse(io, WAREHOUSE, { maxFolders: 5 }), isCode("warehouse_too_large"));
  const shallow = await walkWarehouse(io, WAREHOUSE, { maxDepth: 3 });
  deepStrictEqual(shallow.tables.map(formatIdentifier).sort(), ["a", "b"]);
});

Deno.test("walkWarehouse() reports the first failure of a listing and stops", async () => {
  const io = await storeWith("a/metadata/v1.metadata.json", "b/metadata/v1.metadata.json");
  io.injectFault({
    operation: "listFolder",
    when: "before",
    matches: (location) => location.endsWith("a/metadata"),
    error: () => new AppError("unavailable", "store_down", "Store is down", { retryable: true }),
  });
  await rejects(walkWarehouse(io, WAREHOUSE), isCode("store_down"));
});

Deno.test("listTables() passes over folders that are closed to it", async () => {
  const io = await storeWith("a/t/metadata/v1.metadata.json", "b/t/metadata/v1.metadata.json");
  const error = () => new AppError("forbidden", "storage_access_denied", "Denied");
  const matches = (location: string) => location.includes("/a");
  io.injectFault({ operation: "listFolder", when: "before", error, matches, times: 9 });
  deepStrictEqual((await open(io).listTables()).map(formatIdentifier), ["b.t"]);
});

Deno.test("listTables() fails where the warehouse was closed to it on the way", async () => {
  const io = await storeWith("a/t/metadata/v1.metadata.json", "b/t/metadata/v1.metadata.json");
  const error = () => new AppError("forbidden", "storage_access_denied", "Denied");
  let warehouseListings = 0;
  const matches = (location: string) => location !== WAREHOUSE || warehouseListings++ > 0;
  io.injectFault({ operation: "listFolder", when: "before", error, matches, times: 99 });
  await rejects(open(io).listTables(), isCode("storage_access_denied"));
});
