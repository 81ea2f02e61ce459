import assert from "node:assert/strict";
import { deleteFiles } from "../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { mergeAppend } from "../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { rewriteFiles } from "../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import {
  filesOnlyReachableFrom,
  type OnlyReachableOptions,
} from "../../../../lib/iceberg/reachability/files_only_reachable_from.ts";
import type { ReachableFile } from "../../../../lib/iceberg/reachability/reachable_file.ts";
import { reachableFiles } from "../../../../lib/iceberg/reachability/reachable_files.ts";
import {
  dataFile,
  deletionVector,
  emptyMetadata,
  equalityDeletes,
  positionDeletes,
  TestTable,
} from "../commit/snapshot/_table.ts";

/** What goes when all snapshots but the head go, by kind; manifests and lists by number only. */
async function expireAllButHead(table: TestTable, more: Partial<OnlyReachableOptions> = {}) {
  const { metadata, io, head } = table;
  const expired = metadata.snapshots.filter((one) => one !== head);
  const found = await Array.fromAsync(
    filesOnlyReachableFrom({ io, metadata, expired, kept: [head], ...more }),
  );
  return summarize(found);
}

function summarize(files: readonly ReachableFile[]) {
  const names = (kind: ReachableFile["kind"]) =>
    files.filter((file) => file.kind === kind)
      .map(({ location }) => location.slice(location.lastIndexOf("/") + 1)).sort();
  assert.equal(new Set(files.map((file) => file.location)).size, files.length);
  return {
    data: names("data"),
    position: names("position_deletes"),
    equality: names("equality_deletes"),
    manifests: names("manifest").length,
    lists: names("manifest_list").length,
    statistics: names("statistics"),
  };
}

async function threeAppends(): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(2));
  for (const name of ["a", "b", "c"]) await table.run(mergeAppend({ files: [dataFile(name)] }));
  return table;
}

Deno.test("filesOnlyReachableFrom() gives up only manifest lists where nothing was removed", async () => {
  const table = await threeAppends();
  assert.deepEqual(await expireAllButHead(table), {
    data: [],
    position: [],
    equality: [],
    manifests: 0,
    lists: 2,
    statistics: [],
  });
});

Deno.test("filesOnlyReachableFrom() gives up what a rewrite has replaced, and keeps what it made", async () => {
  const table = await threeAppends();
  await table.run(
    rewriteFiles({
      replaced: [{ dataFile: dataFile("a") }, { dataFile: dataFile("b") }],
      added: [dataFile("ab", { recordCount: 20 })],
      startingSnapshotId: table.head.snapshotId,
    }),
  );
  const found = await expireAllButHead(table);
  assert.deepEqual(found.data, ["a.parquet", "b.parquet"]);
  assert.equal(found.lists, 3);
  assert.equal(found.manifests, 2);
  assert.deepEqual(await table.names(), ["ab", "c"]);
});

Deno.test("filesOnlyReachableFrom() keeps a file that an older branch still has", async () => {
  const table = await threeAppends();
  const [, second] = table.metadata.snapshots;
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("a") }] }));
  const { metadata, io, head } = table;
  assert(second !== undefined);
  const kept = [second, head];
  const expired = metadata.snapshots.filter((one) => !kept.includes(one));
  const options = { io, metadata, expired, kept };
  const found = summarize(await Array.fromAsync(filesOnlyReachableFrom(options)));
  assert.deepEqual([found.data, found.lists], [[], 2]);
});

Deno.test("filesOnlyReachableFrom() counts deletes by their kind", async () => {
  const table = await threeAppends();
  const startingSnapshotId = table.head.snapshotId;
  const onA = positionDeletes("pos", dataFile("a"));
  await table.run(rowDelta({ deletes: [onA, equalityDeletes("eq")], startingSnapshotId }));
  await table.run(
    rowDelta({
      rows: [dataFile("d")],
      removedRows: [{ dataFile: dataFile("a") }],
      removedDeletes: [{ dataFile: onA }, { dataFile: equalityDeletes("eq") }],
      startingSnapshotId: table.head.snapshotId,
    }),
  );
  const found = await expireAllButHead(table);
  assert.deepEqual([found.data, found.position, found.equality], [
    ["a.parquet"],
    ["pos.parquet"],
    ["eq.parquet"],
  ]);
});

Deno.test("filesOnlyReachableFrom() keeps a Puffin file as long as one of its vectors is live", async () => {
  const table = new TestTable(emptyMetadata(3));
  const [a, b] = [dataFile("a"), dataFile("b")];
  await table.run(mergeAppend({ files: [a, b] }));
  const both = [deletionVector("both", a, 4), deletionVector("both", b, 54)];
  await table.run(rowDelta({ deletes: both, startingSnapshotId: table.head.snapshotId }));
  const newer = [deletionVector("newer", a, 4)];
  await table.run(rowDelta({ deletes: newer, startingSnapshotId: table.head.snapshotId }));
  assert.deepEqual((await expireAllButHead(table)).position, []);
  await table.run(deleteFiles({ files: [{ dataFile: b }] }));
  const found = await expireAllButHead(table);
  assert.deepEqual([found.data, found.position], [["b.parquet"], ["both.puffin"]]);
});

Deno.test("filesOnlyReachableFrom() finds the same in many passes as in one", async () => {
  const table = await threeAppends();
  const many = Array.from({ length: 40 }, (_, i) => dataFile(`m${i}`));
  await table.run(mergeAppend({ files: many }));
  await table.run(deleteFiles({ paths: many.slice(10).map((file) => file.filePath) }));
  const one = await expireAllButHead(table);
  assert.equal(one.data.length, 30);
  assert.deepEqual(await expireAllButHead(table, { maxLocations: 3 }), one);
});

Deno.test("filesOnlyReachableFrom() takes two names of one file for one, if told how", async () => {
  const table = new TestTable(emptyMetadata(2));
  const alias = dataFile("a", { filePath: "/alias/db/events/data/a.parquet" });
  await table.run(mergeAppend({ files: [alias] }));
  await table.run(deleteFiles({ files: [{ dataFile: alias }] }));
  await table.run(mergeAppend({ files: [dataFile("a")] }));
  const identify = (location: string) => location.replace("/alias/", "/warehouse/");
  assert.deepEqual((await expireAllButHead(table)).data, ["a.parquet"]);
  assert.deepEqual((await expireAllButHead(table, { identify })).data, []);
});

Deno.test("filesOnlyReachableFrom() gives up statistics of expired snapshots unless others share them", async () => {
  const table = await threeAppends();
  const [first, second] = table.metadata.snapshots;
  assert(first !== undefined && second !== undefined);
  const statistics = (snapshotId: bigint, name: string) => ({
    snapshotId,
    statisticsPath: `/warehouse/db/events/metadata/${name}`,
    fileSizeInBytes: 10,
    fileFooterSizeInBytes: 4,
    keyMetadata: null,
    blobMetadata: [],
  });
  table.replace({
    ...table.metadata,
    statistics: [
      statistics(first.snapshotId, "first.puffin"),
      statistics(second.snapshotId, "shared.puffin"),
      statistics(table.head.snapshotId, "shared.puffin"),
    ],
    partitionStatistics: [{
      snapshotId: second.snapshotId,
      statisticsPath: "/warehouse/db/events/metadata/partitions.parquet",
      fileSizeInBytes: 7,
    }],
  });
  const found = await expireAllButHead(table);
  assert.deepEqual(found.statistics, ["first.puffin", "partitions.parquet"]);
});

Deno.test("filesOnlyReachableFrom() fails where a kept manifest is gone, and tells of expired ones", async () => {
  const table = await threeAppends();
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("a") }] }));
  const heads = new Set((await table.manifests()).map((one) => one.manifestPath));
  const first = table.metadata.snapshots[0];
  assert(first !== undefined);
  const [old] = await table.manifests(first);
  assert(old !== undefined && !heads.has(old.manifestPath));
  await table.io.delete(old.manifestPath);
  await assert.rejects(expireAllButHead(table), { code: "file_not_found" });
  const unreadable: string[] = [];
  const found = await expireAllButHead(table, { onUnreadable: (at) => unreadable.push(at) });
  assert.deepEqual(unreadable, [old.manifestPath]);
  assert.deepEqual([found.data, found.lists], [[], 3]);
  // Another expired snapshot still shows what would have to be compared with what is kept.
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("b") }] }));
  const [kept] = await table.manifests();
  assert(kept !== undefined);
  await table.io.delete(kept.manifestPath);
  await assert.rejects(expireAllButHead(table, { onUnreadable: () => {} }), {
    code: "file_not_found",
  });
});

Deno.test("reachableFiles() gives every file in the store, and no other", async () => {
  const table = await threeAppends();
  await table.run(deleteFiles({ files: [{ dataFile: dataFile("b") }] }));
  const { io, metadata } = table;
  const found = await Array.fromAsync(reachableFiles({ io, metadata }));
  const metadataFiles = found.filter(({ location }) => location.includes("/metadata/"));
  assert.deepEqual(metadataFiles.map((file) => file.location).sort(), await table.files());
  const data = new Set(found.filter((file) => file.kind === "data").map((file) => file.location));
  assert.equal(data.size, 3);
});
