import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import type { SnapshotRef } from "../../../../../lib/iceberg/spec/snapshot.ts";
import {
  BY_REGION,
  dataFile,
  emptyMetadata,
  isManifest,
  LOCATION,
  NOW_MS,
  SCHEMA,
  TestTable,
} from "./_table.ts";

async function twoAppends(formatVersion: 1 | 2 | 3 = 2): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(formatVersion));
  for (const name of ["a", "b"]) await table.run(fastAppend({ files: [dataFile(name)] }));
  return table;
}

const RETENTION = { minSnapshotsToKeep: null, maxSnapshotAgeMs: null, maxRefAgeMs: null };

Deno.test("a snapshot names its files after the operation, below the table's metadata", async () => {
  const table = new TestTable(emptyMetadata(2));
  const attempt = table.attempt({ operationId: "0198-op" });
  const action = mergeAppend({
    files: [dataFile("a"), dataFile("b", { specId: 1, partition: [] })],
  });
  await table.run(action, attempt);
  assert.deepEqual(await table.files(), [
    `${LOCATION}/metadata/0198-op-m0.avro`,
    `${LOCATION}/metadata/0198-op-m1.avro`,
    `${LOCATION}/metadata/snap-${table.head.snapshotId}-1-0198-op.avro`,
  ]);
  assert.equal(action.snapshot?.snapshotId, table.head.snapshotId);
});

Deno.test("a snapshot goes where write.metadata.path says", async () => {
  const properties = { "write.metadata.path": `${LOCATION}/elsewhere/` };
  const table = new TestTable(emptyMetadata(2, { properties }));
  await table.run(mergeAppend({ files: [dataFile("a")] }));
  assert((await table.files()).every((location) => location.startsWith(`${LOCATION}/elsewhere/`)));
});

Deno.test("a snapshot of a branch moves that branch, keeps its retention, and no other", async () => {
  const table = await twoAppends();
  const { head } = table;
  const audit: SnapshotRef = {
    name: "audit",
    type: "branch",
    snapshotId: head.parentSnapshotId ?? 0n,
    ...RETENTION,
    minSnapshotsToKeep: 7,
  };
  const { metadata } = table;
  table.replace({ ...metadata, refs: new Map([...metadata.refs, ["audit", audit]]) });
  const action = mergeAppend({ files: [dataFile("c")], branch: "audit" });
  const change = await action.apply(table.attempt());
  assert.deepEqual(change.requirements, [
    { type: "assert-ref-snapshot-id", ref: "audit", snapshotId: audit.snapshotId },
  ]);
  await table.run(action);
  assert.equal(table.head, head);
  const moved = table.metadata.refs.get("audit");
  assert.equal(moved?.minSnapshotsToKeep, 7);
  const tip = table.snapshot(moved?.snapshotId ?? 0n);
  assert(tip !== undefined);
  assert.deepEqual(await table.names(tip), ["a", "c"]);
  assert.equal(tip.parentSnapshotId, audit.snapshotId);
  assert.equal(tip.summary["total-data-files"], "2");
  assert.equal(tip.sequenceNumber, 3n);
});

Deno.test("a snapshot of a new branch starts from main, and asks that nobody made it meanwhile", async () => {
  const table = await twoAppends();
  const action = mergeAppend({ files: [dataFile("c")], branch: "new" });
  const change = await action.apply(table.attempt());
  assert.deepEqual(change.requirements, [
    { type: "assert-ref-snapshot-id", ref: "new", snapshotId: null },
  ]);
  await table.run(action);
  const tip = table.snapshot(table.metadata.refs.get("new")?.snapshotId ?? 0n);
  assert(tip !== undefined);
  assert.deepEqual(await table.names(tip), ["a", "b", "c"]);
});

Deno.test("a snapshot of a tag is refused", async () => {
  const table = await twoAppends();
  const { metadata, head } = table;
  const tag: SnapshotRef = { name: "v1", type: "tag", snapshotId: head.snapshotId, ...RETENTION };
  table.replace({ ...metadata, refs: new Map([...metadata.refs, ["v1", tag]]) });
  const action = mergeAppend({ files: [dataFile("c")], branch: "v1" });
  await assert.rejects(table.run(action), { kind: "invalid", code: "ref_not_branch" });
});

Deno.test("time never runs backwards, whatever the clock says", async () => {
  const table = await twoAppends();
  const lastUpdatedMs = NOW_MS + 10_000;
  table.replace({ ...table.metadata, lastUpdatedMs });
  await table.run(mergeAppend({ files: [dataFile("c")] }), table.attempt({ nowMs: NOW_MS - 5 }));
  assert.equal(table.head.timestampMs, lastUpdatedMs);
  const nowMs = lastUpdatedMs + 1;
  await table.run(mergeAppend({ files: [dataFile("d")] }), table.attempt({ nowMs }));
  assert.equal(table.head.timestampMs, nowMs);
});

Deno.test("a snapshot id that the table has taken is given up, with what was written for it", async () => {
  const table = await twoAppends();
  const taken = table.head.snapshotId;
  const ids = [taken + 1n, taken + 2n];
  const newSnapshotId = () => ids.shift() ?? 0n;
  const action = mergeAppend({ files: [dataFile("c")] });
  const first = table.attempt({ newSnapshotId });
  await action.apply(first);
  // Somebody else draws the same number.
  const { metadata } = table;
  const rival = { ...table.head, snapshotId: taken + 1n, summary: { operation: "append" } };
  table.replace({ ...metadata, snapshots: [...metadata.snapshots, rival] });
  const { operationId } = first;
  await table.run(action, table.attempt({ operationId, attempt: 2, newSnapshotId }));
  assert.equal(table.head.snapshotId, taken + 2n);
  assert.deepEqual(await table.names(), ["a", "b", "c"]);
  const own = (await table.files()).filter((location) => location.includes(operationId));
  assert.equal(own.length, 2);
  for (const { entry, manifest } of await table.live()) {
    if (manifest.manifestPath.includes(operationId)) assert.equal(entry.snapshotId, taken + 2n);
  }
});

Deno.test("an attempt after one that went through changes nothing", async () => {
  const table = await twoAppends();
  const action = mergeAppend({ files: [dataFile("c")] });
  const first = table.attempt();
  await table.tryCommit(action, first);
  const again = table.attempt({ operationId: first.operationId, attempt: 2 });
  assert.deepEqual(await action.apply(again), { requirements: [], updates: [] });
  assert.equal(action.snapshot?.snapshotId, table.head.snapshotId);
  await action.settle?.({ kind: "committed", table: await table.load() });
  assert.deepEqual(await table.names(), ["a", "b", "c"]);
});

Deno.test("manifests are written anew where the schema has changed between attempts", async () => {
  const table = await twoAppends();
  const action = mergeAppend({ files: [dataFile("c")] });
  const first = table.attempt();
  await action.apply(first);
  const { metadata } = table;
  const wider = new Schema({ ...SCHEMA, schemaId: 1 });
  table.replace({ ...metadata, schemas: [...metadata.schemas, wider], currentSchemaId: 1 });
  await table.run(action, table.attempt({ operationId: first.operationId, attempt: 2 }));
  assert.equal(table.head.schemaId, 1);
  assert.equal((await table.files()).filter((one) => one.includes(first.operationId)).length, 2);
  assert.deepEqual(await table.names(), ["a", "b", "c"]);
});

Deno.test("files of a spec that the table has dropped meanwhile are refused", async () => {
  const table = await twoAppends();
  const action = mergeAppend({ files: [dataFile("c", { specId: 1, partition: [] })] });
  const first = table.attempt();
  await action.apply(first);
  table.replace({ ...table.metadata, partitionSpecs: [BY_REGION] });
  const second = table.attempt({ operationId: first.operationId, attempt: 2 });
  await assert.rejects(table.run(action, second), {
    kind: "conflict",
    code: "partition_spec_not_found",
  });
  assert((await table.files()).every((one) => !one.includes(first.operationId)));
});

Deno.test("a file with the wrong number of partition values is refused", async () => {
  const table = await twoAppends();
  const action = mergeAppend({ files: [dataFile("c", { partition: [] })] });
  await assert.rejects(table.run(action), TypeError);
});

Deno.test("many new files are split over manifests by the target size", async () => {
  const properties = { "commit.manifest.target-size-bytes": "40000" };
  const table = new TestTable(emptyMetadata(2, { properties }));
  const files = Array.from({ length: 5_000 }, (_, i) => dataFile(crypto.randomUUID() + i));
  await table.run(fastAppend({ files }));
  const manifests = await table.manifests();
  assert(manifests.length > 3, `${manifests.length}`);
  const sizes = manifests.map((manifest) => manifest.manifestLength);
  assert(Math.max(...sizes) < 44_000, `${sizes}`);
  assert(Math.min(...sizes) > 20_000, `${sizes}`);
  const names = (await table.live()).map(({ entry }) => entry.dataFile.filePath);
  assert.deepEqual(names, files.map((file) => file.filePath));
});

Deno.test("an append of no files makes a snapshot that tells its properties", async () => {
  const table = await twoAppends();
  await table.run(mergeAppend({ files: [], properties: { offset: "12" } }));
  assert.equal(table.head.summary["offset"], "12");
  assert.equal(table.head.summary["total-data-files"], "2");
  assert.deepEqual(await table.names(), ["a", "b"]);
});

Deno.test("manifests that v1 writers named inline are listed with their counts", async () => {
  for (const upgraded of [false, true]) {
    const table = await twoAppends(1);
    const { metadata, head } = table;
    const manifests = (await table.manifests()).map((manifest) => manifest.manifestPath);
    const inline = { ...head, manifestList: null, manifests };
    table.replace({
      ...metadata,
      ...(upgraded ? { formatVersion: 2 } : {}),
      snapshots: [...metadata.snapshots.filter((one) => one !== head), inline],
    });
    await table.run(mergeAppend({ files: [dataFile("c")] }));
    assert.deepEqual(await table.names(), ["a", "b", "c"]);
    const counts = (await table.manifests()).map((manifest) => [
      manifest.addedFilesCount,
      manifest.addedRowsCount,
      manifest.deletedFilesCount,
      manifest.sequenceNumber,
    ]);
    const number = upgraded ? 1n : 0n;
    assert.deepEqual(counts, [[1, 10, 0, number], [1, 10, 0, 0n], [1, 10, 0, 0n]]);
    const added = (await table.manifests()).map((manifest) => manifest.addedSnapshotId);
    assert.deepEqual(
      added,
      [table.head, head, metadata.snapshots[0]].map((one) => one?.snapshotId),
    );
    await table.run(deleteFiles({ paths: [dataFile("a").filePath] }));
    assert.deepEqual(await table.names(), ["b", "c"]);
  }
});

Deno.test("a removal reads only the manifests that may list a removed file", async () => {
  const properties = { "commit.manifest-merge.enabled": "false" };
  const table = new TestTable(emptyMetadata(2, { properties }));
  const count = 200;
  const files = Array.from(
    { length: count },
    (_, i) => dataFile(`f${i}`, { partition: [`region-${i}`] }),
  );
  for (const file of files) await table.run(fastAppend({ files: [file] }));
  const reads = () => table.io.calls.filter(({ operation }) => operation === "read").length;
  const uploads = table.io.countUploads(isManifest);
  const before = reads();
  const chosen = [files[7], files[123]].flatMap((file) => file === undefined ? [] : [file]);
  await table.run(deleteFiles({ files: chosen.map((file) => ({ dataFile: file })) }));
  assert.equal(reads() - before, 3);
  assert.equal(table.io.countUploads(isManifest) - uploads, 2);
  assert.equal((await table.names()).length, count - 2);
});

Deno.test("settling tries to delete every useless file before it tells what went wrong", async () => {
  const table = await twoAppends();
  const action = mergeAppend({
    files: [dataFile("c"), dataFile("d", { specId: 1, partition: [] })],
  });
  const attempt = table.attempt();
  await action.apply(attempt);
  const error = new Error("no");
  table.io.injectFault({
    operation: "delete",
    when: "before",
    error: () => error,
    matches: (location) => location.endsWith("-m0.avro"),
  });
  const settled = async () => await action.settle?.({ kind: "failed" });
  await assert.rejects(settled(), error);
  const left = (await table.files()).filter((one) => one.includes(attempt.operationId));
  assert.deepEqual(left, [`${LOCATION}/metadata/${attempt.operationId}-m0.avro`]);
});
