import assert from "node:assert/strict";
import type { StorageSpec } from "../../../../lib/storage/mod.ts";
import { createDirectReader } from "../../../../lib/tables/read/mod.ts";
import {
  dataFile,
  type MemoryTable,
  SNAPSHOT_TIME_MS,
  TABLE_LOCATION,
  writeMemoryTable,
} from "../../../support/memory_table.ts";
import { rejectsWith } from "../../../support/rejects.ts";

const CURRENT = { snapshotId: null, ref: null, timestamp: null };
const ALL = { limit: 1_000, cursor: null };
const FILES = { ...ALL, at: CURRENT, content: null };

function readerOf({ io }: MemoryTable, options: { nowMs?: number; cacheBytes?: number } = {}) {
  const { nowMs = SNAPSHOT_TIME_MS + 3_600_000, cacheBytes = 1e6 } = options;
  return createDirectReader({ openStorage: () => io, cacheBytes, clock: { now: () => nowMs } });
}

const files = (count: number, prefix = "f") => ({
  files: Array.from({ length: count }, (_, i) => dataFile(`${prefix}${i}`)),
});

Deno.test("schema() shows engine types, comments, partitioning and order", async () => {
  const table = await writeMemoryTable([]);
  const schema = await readerOf(table).schema(table.location);
  assert.equal(schema.table, "db.events");
  assert.deepEqual(schema.columns, [
    { name: "id", type: "bigint", nullable: false, comment: null, id: 1 },
    { name: "ts", type: "timestamp_ntz", nullable: true, comment: "when", id: 2 },
    { name: "region", type: "string", nullable: true, comment: null, id: 3 },
    { name: "amount", type: "decimal(10,2)", nullable: true, comment: null, id: 4 },
  ]);
  assert.deepEqual(schema.partition_by, ["day(ts)", "region"]);
  assert.deepEqual(schema.sort_order, ["ts desc nulls last"]);
  assert.deepEqual(schema.identifier_columns, ["id"]);
  assert.equal(schema.read_only, null);
});

Deno.test("snapshots() come newest first with exact ids and the refs that hold them", async () => {
  const table = await writeMemoryTable([files(1, "a"), files(1, "b"), files(1, "c")]);
  const { snapshots, current_snapshot_id } = await readerOf(table).snapshots(table.location, ALL);
  const ids = ["9007199254740995", "9007199254740994", "9007199254740993"];
  assert.deepEqual(snapshots.map((one) => one.snapshot_id), ids);
  assert.deepEqual(snapshots.map((one) => one.parent_id), [...ids.slice(1), null]);
  assert.deepEqual(snapshots.map((one) => one.refs), [["main"], [], []]);
  assert.equal(current_snapshot_id, ids[0]);
  assert.equal(snapshots[0]?.timestamp, "2026-01-01T00:02:00.000Z");
});

Deno.test("snapshots() and files() in pages add up to the whole list", async () => {
  const table = await writeMemoryTable([files(3, "a"), files(4, "b"), files(2, "c")]);
  const reader = readerOf(table);
  const wholeFiles = (await reader.files(table.location, FILES)).files.map((one) => one.file_path);
  assert.equal(wholeFiles.length, 9);
  for (const limit of [1, 2, 4, 9]) {
    const paged: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await reader.files(table.location, { ...FILES, limit, cursor });
      assert.ok(page.files.length <= limit);
      paged.push(...page.files.map((one) => one.file_path));
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
    assert.deepEqual(paged, wholeFiles);
  }
  const first = await reader.snapshots(table.location, { limit: 2, cursor: null });
  const second = await reader.snapshots(table.location, {
    limit: 2,
    cursor: first.next_cursor ?? "",
  });
  assert.deepEqual([first.snapshots.length, second.snapshots.length], [2, 1]);
  assert.equal(second.next_cursor, undefined);
});

Deno.test("files() shows partition values as text and 64-bit numbers exactly", async () => {
  const table = await writeMemoryTable([{
    files: [dataFile("a", { partition: [20_000, null] })],
  }]);
  const { files: [file] } = await readerOf(table).files(table.location, FILES);
  assert.deepEqual(file?.partition, { ts_day: "2024-10-04", region: null });
  assert.equal(file?.snapshot_id, "9007199254740993");
  assert.equal(file?.sequence_number, "1");
});

Deno.test("files() travels by id, ref and time", async () => {
  const table = await writeMemoryTable([files(1, "a"), files(1, "b")]);
  const reader = readerOf(table);
  const countAt = async (at: Partial<typeof CURRENT> | Record<string, string>) =>
    (await reader.files(table.location, { ...FILES, at: { ...CURRENT, ...at } })).files.length;
  assert.equal(await countAt({ snapshotId: "9007199254740993" }), 1);
  assert.equal(await countAt({ ref: "main" }), 2);
  assert.equal(await countAt({ timestamp: "2026-01-01T00:00:30Z" }), 1);
  await rejectsWith(countAt({ ref: "nope" }), { kind: "not_found", code: "ref_not_found" });
  await rejectsWith(countAt({ timestamp: "yesterday" }), {
    kind: "invalid",
    code: "invalid_timestamp",
  });
});

Deno.test("files() filters by content", async () => {
  const deletes = dataFile("d", { content: "position_deletes" });
  const table = await writeMemoryTable([files(2), { files: [deletes] }]);
  const reader = readerOf(table);
  const contents = async (content: "data" | "position_deletes" | "equality_deletes") =>
    (await reader.files(table.location, { ...FILES, content })).files.map((one) => one.content);
  assert.deepEqual(await contents("data"), ["data", "data"]);
  assert.deepEqual(await contents("position_deletes"), ["position_deletes"]);
  assert.deepEqual(await contents("equality_deletes"), []);
});

Deno.test("files() keeps to a cursor's snapshot and refuses one that is gone", async () => {
  const table = await writeMemoryTable([files(2)]);
  const reader = readerOf(table);
  const page = await reader.files(table.location, { ...FILES, limit: 1 });
  const other = await writeMemoryTable([]);
  const query = { ...FILES, cursor: page.next_cursor ?? "" };
  await rejectsWith(readerOf(other).files(other.location, query), {
    kind: "invalid",
    code: "invalid_cursor",
  });
});

Deno.test("files() of a table without snapshots are none", async () => {
  const table = await writeMemoryTable([]);
  const list = await readerOf(table).files(table.location, FILES);
  assert.deepEqual([list.snapshot_id, list.files], [null, []]);
});

Deno.test("what was read under one name or store is not shown under another", async () => {
  const [first, second] = [await writeMemoryTable([files(1)]), await writeMemoryTable([files(2)])];
  const S3 = {
    kind: "s3",
    region: "r",
    pathStyle: true,
    credentials: null,
    roots: null,
  } as const;
  const at = (endpoint: string) => ({
    ...first.location,
    foundAt: null,
    storage: { local: null, s3: { ...S3, endpoint } },
  });
  const openStorage = ({ s3 }: StorageSpec) => s3?.endpoint === "http://b" ? second.io : first.io;
  const clock = { now: () => SNAPSHOT_TIME_MS };
  const reader = createDirectReader({ openStorage, cacheBytes: 1e6, clock });
  const count = async (endpoint: string) => [
    (await reader.health(at(endpoint))).data_file_count,
    (await reader.files(at(endpoint), FILES)).files.length,
  ];
  assert.deepEqual(await count("http://a"), [1, 1]);
  assert.deepEqual(await count("http://b"), [2, 2]);
  const identifier = { namespace: ["db"], name: "alias" };
  assert.equal((await reader.health({ ...at("http://a"), identifier })).table, "db.alias");
});

Deno.test("a hadoop table that was dropped and created anew under the same path is read anew", async () => {
  const [old, anew] = [await writeMemoryTable([files(1)]), await writeMemoryTable([])];
  assert.ok(old.location.kind === "file" && anew.location.kind === "file");
  const { metadataLocation } = old.location;
  const location = { ...old.location, foundAt: TABLE_LOCATION };
  const reader = readerOf(old);
  const counts = async () => [
    (await reader.snapshots(location, ALL)).snapshots.length,
    (await reader.health(location)).data_file_count,
  ];
  assert.deepEqual(await counts(), [1, 1]);
  await old.io.put(metadataLocation, await anew.io.read(anew.location.metadataLocation));
  assert.deepEqual(await counts(), [0, 0]);
});
