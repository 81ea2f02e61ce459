import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { HadoopCatalog } from "../../../lib/catalog/hadoop_catalog.ts";
import { loadTable } from "../../../lib/catalog/load/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import { MemoryFileIo } from "../../../lib/storage/mod.ts";
import { rejectsWith } from "../../support/rejects.ts";
import { definitionOf } from "../../support/writable_tables.ts";

const NOW_MS = 1_767_225_600_000;

function warehouse(io = new MemoryFileIo()) {
  const catalog = new HadoopCatalog({
    name: "drls",
    warehouse: "/wh",
    io,
    storage: { local: null, s3: null },
    clock: { now: () => NOW_MS },
  });
  return { io, catalog };
}

const isTaken = { kind: "already_exists", code: "table_exists" } as const;

Deno.test("createTable() makes a table that is found, listed and read", async () => {
  const { io, catalog } = warehouse();
  const created = await catalog.createTable(definitionOf("a.b.t", { properties: { p: "q" } }));
  assert.deepEqual(io.locations(), [
    "/wh/a/b/t/metadata/v1.metadata.json",
    "/wh/a/b/t/metadata/version-hint.text",
  ]);
  assert.deepEqual(await catalog.locate("a.b.t"), created);
  assert.deepEqual(await catalog.locateExactly(created.identifier), created);
  assert.deepEqual(await catalog.listTables(), [created.identifier]);
  assert.deepEqual(await catalog.listNamespaces(), [["a"], ["a", "b"]]);
  const { metadata, readOnly } = await loadTable(created, { openStorage: () => io });
  assert.equal(readOnly, null);
  assert.equal(metadata.location, "/wh/a/b/t");
  assert.equal(metadata.lastUpdatedMs, NOW_MS);
  assert.deepEqual({ ...metadata.properties }, { p: "q" });
});

Deno.test("createTable() gives one of many rivals the name", async () => {
  const { io, catalog } = warehouse(new MemoryFileIo({ pause: () => Promise.resolve() }));
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () =>
      catalog.createTable(definitionOf("db.t")).then(
        () => "created",
        (error) => error instanceof AppError ? error.code : String(error),
      )),
  );
  assert.equal(outcomes.filter((outcome) => outcome === "created").length, 1);
  assert.equal(outcomes.filter((outcome) => outcome === "table_exists").length, 19);
  assert.equal(io.locations().length, 2);
});

Deno.test("createTable() leaves a table alone that another engine has given its name", async () => {
  const { io, catalog } = warehouse();
  // Gzipped, and without a hint.
  await io.put("/wh/db/t/metadata/v7.gz.metadata.json", new Uint8Array([1]));
  await rejectsWith(catalog.createTable(definitionOf("db.t")), isTaken);
  assert.deepEqual(io.locations(), ["/wh/db/t/metadata/v7.gz.metadata.json"]);
});

Deno.test("createTable() takes no name of a namespace, and none inside a table", async () => {
  const { io, catalog } = warehouse();
  await catalog.createTable(definitionOf("a.b.t"));
  const before = io.locations();
  const isNamespace = { kind: "already_exists", code: "namespace_exists" } as const;
  const isInside = { kind: "already_exists", code: "namespace_is_table" } as const;
  await rejectsWith(catalog.createTable(definitionOf("a.b")), isNamespace);
  await rejectsWith(catalog.createTable(definitionOf("a")), isNamespace);
  await rejectsWith(catalog.createTable(definitionOf("a.b.t.u")), isInside);
  await rejectsWith(catalog.createTable(definitionOf("a.b.t.u.v")), isInside);
  assert.deepEqual(io.locations(), before);
});

Deno.test("createTable() puts a table where one was dropped, or was never finished", async () => {
  const { io, catalog } = warehouse();
  await io.put("/wh/db/t/metadata/snap-1.avro", new Uint8Array([1]));
  await io.put("/wh/db/t/data/a.parquet", new Uint8Array([1]));
  const created = await catalog.createTable(definitionOf("db.t"));
  assert.deepEqual(await catalog.listTables(), [created.identifier]);
});

Deno.test("createTable() writes gzip where the table asks for it", async () => {
  const { io, catalog } = warehouse();
  const properties = { "write.metadata.compression-codec": "gzip" };
  const created = await catalog.createTable(definitionOf("db.t", { properties }));
  const location = "/wh/db/t/metadata/v1.gz.metadata.json";
  assert.equal(created.kind === "file" && created.metadataLocation, location);
  assert.match(
    new TextDecoder().decode(gunzipSync(await io.read(location))),
    /"format-version": 2/,
  );
  assert.deepEqual(await catalog.locate("db.t"), created);
});

Deno.test("createTable() refuses properties that it could not keep", async () => {
  const { io, catalog } = warehouse();
  const elsewhere = definitionOf("db.t", { properties: { "write.metadata.path": "/elsewhere" } });
  await rejectsWith(catalog.createTable(elsewhere), {
    kind: "invalid",
    code: "metadata_path_not_movable",
  });
  const packed = definitionOf("db.t", {
    properties: { "write.metadata.compression-codec": "zstd" },
  });
  await rejectsWith(catalog.createTable(packed), {
    kind: "unsupported",
    code: "metadata_codec_unsupported",
  });
  assert.deepEqual(io.locations(), []);
});

const NAMES = [
  "",
  ".",
  "..",
  "_hidden",
  ".hidden",
  "a/b",
  "a\\b",
  "a\0b",
  "x".repeat(256),
  "\ud800",
];
for (const name of NAMES) {
  const shown = JSON.stringify(name.slice(0, 10));
  Deno.test(`createTable() refuses ${shown} as a level of a name`, async () => {
    const { io, catalog } = warehouse();
    const isRefused = { kind: "invalid", code: "table_name_invalid" } as const;
    for (
      const identifier of [{ namespace: ["db"], name }, { namespace: ["db", name], name: "t" }]
    ) {
      await rejectsWith(catalog.createTable({ ...definitionOf("db.t"), identifier }), isRefused);
    }
    assert.deepEqual(io.locations(), []);
  });
}

Deno.test("createTable() creates nothing of a definition that makes no valid table", async () => {
  const { io, catalog } = warehouse();
  const partition = { sourceIds: [9], fieldId: 1, name: "x", transform: { kind: "day" } } as const;
  const broken = definitionOf("db.t", { spec: { specId: 0, fields: [partition] } });
  const error = await rejectsWith(catalog.createTable(broken), {
    kind: "invalid",
    code: "table_definition_invalid",
  });
  assert.match(error.message, /"db\.t"/);
  assert.deepEqual(io.locations(), []);
});

Deno.test("createTable() stands even where the hint cannot be written", async () => {
  const { io, catalog } = warehouse();
  const error = () => new AppError("unavailable", "storage_failed", "made up");
  io.injectFault({ operation: "put", when: "before", error });
  const created = await catalog.createTable(definitionOf("db.t"));
  assert.deepEqual(await catalog.locate("db.t"), created);
});

Deno.test("createTable() says so where it cannot be told whether it was done", async () => {
  const { io, catalog } = warehouse();
  const error = () => new AppError("commit_state_unknown", "create_state_unknown", "made up");
  io.injectFault({ operation: "createIfAbsent", when: "after", error });
  await rejectsWith(catalog.createTable(definitionOf("db.t")), {
    kind: "commit_state_unknown",
    code: "create_state_unknown",
  });
});

Deno.test("createTable() does nothing once it was cancelled", async () => {
  const { io, catalog } = warehouse();
  const signal = AbortSignal.abort();
  await rejectsWith(catalog.createTable(definitionOf("db.t"), { signal }), {
    kind: "cancelled",
    code: "cancelled",
  });
  assert.deepEqual(io.locations(), []);
});

Deno.test("commit() is not what a hadoop catalog is asked for", async () => {
  const { catalog } = warehouse();
  await rejectsWith(catalog.commit(), { kind: "unsupported", code: "catalog_commit_unsupported" });
});
