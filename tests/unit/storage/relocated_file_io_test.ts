import assert from "node:assert/strict";
import { LocalFileIo } from "../../../lib/storage/local_file_io.ts";
import { MemoryFileIo } from "../../../lib/storage/memory_file_io.ts";
import { isRelocated, RelocatedFileIo } from "../../../lib/storage/relocated_file_io.ts";
import { assertRejects, bytesOf, readText } from "../../support/file_io_contract_subject.ts";
import { FIXTURES, fixtureTest } from "../../support/fixtures.ts";

async function storeWith(...locations: readonly string[]): Promise<MemoryFileIo> {
  const io = new MemoryFileIo();
  for (const location of locations) await io.put(location, bytesOf(location));
  return io;
}

Deno.test("isRelocated() sees through forms of the same place", () => {
  const at = (recordedLocation: string, foundLocation: string) =>
    isRelocated({ recordedLocation, foundLocation });
  assert.equal(at("s3a://b/t/", "s3://b/t"), false);
  assert.equal(at("file:/w/t", "/w/t"), false);
  assert.equal(at("file:///w/t", "file:/w/t/"), false);
  assert.equal(at("s3://b/t", "s3://b/t2"), true);
  assert.equal(at("s3://b/t", "/b/t"), true);
  assert.equal(at("./t", "/w/t"), true);
  assert.equal(at("w/t", "/w/t"), true);
});

Deno.test("RelocatedFileIo maps every recorded form to the folder found", async () => {
  const inner = await storeWith("/found/t/metadata/snap.avro");
  const cases: readonly [recorded: string, asked: string][] = [
    ["./t", "t/metadata/snap.avro"],
    ["t", "./t/metadata/snap.avro"],
    ["file://data/persistent/t", "file://data/persistent/t/metadata/snap.avro"],
    ["file://data/persistent/t", "data/persistent/t/metadata/snap.avro"],
    ["data/persistent/t/", "data/persistent/t/metadata/snap.avro"],
    ["s3a://bucket/old/t", "s3://bucket/old/t/metadata/snap.avro"],
    ["s3://bucket/old/t", "s3a://bucket/old/t/metadata/snap.avro"],
    ["/old/place", "file:///old/place/metadata/snap.avro"],
    ["hdfs://namenode:8020/wh/t", "hdfs://namenode:8020/wh/t/metadata/snap.avro"],
    ["/old/place", "/found/t/metadata/snap.avro"],
  ];
  for (const [recordedLocation, asked] of cases) {
    const io = new RelocatedFileIo(inner, { recordedLocation, foundLocation: "/found/t" });
    assert.equal(await readText(io, asked), "/found/t/metadata/snap.avro", asked);
    const stat = await io.stat(asked);
    assert.equal(stat?.location, asked, "A stat names the location asked for");
  }
});

Deno.test("RelocatedFileIo lists under the names that the table records", async () => {
  const inner = await storeWith(
    "/found/t/data/p=1/a.parquet",
    "/found/t/metadata/v1.metadata.json",
  );
  const io = new RelocatedFileIo(inner, {
    recordedLocation: "s3://bucket/wh/t",
    foundLocation: "/found/t",
  });
  const found = await Array.fromAsync(io.listRecursive("s3a://bucket/wh/t/"));
  assert.deepEqual(found.map((stat) => stat.location).sort(), [
    "s3a://bucket/wh/t/data/p=1/a.parquet",
    "s3a://bucket/wh/t/metadata/v1.metadata.json",
  ]);
  assert.deepEqual(await io.listFolder("s3://bucket/wh/t"), [
    { name: "data", kind: "folder" },
    { name: "metadata", kind: "folder" },
  ]);
});

Deno.test("RelocatedFileIo finds files beside the table where its warehouse was copied", async () => {
  const inner = await storeWith("/new/wh/example/mock.parquet", "/new/wh/db/t/metadata/m.avro");
  const io = new RelocatedFileIo(inner, {
    recordedLocation: "data/persistent/wh/db/t",
    foundLocation: "/new/wh/db/t",
  });
  assert.equal(
    await readText(io, "data/persistent/wh/example/mock.parquet"),
    "/new/wh/example/mock.parquet",
  );
});

Deno.test("RelocatedFileIo does not take a namesake folder for the table's", async () => {
  const inner = await storeWith("/found/t/f", "s3://other/t/f");
  const io = new RelocatedFileIo(inner, {
    recordedLocation: "s3://bucket/t",
    foundLocation: "/found/t",
  });
  await assertRejects(io.read("s3://bucket/t2/f"), { kind: "not_found" });
  assert.equal(await readText(io, "s3://other/t/f"), "s3://other/t/f");
  await assertRejects(io.read("elsewhere/f"), {
    kind: "unsupported",
    code: "location_not_relocatable",
  });
});

Deno.test("RelocatedFileIo does not map the root of a file system", async () => {
  const inner = await storeWith("/b/data/f", "/data/f");
  const io = new RelocatedFileIo(inner, { recordedLocation: "/t", foundLocation: "/b/t" });
  assert.equal(await readText(io, "/data/f"), "/data/f");
});

Deno.test("RelocatedFileIo keeps a recorded path from climbing out of the table", async () => {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/wh/t`, { recursive: true });
  await Deno.writeTextFile(`${root}/secret`, "secret");
  const inner = new LocalFileIo({ kind: "local", roots: [`${root}/wh`] });
  const io = new RelocatedFileIo(inner, {
    recordedLocation: "s3://bucket/old",
    foundLocation: `${root}/wh/t`,
  });
  await assertRejects(io.read("s3://bucket/old/../../secret"), { kind: "forbidden" });
  const relative = new RelocatedFileIo(inner, {
    recordedLocation: "./t",
    foundLocation: `${root}/wh/t`,
  });
  await assertRejects(relative.read("t/../../secret"), { kind: "unsupported" });
  await Deno.remove(root, { recursive: true });
});

Deno.test("RelocatedFileIo refuses every write and says why", async () => {
  const inner = new MemoryFileIo();
  const io = new RelocatedFileIo(inner, {
    recordedLocation: "s3://bucket/wh/db/t",
    foundLocation: "/copies/t",
  });
  const writes: readonly (() => Promise<unknown>)[] = [
    () => io.createIfAbsent("s3://bucket/wh/db/t/f"),
    () => io.put("s3://bucket/wh/db/t/f"),
    () => io.openWriter("s3://bucket/wh/db/t/f"),
    () => io.delete("s3://bucket/wh/db/t/f"),
  ];
  for (const write of writes) {
    const error = await assertRejects(write(), { kind: "unsupported", code: "table_relocated" });
    assert.match(error.message, /written at "db\/t" and copied to "copies\/t"/);
  }
  assert.deepEqual(inner.calls, []);
});

Deno.test("RelocatedFileIo does not tell places apart by names that look the same", async () => {
  const io = new RelocatedFileIo(new MemoryFileIo(), {
    recordedLocation: "s3://bucket/wh/db/t",
    foundLocation: "/copies/db/t",
  });
  const error = await assertRejects(io.delete("s3://bucket/wh/db/t/f"), { kind: "unsupported" });
  assert.match(error.message, /the table was copied here from another "db\/t", so/);
});

fixtureTest("RelocatedFileIo reads tables that were copied from elsewhere", async () => {
  const fixtures = await Deno.realPath(FIXTURES);
  const inner = new LocalFileIo({ kind: "local", roots: [fixtures] });
  const cases: readonly [found: string, recorded: string, file: string][] = [
    [
      "lineitem/lineitem_iceberg",
      "./lineitem_iceberg",
      "lineitem_iceberg/metadata/snap-7817332053627255703-1-787a5996-87e9-4d93-b258-066d524e82cc.avro",
    ],
    [
      "map_stats/default.db/map_stats",
      "file://data/persistent/map_stats/default.db/map_stats",
      "file://data/persistent/map_stats/default.db/map_stats/metadata/" +
      "snap-8792170059756986233-0-8ed9efb3-5eb4-4225-a66a-2b6b46cb4d32.avro",
    ],
    [
      "hyperparam/java/bunnies",
      "s3a://hyperparam-iceberg/java/bunnies",
      "s3a://hyperparam-iceberg/java/bunnies/metadata/" +
      "snap-4951213507629824583-1-583a45a0-7389-4d71-9305-ac3a8725c38b.avro",
    ],
    [
      "partition_timestamp/default.db/partition_timestamp",
      "data/persistent/partition_timestamp/default.db/partition_timestamp",
      "data/persistent/partition_timestamp/default.db/partition_timestamp/data/" +
      "partition_col=2023-05-15T14%3A30%3A45/00000-0-6b55fc2b-ce03-407e-9585-336c4675e611.parquet",
    ],
    [
      "column_mapping/warehouse/default.db/my_table",
      "data/persistent/column_mapping/warehouse/default.db/my_table",
      "data/persistent/column_mapping/warehouse/example/mock_data.parquet",
    ],
  ];
  for (const [found, recordedLocation, file] of cases) {
    const io = new RelocatedFileIo(inner, {
      recordedLocation,
      foundLocation: `${fixtures}/${found}`,
    });
    assert.ok((await io.stat(file))?.sizeBytes, file);
    const magic = await io.read(file, { range: { offset: 0, length: 3 } });
    assert.match(new TextDecoder().decode(magic), /^(Obj|PAR)$/);
  }
});
