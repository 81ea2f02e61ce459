import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { RemoveDanglingDeletes } from "../../../../../lib/iceberg/commit/snapshot/remove_dangling_deletes.ts";
import { rewriteFiles } from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { DataFile } from "../../../../../lib/iceberg/manifest/data_file.ts";
import type { FormatVersion } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import {
  dataFile,
  deletionVector,
  emptyMetadata,
  equalityDeletes,
  positionDeletes,
  shortName,
  TestTable,
} from "./_table.ts";

const A = dataFile("a");
const B = dataFile("b");
const C = dataFile("c", { partition: ["us"] });
const EVERYWHERE = { specId: 1, partition: [] };

async function threeFiles(formatVersion: FormatVersion = 2): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(formatVersion));
  await table.run(mergeAppend({ files: [A, B, C] }));
  return table;
}

async function deleteRows(table: TestTable, ...deletes: DataFile[]): Promise<void> {
  await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
}

async function compact(table: TestTable, files: DataFile[], into: DataFile): Promise<void> {
  const replaced = files.map((file) => ({ dataFile: file }));
  const startingSnapshotId = table.head.snapshotId;
  await table.run(rewriteFiles({ replaced, added: [into], startingSnapshotId }));
}

/** Removes what dangles, and says what that was. */
async function clean(table: TestTable): Promise<string[]> {
  const before = await table.plan();
  const action = new RemoveDanglingDeletes();
  await table.run(action);
  assert.deepEqual(await table.plan(), before, "no delete that applied is gone");
  return action.removed.map((entry) => shortName(entry.dataFile)).sort();
}

Deno.test("RemoveDanglingDeletes leaves deletes that apply", async () => {
  const table = await threeFiles();
  await deleteRows(
    table,
    positionDeletes("p-a", A),
    positionDeletes("p-all", null),
    equalityDeletes("e-us", { partition: ["us"] }),
    equalityDeletes("e-every", EVERYWHERE),
  );
  const { head } = table;
  assert.deepEqual(await clean(table), []);
  assert.equal(table.head, head);
});

Deno.test("RemoveDanglingDeletes removes what compaction left, in a replace snapshot", async () => {
  const table = await threeFiles();
  await deleteRows(
    table,
    positionDeletes("p-a", A),
    positionDeletes("p-all", null),
    equalityDeletes("e-eu"),
    equalityDeletes("e-us", { partition: ["us"] }),
    equalityDeletes("e-every", EVERYWHERE),
  );
  await compact(table, [A], dataFile("a2"));
  assert.deepEqual(await clean(table), ["p-a"]);
  await compact(table, [B], dataFile("b2"));
  assert.deepEqual(await clean(table), ["e-eu", "p-all"]);
  assert.equal(table.head.summary["operation"], "replace");
  assert.equal(table.head.summary["removed-delete-files"], "2");
  await compact(table, [C], dataFile("c2", { partition: ["us"] }));
  assert.deepEqual(await clean(table), ["e-every", "e-us"]);
  assert.equal(table.head.summary["total-delete-files"], "0");
});

Deno.test("RemoveDanglingDeletes keeps equality deletes that rewritten files still need", async () => {
  const table = await threeFiles();
  const startingSnapshotId = table.head.snapshotId;
  const action = rewriteFiles({
    replaced: [{ dataFile: A }, { dataFile: B }],
    added: [dataFile("ab")],
    startingSnapshotId,
    dataSequenceNumber: table.head.sequenceNumber,
  });
  await deleteRows(table, equalityDeletes("e"));
  await table.run(action);
  assert.deepEqual(await clean(table), []);
  assert.deepEqual((await table.plan())["ab"], ["e"]);
});

Deno.test("RemoveDanglingDeletes looks at all partitions for deletes that reach all of them", async () => {
  const table = await threeFiles();
  await deleteRows(table, equalityDeletes("e-every", EVERYWHERE));
  assert.deepEqual(await clean(table), []);
  assert.deepEqual((await table.plan())["c"], ["e-every"]);
});

Deno.test("RemoveDanglingDeletes keeps deletes of as many rows as came with them", async () => {
  const table = await threeFiles();
  await table.run(deleteFiles({ files: [{ dataFile: A }, { dataFile: B }] }));
  // Position deletes reach rows of their own snapshot, equality deletes do not.
  const rows = [dataFile("d")];
  const deletes = [positionDeletes("pos", null), equalityDeletes("eq")];
  await table.run(rowDelta({ rows, deletes, startingSnapshotId: table.head.snapshotId }));
  assert.deepEqual(await clean(table), ["eq"]);
});

Deno.test("RemoveDanglingDeletes removes position deletes that a deletion vector has taken over", async () => {
  const table = await threeFiles();
  await deleteRows(table, positionDeletes("p-a", A), positionDeletes("p-b", B));
  table.replace({ ...table.metadata, formatVersion: 3, nextRowId: 0n });
  await deleteRows(table, deletionVector("v", A));
  assert.deepEqual(await clean(table), ["p-a"]);
  assert.deepEqual(await table.plan(), { a: ["v@4"], b: ["p-b"], c: [] });
});

Deno.test("RemoveDanglingDeletes decides by the table that it commits to", async () => {
  const table = await threeFiles();
  await deleteRows(table, positionDeletes("p-a", A), positionDeletes("p-b", B));
  const before = table.head;
  await compact(table, [A], dataFile("a2"));
  const action = new RemoveDanglingDeletes();
  const first = table.attempt();
  await action.apply(first);
  assert.deepEqual(action.removed.map((entry) => shortName(entry.dataFile)), ["p-a"]);
  // Rolled back: file a is live again, and its deletes apply.
  const { metadata } = table;
  const main = metadata.refs.get("main");
  assert(main !== undefined);
  const refs = new Map([["main", { ...main, snapshotId: before.snapshotId }]]);
  table.replace({ ...metadata, refs, currentSnapshotId: before.snapshotId });
  await table.run(action, table.attempt({ operationId: first.operationId, attempt: 2 }));
  assert.deepEqual(action.removed, []);
  assert.deepEqual(await table.plan(), { a: ["p-a"], b: ["p-b"], c: [] });
  assert((await table.files()).every((location) => !location.includes(first.operationId)));
});

Deno.test("RemoveDanglingDeletes does nothing to a table without snapshots", async () => {
  const table = new TestTable(emptyMetadata(2));
  await table.run(new RemoveDanglingDeletes());
  assert.equal(table.metadata.currentSnapshotId, null);
});
