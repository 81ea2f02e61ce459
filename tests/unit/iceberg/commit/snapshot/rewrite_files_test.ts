import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import {
  RewriteConflictError,
  rewriteFiles,
  type RewriteOptions,
} from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { SnapshotAction } from "../../../../../lib/iceberg/commit/snapshot/snapshot_producer.ts";
import type { DataFile } from "../../../../../lib/iceberg/manifest/data_file.ts";
import type { FormatVersion } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import {
  dataFile,
  deletionVector,
  emptyMetadata,
  equalityDeletes,
  positionDeletes,
  TestTable,
} from "./_table.ts";

const A = dataFile("a");
const B = dataFile("b");
const C = dataFile("c", { partition: ["us"] });
const AB = dataFile("ab", { recordCount: 20 });

/** Files a and b in region eu, c in us. */
async function threeFiles(formatVersion: FormatVersion): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(formatVersion));
  await table.run(mergeAppend({ files: [A, B, C] }));
  return table;
}

/** The compaction of a and b into one file, planned now. */
function compaction(table: TestTable, more: Partial<RewriteOptions> = {}): SnapshotAction {
  return rewriteFiles({
    replaced: [{ dataFile: A }, { dataFile: B }],
    added: [AB],
    startingSnapshotId: table.head.snapshotId,
    ...more,
  });
}

/** Deletes rows, having looked at the table as it is now. */
async function deleteRows(table: TestTable, ...deletes: DataFile[]): Promise<void> {
  await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
}

/** The conflicts with which a commit is refused, as names. */
async function conflictsOf(table: TestTable, action: SnapshotAction) {
  const before = await table.files();
  try {
    await table.run(action);
  } catch (error) {
    assert(error instanceof RewriteConflictError);
    assert.equal(error.retryable, false);
    assert.deepEqual(await table.files(), before, "a refused rewrite leaves nothing behind");
    const short = (path: string) => path.slice(path.lastIndexOf("/") + 1).replace(/\..*/, "");
    return error.conflicts.map(({ filePath, reason, deletes }) => ({
      file: short(filePath),
      reason,
      deletes: deletes.map((one) => short(one.dataFile.filePath)).sort(),
    })).sort((x, y) => x.file < y.file ? -1 : 1);
  }
  throw new Error("The rewrite was committed");
}

for (const formatVersion of [1, 2, 3] as const) {
  Deno.test(`rewriteFiles() replaces files of a v${formatVersion} table, with their numbers in the manifest`, async () => {
    const table = await threeFiles(formatVersion);
    const first = table.head;
    await table.run(compaction(table));
    const { head } = table;
    assert.deepEqual(await table.names(), ["ab", "c"]);
    assert.equal(head.summary["operation"], "replace");
    const number = (snapshot: typeof head) => formatVersion === 1 ? 0n : snapshot.sequenceNumber;
    const entries = (await table.entries()).map((entry) => [
      entry.dataFile.filePath.replace(/.*\//, ""),
      entry.status,
      entry.snapshotId,
      entry.sequenceNumber,
      entry.fileSequenceNumber,
    ]);
    assert.deepEqual(entries, [
      ["ab.parquet", "added", head.snapshotId, number(head), number(head)],
      ["a.parquet", "deleted", head.snapshotId, number(first), number(first)],
      ["b.parquet", "deleted", head.snapshotId, number(first), number(first)],
      ["c.parquet", "existing", first.snapshotId, number(first), number(first)],
    ]);
  });
}

Deno.test("rewriteFiles() keeps what was appended meanwhile", async () => {
  const table = await threeFiles(2);
  const action = compaction(table);
  await table.run(mergeAppend({ files: [dataFile("late")] }));
  await table.run(action);
  assert.deepEqual(await table.names(), ["ab", "c", "late"]);
});

Deno.test("rewriteFiles() gives added files the sequence number asked for, but not the manifest", async () => {
  const table = await threeFiles(2);
  const start = table.head;
  const action = compaction(table, { dataSequenceNumber: start.sequenceNumber });
  await table.run(mergeAppend({ files: [dataFile("late")] }));
  await table.run(action);
  const added = (await table.entries()).find(({ dataFile: file }) => file.filePath === AB.filePath);
  assert.equal(added?.sequenceNumber, start.sequenceNumber);
  assert.equal(added?.fileSequenceNumber, table.head.sequenceNumber);
  const [manifest] = await table.manifests();
  assert.equal(manifest?.sequenceNumber, table.head.sequenceNumber);
  assert.equal(manifest?.minSequenceNumber, start.sequenceNumber);
});

// StarRocks #77709: validated from the snapshot that was current at the commit, a rewrite sees no
// delete that came between its planning and its commit, and brings the deleted rows back.
Deno.test("rewriteFiles() finds deletes that came after planning, not after the commit began", async () => {
  const table = await threeFiles(2);
  const action = compaction(table);
  await deleteRows(table, positionDeletes("pos", A));
  await table.run(mergeAppend({ files: [dataFile("later")] }));
  const conflicts = await conflictsOf(table, action);
  assert.deepEqual(conflicts, [{ file: "a", reason: "deleted", deletes: ["pos"] }]);
  assert.deepEqual((await table.plan())["a"], ["pos"]);
});

// iceberg-go #1427: the rewrite of a file that a concurrent delete touches must not succeed because
// the deletes were looked for among those of the rewrite's own base alone.
Deno.test("rewriteFiles() finds a delete that slips in between two attempts of its commit", async () => {
  const table = await threeFiles(2);
  const action = compaction(table);
  const first = table.attempt();
  await action.apply(first);
  await deleteRows(table, positionDeletes("pos", B));
  const second = table.attempt({ operationId: first.operationId, attempt: 2 });
  await assert.rejects(table.run(action, second), { code: "rewrite_conflict" });
  assert.deepEqual(await table.names(), ["a", "b", "c", "pos"]);
});

Deno.test("rewriteFiles() tells which files are touched, so that the others can be committed", async () => {
  const table = await threeFiles(2);
  const startingSnapshotId = table.head.snapshotId;
  const all = compaction(table, {
    replaced: [{ dataFile: A }, { dataFile: B }, { dataFile: C }],
    added: [AB, dataFile("c2", { partition: ["us"] })],
  });
  await deleteRows(table, positionDeletes("p1", A), equalityDeletes("e1", { partition: ["us"] }));
  await table.run(deleteFiles({ files: [{ dataFile: B }] }));
  assert.deepEqual(await conflictsOf(table, all), [
    { file: "a", reason: "deleted", deletes: ["p1"] },
    { file: "b", reason: "removed", deletes: [] },
    { file: "c", reason: "deleted", deletes: ["e1"] },
  ]);
  const untouched = rewriteFiles({
    replaced: [{ dataFile: C }],
    added: [dataFile("c2", { partition: ["us"] })],
    startingSnapshotId,
    dataSequenceNumber: 1n,
  });
  await table.run(untouched);
  assert.deepEqual(await table.plan(), { "a": ["p1"], "c2": ["e1"] });
});

Deno.test("rewriteFiles() lets equality deletes go on applying where files keep their age", async () => {
  const table = await threeFiles(2);
  const dataSequenceNumber = table.head.sequenceNumber;
  const keeping = compaction(table, { dataSequenceNumber });
  const renewing = compaction(table);
  await deleteRows(table, equalityDeletes("eq"));
  const touched = ["a", "b"].map((file) => ({ file, reason: "deleted", deletes: ["eq"] }));
  assert.deepEqual(await conflictsOf(table, renewing), touched);
  await table.run(keeping);
  assert.deepEqual(await table.plan(), { "ab": ["eq"], "c": [] });
});

Deno.test("rewriteFiles() heeds equality deletes without a partition, and not those of another", async () => {
  const table = await threeFiles(2);
  const bound = compaction(table);
  await deleteRows(table, equalityDeletes("everywhere", { specId: 1, partition: [] }));
  assert.deepEqual((await conflictsOf(table, bound)).map((one) => one.file), ["a", "b"]);
  const free = compaction(table);
  await deleteRows(table, equalityDeletes("elsewhere", { partition: ["us"] }));
  await table.run(free);
  assert.deepEqual(await table.plan(), { "ab": [], "c": ["elsewhere", "everywhere"] });
});

Deno.test("rewriteFiles() refuses new position deletes even where files keep their age", async () => {
  const table = await threeFiles(2);
  const action = compaction(table, { dataSequenceNumber: table.head.sequenceNumber });
  await deleteRows(table, positionDeletes("in-partition", null));
  const conflicts = await conflictsOf(table, action);
  assert.deepEqual(conflicts.map((one) => one.file), ["a", "b"]);
});

Deno.test("rewriteFiles() does not mind deletes that it has applied, and takes their files along", async () => {
  const table = await threeFiles(2);
  const pos = positionDeletes("pos", A);
  await deleteRows(table, pos);
  await table.run(
    compaction(table, {
      added: [dataFile("ab", { recordCount: 19 })],
      replacedDeletes: [{ dataFile: pos }],
    }),
  );
  assert.deepEqual(await table.plan(), { "ab": [], "c": [] });
  assert.equal(table.head.summary["removed-position-delete-files"], "1");
  assert.equal(table.head.summary["total-delete-files"], "0");
});

Deno.test("rewriteFiles() takes deletion vectors of replaced files with them", async () => {
  const table = await threeFiles(3);
  await deleteRows(table, deletionVector("dv", A, 4), deletionVector("dv", C, 54));
  await table.run(compaction(table, { added: [dataFile("ab", { recordCount: 19 })] }));
  assert.deepEqual(await table.plan(), { "ab": [], "c": ["dv@54"] });
  assert.equal(table.head.summary["removed-dvs"], "1");
  assert.equal(table.head.summary["total-delete-files"], "1");
});

Deno.test("rewriteFiles() refuses a deletion vector that came or was renewed since", async () => {
  const table = await threeFiles(3);
  const fresh = compaction(table);
  await deleteRows(table, deletionVector("dv1", A));
  const expected = (name: string) => [{ file: "a", reason: "deleted", deletes: [name] }];
  assert.deepEqual(await conflictsOf(table, fresh), expected("dv1"));
  const informed = compaction(table);
  await deleteRows(table, deletionVector("dv2", A));
  assert.deepEqual(await conflictsOf(table, informed), expected("dv2"));
});

Deno.test("rewriteFiles() refuses files that another rewrite took", async () => {
  const table = await threeFiles(2);
  const [one, two] = [
    compaction(table),
    compaction(table, { added: [dataFile("ab2", { recordCount: 20 })] }),
  ];
  await table.run(one);
  assert.deepEqual((await conflictsOf(table, two)).map(({ file, reason }) => [file, reason]), [
    ["a", "removed"],
    ["b", "removed"],
  ]);
});

Deno.test("rewriteFiles() refuses a file that left and came back under its name", async () => {
  const table = await threeFiles(2);
  const action = compaction(table);
  await table.run(deleteFiles({ files: [{ dataFile: A }] }));
  await table.run(mergeAppend({ files: [A] }));
  assert.deepEqual(await conflictsOf(table, action), [
    { file: "a", reason: "removed", deletes: [] },
  ]);
});

Deno.test("rewriteFiles() refuses to build on a snapshot that was rolled back or expired", async () => {
  const table = await threeFiles(2);
  const first = table.head;
  await deleteRows(table, positionDeletes("pos", A));
  const action = compaction(table, { added: [dataFile("ab", { recordCount: 19 })] });
  const { metadata } = table;
  const main = metadata.refs.get("main");
  assert(main !== undefined);
  const refs = new Map([["main", { ...main, snapshotId: first.snapshotId }]]);
  table.replace({ ...metadata, refs, currentSnapshotId: first.snapshotId });
  await assert.rejects(table.run(action), { kind: "conflict", code: "starting_snapshot_lost" });
  const unknown = compaction(table, { startingSnapshotId: 77n });
  await assert.rejects(table.run(unknown), { code: "starting_snapshot_lost" });
});

Deno.test("rewriteFiles() is not fooled by the expiry of snapshots in between", async () => {
  const table = await threeFiles(2);
  const action = compaction(table);
  await deleteRows(table, positionDeletes("pos", A));
  const between = table.head.snapshotId;
  await table.run(mergeAppend({ files: [dataFile("late")] }));
  const { metadata } = table;
  // Expired in the middle, so that the walk from the head no longer reaches the start.
  const snapshots = metadata.snapshots.filter((one) => one.snapshotId !== between);
  table.replace({ ...metadata, snapshots });
  await assert.rejects(table.run(action), { code: "starting_snapshot_lost" });
});

Deno.test("rewriteFiles() refuses ages that would make deletes miss rows, or hit others", async () => {
  const table = await threeFiles(2);
  await table.run(mergeAppend({ files: [dataFile("d")] }));
  await assert.rejects(table.run(compaction(table, { dataSequenceNumber: 3n })), RangeError);
  const young = compaction(table, {
    replaced: [{ dataFile: A }, { dataFile: dataFile("d") }],
    dataSequenceNumber: 1n,
  });
  await assert.rejects(table.run(young), RangeError);
  await table.run(compaction(table, { dataSequenceNumber: 1n }));
});

Deno.test("rewriteFiles() refuses to make rows, or to write where nothing is replaced", () => {
  const startingSnapshotId = 1n;
  const replaced = [{ dataFile: A }];
  assert.throws(
    () => rewriteFiles({ replaced, added: [A, B], startingSnapshotId }),
    RangeError,
  );
  assert.throws(() => rewriteFiles({ replaced, added: [A], startingSnapshotId }), TypeError);
  assert.throws(() => rewriteFiles({ startingSnapshotId }), TypeError);
  assert.throws(
    () => rewriteFiles({ added: [A], replacedDeletes: [{ dataFile: B }], startingSnapshotId }),
    TypeError,
  );
});

Deno.test("rewriteFiles() swaps position delete files for others of the same age", async () => {
  const table = await threeFiles(2);
  const small = [positionDeletes("p1", A), positionDeletes("p2", A)];
  for (const file of small) await deleteRows(table, file);
  const sequenceNumber = table.head.sequenceNumber;
  const concurrent = compaction(table, { added: [dataFile("ab", { recordCount: 18 })] });
  await table.run(
    rewriteFiles({
      replacedDeletes: small.map((file) => ({ dataFile: file })),
      addedDeletes: [{ file: positionDeletes("p12", A, { recordCount: 2 }), sequenceNumber }],
      startingSnapshotId: table.head.snapshotId,
    }),
  );
  assert.deepEqual((await table.plan())["a"], ["p12"]);
  // Says the same as before, so that a compaction that has applied p1 and p2 still holds.
  await table.run(concurrent);
  assert.deepEqual(await table.plan(), { "ab": [], "c": [] });
});

Deno.test("rewriteFiles() takes rewritten deletes for new ones, unless they keep their age", async () => {
  const table = await threeFiles(2);
  const pos = positionDeletes("p1", A);
  await deleteRows(table, pos);
  const concurrent = compaction(table, { added: [dataFile("ab", { recordCount: 18 })] });
  await table.run(
    rewriteFiles({
      replacedDeletes: [{ dataFile: pos }],
      addedDeletes: [{ file: positionDeletes("p2", A) }],
      startingSnapshotId: table.head.snapshotId,
    }),
  );
  // They may say more than those before them: nobody can tell.
  assert.deepEqual(await conflictsOf(table, concurrent), [
    { file: "a", reason: "deleted", deletes: ["p2"] },
  ]);
});

Deno.test("rewriteFiles() leaves row ids of other files as they were", async () => {
  const table = await threeFiles(3);
  await table.run(compaction(table));
  const ids = Object.fromEntries(
    (await table.live()).map(({ entry: { dataFile: file } }) => [
      file.filePath.replace(/.*\/|\.parquet/g, ""),
      file.firstRowId,
    ]),
  );
  assert.deepEqual(ids, { ab: 30n, c: 20n });
  // 20 rows added; the existing 10 take room, too, as the specification counts them.
  assert.deepEqual([table.head.firstRowId, table.head.addedRows], [30n, 30n]);
  assert.equal(table.metadata.nextRowId, 60n);
});

Deno.test("rewriteFiles() reads only manifests that may list a replaced file", async () => {
  const table = new TestTable(emptyMetadata(2));
  const regions = Array.from({ length: 40 }, (_, i) => `r${i}`);
  const files = regions.map((region) => dataFile(region, { partition: [region] }));
  for (const file of files) await table.run(mergeAppend({ files: [file] }));
  const readsOf = async (more: Partial<RewriteOptions>) => {
    const before = table.io.calls.filter((call) => call.operation === "read").length;
    await table.run(compaction(table, more));
    return table.io.calls.filter((call) => call.operation === "read").length - before;
  };
  const replaced = files.slice(3, 5).map((file) => ({ dataFile: file }));
  // The manifest list and two manifests.
  assert.equal(await readsOf({ replaced, added: [dataFile("r3-4", { recordCount: 20 })] }), 3);
  // Without partitions the age of files leaves out older manifests.
  const plain = ["p1", "p2", "p3"].map((name) => dataFile(name, { specId: 1, partition: [] }));
  for (const file of plain) await table.run(mergeAppend({ files: [file] }));
  const last = (await table.live()).find(({ entry }) =>
    entry.dataFile.filePath === plain[2]?.filePath
  );
  assert(last !== undefined);
  const added = [dataFile("p4", { specId: 1, partition: [] })];
  assert.equal(await readsOf({ replaced: [last.entry], added }), 2);
});
