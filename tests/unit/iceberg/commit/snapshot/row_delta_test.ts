import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { rewriteFiles } from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { eq } from "../../../../../lib/iceberg/expression/expression.ts";
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

async function threeFiles(formatVersion: FormatVersion): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(formatVersion));
  await table.run(mergeAppend({ files: [A, B, C] }));
  return table;
}

Deno.test("rowDelta() names its operation by what it changes", async () => {
  const table = await threeFiles(2);
  const operationOf = async (options: Parameters<typeof rowDelta>[0]) => {
    await table.run(rowDelta({ startingSnapshotId: table.head.snapshotId, ...options }));
    return table.head.summary["operation"];
  };
  assert.equal(await operationOf({ rows: [dataFile("d")] }), "append");
  assert.equal(await operationOf({ deletes: [equalityDeletes("e1")] }), "delete");
  const both = { rows: [dataFile("f")], deletes: [equalityDeletes("e2")] };
  assert.equal(await operationOf(both), "overwrite");
  const moved = { rows: [dataFile("g")], removedRows: [{ dataFile: A }] };
  assert.equal(await operationOf(moved), "overwrite");
});

Deno.test("rowDelta() applies equality deletes to older rows, not to those it adds", async () => {
  const table = await threeFiles(2);
  await table.run(rowDelta({ rows: [dataFile("d")], deletes: [equalityDeletes("eq")] }));
  assert.deepEqual(await table.plan(), { a: ["eq"], b: ["eq"], c: [], d: [] });
});

Deno.test("rowDelta() applies position deletes to rows of its own snapshot", async () => {
  const table = await threeFiles(2);
  const rows = [dataFile("d")];
  const deletes = [positionDeletes("pos", dataFile("d"))];
  await table.run(rowDelta({ rows, deletes, startingSnapshotId: table.head.snapshotId }));
  assert.deepEqual((await table.plan())["d"], ["pos"]);
});

Deno.test("rowDelta() puts delete manifests behind data manifests", async () => {
  const table = await threeFiles(2);
  await table.run(rowDelta({ rows: [dataFile("d")], deletes: [equalityDeletes("eq")] }));
  const contents = (await table.manifests()).map((manifest) => manifest.content);
  assert.deepEqual(contents, ["data", "data", "deletes"]);
});

Deno.test("rowDelta() replaces the deletion vector that a file has", async () => {
  const table = await threeFiles(3);
  const delta = async (...deletes: ReturnType<typeof deletionVector>[]) => {
    await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
  };
  await delta(deletionVector("one", A, 4), deletionVector("one", B, 54));
  await delta(deletionVector("two", A, 4));
  assert.deepEqual(await table.plan(), { a: ["two@4"], b: ["one@54"], c: [] });
  const { summary } = table.head;
  assert.deepEqual(
    [summary["added-dvs"], summary["removed-dvs"], summary["total-delete-files"]],
    ["1", "1", "2"],
  );
  // What stays of the older manifest keeps the numbers it came with.
  const kept = (await table.entries()).find(({ dataFile: file, status }) =>
    status === "existing" && file.referencedDataFile === B.filePath
  );
  assert.equal(kept?.sequenceNumber, 2n);
});

Deno.test("rowDelta() refuses deletes that the table's format has no place for", async () => {
  const refused = { kind: "conflict", code: "delete_format_mismatch", retryable: false };
  for (
    const [version, file] of [
      [1, positionDeletes("pos", A)],
      [1, equalityDeletes("eq")],
      [2, deletionVector("dv", A)],
      [3, positionDeletes("pos", A)],
    ] as const
  ) {
    const table = await threeFiles(version);
    const startingSnapshotId = table.head.snapshotId;
    await assert.rejects(table.run(rowDelta({ deletes: [file], startingSnapshotId })), refused);
  }
  const table = await threeFiles(3);
  await table.run(rowDelta({ deletes: [equalityDeletes("eq")] }));
});

Deno.test("rowDelta() refuses what was fine before the table was upgraded", async () => {
  const table = await threeFiles(2);
  const startingSnapshotId = table.head.snapshotId;
  const action = rowDelta({ deletes: [positionDeletes("pos", A)], startingSnapshotId });
  const first = table.attempt();
  await action.apply(first);
  table.replace({ ...table.metadata, formatVersion: 3, nextRowId: 0n });
  const second = table.attempt({ operationId: first.operationId, attempt: 2 });
  await assert.rejects(table.run(action, second), { code: "delete_format_mismatch" });
  assert((await table.files()).every((location) => !location.includes(first.operationId)));
});

Deno.test("rowDelta() refuses deletes of rows whose file has gone, by whatever operation", async () => {
  for (const by of ["delete", "replace"] as const) {
    const table = await threeFiles(2);
    const startingSnapshotId = table.head.snapshotId;
    const action = rowDelta({ deletes: [positionDeletes("pos", A)], startingSnapshotId });
    await table.run(
      by === "delete" ? deleteFiles({ files: [{ dataFile: A }] }) : rewriteFiles({
        replaced: [{ dataFile: A }],
        added: [dataFile("a2")],
        startingSnapshotId,
      }),
    );
    await table.run(mergeAppend({ files: [dataFile("later")] }));
    await assert.rejects(table.run(action), { kind: "conflict", code: "files_missing" });
  }
});

Deno.test("rowDelta() finds referenced files that were only moved to another manifest", async () => {
  const table = await threeFiles(2);
  const startingSnapshotId = table.head.snapshotId;
  const deletes = [positionDeletes("pos", A)];
  const action = rowDelta({ deletes, startingSnapshotId });
  await table.run(deleteFiles({ files: [{ dataFile: B }] }));
  await table.run(action);
  assert.deepEqual(await table.plan(), { a: ["pos"], c: [] });
});

Deno.test("rowDelta() checks named files for position deletes that name none themselves", async () => {
  const table = await threeFiles(2);
  const action = rowDelta({
    deletes: [positionDeletes("pos", null)],
    referencedDataFiles: [A.filePath, B.filePath],
    startingSnapshotId: table.head.snapshotId,
  });
  await table.run(deleteFiles({ files: [{ dataFile: B }] }));
  await assert.rejects(table.run(action), { code: "files_missing" });
});

Deno.test("rowDelta() lets position deletes of others be, but loses no position to a vector", async () => {
  const older = await threeFiles(2);
  const start = older.head.snapshotId;
  const [one, two] = ["one", "two"].map((name) =>
    rowDelta({ deletes: [positionDeletes(name, A)], startingSnapshotId: start })
  );
  assert(one !== undefined && two !== undefined);
  await older.run(one);
  await older.run(two);
  assert.deepEqual((await older.plan())["a"], ["one", "two"]);

  const table = await threeFiles(3);
  const startingSnapshotId = table.head.snapshotId;
  await table.run(rowDelta({ deletes: [deletionVector("one", A)], startingSnapshotId }));
  const late = rowDelta({ deletes: [deletionVector("two", A)], startingSnapshotId });
  await assert.rejects(table.run(late), { kind: "conflict", code: "delete_conflict" });
  const other = rowDelta({ deletes: [deletionVector("two", B)], startingSnapshotId });
  await table.run(other);
  assert.deepEqual(await table.plan(), { a: ["one@4"], b: ["two@4"], c: [] });
});

Deno.test("rowDelta() loses no position deletes of before an upgrade to a vector", async () => {
  const table = await threeFiles(2);
  const startingSnapshotId = table.head.snapshotId;
  await table.run(rowDelta({ deletes: [positionDeletes("pos", null)], startingSnapshotId }));
  table.replace({ ...table.metadata, formatVersion: 3, nextRowId: 0n });
  const blind = rowDelta({ deletes: [deletionVector("dv", A)], startingSnapshotId });
  await assert.rejects(table.run(blind), { code: "delete_conflict" });
  const informed = rowDelta({
    deletes: [deletionVector("dv", A)],
    startingSnapshotId: table.head.snapshotId,
  });
  await table.run(informed);
  assert.deepEqual(await table.plan(), { a: ["dv@4"], b: ["pos"], c: [] });
});

Deno.test("rowDelta() refuses to forget deletes of rows that it moves elsewhere", async () => {
  const table = await threeFiles(2);
  const action = rowDelta({
    rows: [dataFile("a2")],
    removedRows: [{ dataFile: A }],
    startingSnapshotId: table.head.snapshotId,
  });
  await table.run(rowDelta({ deletes: [equalityDeletes("eq")] }));
  await assert.rejects(table.run(action), { code: "delete_conflict" });
});

Deno.test("rowDelta() under serializable isolation refuses new rows that match, and only those", async () => {
  const make = (table: TestTable, isolation: "serializable" | "snapshot") =>
    rowDelta({
      rows: [dataFile("upserted")],
      isolation,
      conflictFilter: eq("region", "eu"),
      startingSnapshotId: table.head.snapshotId,
    });
  for (
    const [region, isolation, code] of [
      ["eu", "serializable", "data_conflict"],
      ["us", "serializable", null],
      ["eu", "snapshot", null],
    ] as const
  ) {
    const table = await threeFiles(2);
    const action = make(table, isolation);
    await table.run(mergeAppend({ files: [dataFile("new", { partition: [region] })] }));
    if (code === null) await table.run(action);
    else await assert.rejects(table.run(action), { kind: "conflict", code });
  }
  for (const [region, code] of [["eu", "delete_conflict"], ["us", null]] as const) {
    const table = await threeFiles(2);
    const action = make(table, "snapshot");
    await table.run(rowDelta({ deletes: [equalityDeletes("eq", { partition: [region] })] }));
    if (code === null) await table.run(action);
    else await assert.rejects(table.run(action), { kind: "conflict", code });
  }
});

Deno.test("rowDelta() takes compacted rows for old ones under serializable isolation", async () => {
  const table = await threeFiles(2);
  const startingSnapshotId = table.head.snapshotId;
  const action = rowDelta({ rows: [dataFile("x")], isolation: "serializable", startingSnapshotId });
  await table.run(
    rewriteFiles({
      replaced: [{ dataFile: A }],
      added: [dataFile("a2")],
      startingSnapshotId,
      dataSequenceNumber: table.head.sequenceNumber,
    }),
  );
  await table.run(action);
  assert.deepEqual(await table.names(), ["a2", "b", "c", "x"]);
});

Deno.test("rowDelta() tells new rows of a v1 table from old ones by their snapshots", async () => {
  const table = await threeFiles(1);
  const startingSnapshotId = table.head.snapshotId;
  const make = () =>
    rowDelta({ rows: [dataFile("x")], isolation: "serializable", startingSnapshotId });
  await table.run(deleteFiles({ files: [{ dataFile: C }] }));
  await table.run(make());
  await assert.rejects(table.run(make()), { code: "data_conflict" });
});

Deno.test("rowDelta() refuses contradictions before any table is looked at", () => {
  const startingSnapshotId = 1n;
  const twice = [positionDeletes("p", A), positionDeletes("p", A)];
  assert.throws(() => rowDelta({ deletes: twice, startingSnapshotId }), TypeError);
  const vectors = [deletionVector("v", A, 4), deletionVector("v", A, 54)];
  assert.throws(() => rowDelta({ deletes: vectors, startingSnapshotId }), TypeError);
  const gone = { removedRows: [{ dataFile: A }], deletes: [positionDeletes("p", A)] };
  assert.throws(() => rowDelta({ ...gone, startingSnapshotId }), TypeError);
  const both = { rows: [A], removedRows: [{ dataFile: A }], startingSnapshotId };
  assert.throws(() => rowDelta(both), TypeError);
  assert.throws(() => rowDelta({ deletes: [positionDeletes("p", A)] }), TypeError);
  assert.throws(
    () => rowDelta({ deletes: [equalityDeletes("e", { equalityIds: [] })] }),
    TypeError,
  );
  assert.throws(() => rowDelta({ rows: [equalityDeletes("e")] }), TypeError);
  assert.throws(() => rowDelta({ deletes: [A] }), TypeError);
});
