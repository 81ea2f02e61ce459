import assert from "node:assert/strict";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import {
  overwriteFiles,
  type OverwriteOptions,
} from "../../../../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import {
  alwaysTrue,
  and,
  eq,
  gtEq,
  isNull,
  lt,
} from "../../../../../lib/iceberg/expression/expression.ts";
import type { DataFile } from "../../../../../lib/iceberg/manifest/data_file.ts";
import { encodeValue } from "../../../../../lib/iceberg/spec/values.ts";
import {
  dataFile,
  deletionVector,
  emptyMetadata,
  equalityDeletes,
  positionDeletes,
  TestTable,
} from "./_table.ts";

/** A file with ids from `lower` to `upper`. */
function withIds(name: string, lower: bigint, upper: bigint, more: Partial<DataFile> = {}) {
  return dataFile(name, {
    valueCounts: new Map([[1, 10]]),
    nullValueCounts: new Map([[1, 0]]),
    lowerBounds: new Map([[1, encodeValue({ kind: "long" }, lower)]]),
    upperBounds: new Map([[1, encodeValue({ kind: "long" }, upper)]]),
    ...more,
  });
}

const EU = withIds("eu", 0n, 99n);
const EU2 = withIds("eu2", 100n, 199n);
const US = withIds("us", 0n, 99n, { partition: ["us"] });
const NONE = withIds("none", 0n, 99n, { partition: [null] });

async function fourFiles(formatVersion: 1 | 2 | 3 = 2): Promise<TestTable> {
  const table = new TestTable(emptyMetadata(formatVersion));
  await table.run(mergeAppend({ files: [EU, EU2, US, NONE] }));
  return table;
}

Deno.test("overwriteFiles() replaces the partitions that a filter covers", async () => {
  for (const formatVersion of [1, 2, 3] as const) {
    const table = await fourFiles(formatVersion);
    await table.run(overwriteFiles({ where: eq("region", "eu"), add: [withIds("new", 1n, 2n)] }));
    assert.deepEqual(await table.names(), ["new", "none", "us"]);
    assert.equal(table.head.summary["operation"], "overwrite");
    assert.equal(table.head.summary["deleted-data-files"], "2");
  }
});

Deno.test("overwriteFiles() goes by bounds where partitions do not tell", async () => {
  const table = await fourFiles();
  await table.run(overwriteFiles({ where: gtEq("id", 100) }));
  assert.deepEqual(await table.names(), ["eu", "none", "us"]);
  assert.equal(table.head.summary["operation"], "delete");
  const inPart = overwriteFiles({ where: lt("id", 50) });
  await assert.rejects(table.run(inPart), { kind: "invalid", code: "filter_matches_part_of_file" });
  await table.run(overwriteFiles({ where: and(isNull("region"), lt("id", 100)) }));
  assert.deepEqual(await table.names(), ["eu", "us"]);
});

Deno.test("overwriteFiles() leaves a table alone where nothing matches and nothing is added", async () => {
  const table = await fourFiles();
  const { head } = table;
  const action = overwriteFiles({ where: eq("region", "ap") });
  await table.run(action);
  assert.equal(table.head, head);
  assert.equal(action.snapshot, null);
  await table.run(overwriteFiles({ where: eq("region", "ap"), add: [dataFile("x")] }));
  assert.equal(table.head.summary["operation"], "append");
});

Deno.test("overwriteFiles() takes deletes of covered partitions along, and no others", async () => {
  const table = await fourFiles();
  const startingSnapshotId = table.head.snapshotId;
  await table.run(
    rowDelta({
      deletes: [
        positionDeletes("pos-eu", EU),
        equalityDeletes("eq-eu"),
        equalityDeletes("eq-us", { partition: ["us"] }),
        equalityDeletes("everywhere", { specId: 1, partition: [] }),
      ],
      startingSnapshotId,
    }),
  );
  await table.run(overwriteFiles({ where: eq("region", "eu"), add: [withIds("new", 1n, 2n)] }));
  assert.deepEqual(await table.plan(), {
    new: [],
    none: ["everywhere"],
    us: ["eq-us", "everywhere"],
  });
  await table.run(overwriteFiles({ where: alwaysTrue }));
  assert.deepEqual(await table.names(), []);
  assert.equal(table.head.summary["total-delete-files"], "0");
});

Deno.test("overwriteFiles() takes deletion vectors of removed files along", async () => {
  const table = await fourFiles(3);
  const deletes = [deletionVector("v", EU, 4), deletionVector("v", US, 54)];
  await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
  await table.run(overwriteFiles({ remove: [{ dataFile: EU }], add: [dataFile("eu3")] }));
  assert.deepEqual(await table.plan(), { eu2: [], eu3: [], none: [], us: ["v@54"] });
});

Deno.test("overwriteFiles() refuses added rows outside the filter, where it is asked to", async () => {
  const table = await fourFiles();
  const where = and(eq("region", "eu"), gtEq("id", 0));
  const add = (file: DataFile) => overwriteFiles({ where, add: [file], addedMatchWhere: true });
  const refused = { kind: "invalid", code: "rows_outside_filter" };
  const elsewhere = withIds("x", 1n, 2n, { partition: ["us"] });
  await assert.rejects(table.run(add(elsewhere)), refused);
  await assert.rejects(table.run(add(withIds("x", -1n, 2n))), refused);
  await assert.rejects(table.run(add(dataFile("without-bounds"))), refused);
  assert.equal((await table.names()).length, 4);
});

/** Overwrites, and commits something else first. */
async function overtaken(
  options: OverwriteOptions,
  rival: (table: TestTable) => Promise<unknown>,
): Promise<string | null> {
  const table = await fourFiles();
  const startingSnapshotId = table.head.snapshotId;
  const action = overwriteFiles({ startingSnapshotId, ...options });
  await rival(table);
  try {
    await table.run(action);
    return null;
  } catch (error) {
    assert(error instanceof Error && "kind" in error && error.kind === "conflict");
    return "code" in error ? String(error.code) : "";
  }
}

const append = (file: DataFile) => (table: TestTable) => table.run(mergeAppend({ files: [file] }));
const remove = (file: DataFile) => (table: TestTable) =>
  table.run(deleteFiles({ files: [{ dataFile: file }] }));
const deleteByKey = (partition: string) => (table: TestTable) =>
  table.run(rowDelta({ deletes: [equalityDeletes("eq", { partition: [partition] })] }));

Deno.test("overwriteFiles() by filter bears what its isolation level allows", async () => {
  const where = eq("region", "eu");
  const serializable = { where, isolation: "serializable" } as const;
  const snapshot = { where, isolation: "snapshot" } as const;
  const inside = append(withIds("late", 5n, 6n));
  const outside = append(withIds("late", 5n, 6n, { partition: ["us"] }));
  assert.equal(await overtaken(serializable, inside), "data_conflict");
  assert.equal(await overtaken(serializable, outside), null);
  assert.equal(await overtaken(snapshot, inside), null);
  assert.equal(await overtaken(snapshot, deleteByKey("eu")), "delete_conflict");
  assert.equal(await overtaken(snapshot, deleteByKey("us")), null);
  assert.equal(await overtaken(snapshot, remove(EU)), "data_conflict");
  assert.equal(await overtaken(snapshot, remove(US)), null);
  assert.equal(await overtaken({ where }, remove(EU)), null);
});

Deno.test("overwriteFiles() by name refuses files that are gone or have got deletes", async () => {
  const named = { remove: [{ dataFile: EU }], add: [withIds("eu3", 0n, 9n)] };
  assert.equal(await overtaken(named, remove(EU)), "files_missing");
  assert.equal(await overtaken(named, remove(EU2)), null);
  assert.equal(await overtaken(named, deleteByKey("eu")), "delete_conflict");
  assert.equal(await overtaken(named, deleteByKey("us")), null);
  const narrowed = { ...named, isolation: "serializable", conflictFilter: lt("id", 100) } as const;
  assert.equal(await overtaken(narrowed, append(withIds("late", 5n, 6n))), "data_conflict");
  assert.equal(await overtaken(narrowed, append(withIds("late", 500n, 600n))), null);
});

Deno.test("overwriteFiles() checks no isolation without the snapshot that was read", () => {
  assert.throws(() => overwriteFiles({ where: alwaysTrue, isolation: "snapshot" }), TypeError);
});

Deno.test("deleteFiles() removes files by path, by name and by filter at once", async () => {
  const table = await fourFiles();
  await table.run(
    deleteFiles({
      paths: [EU.filePath],
      files: [{ dataFile: US }],
      where: isNull("region"),
    }),
  );
  assert.deepEqual(await table.names(), ["eu2"]);
  assert.equal(table.head.summary["operation"], "delete");
});

Deno.test("deleteFiles() finds a file whose partition is null", async () => {
  const table = await fourFiles();
  await table.run(deleteFiles({ files: [{ dataFile: NONE }] }));
  assert.deepEqual(await table.names(), ["eu", "eu2", "us"]);
});

Deno.test("overwriteFiles() looks at vectors anew where other files match than before", async () => {
  const table = await fourFiles(3);
  const deletes = [deletionVector("v", EU, 4), deletionVector("v", EU2, 54)];
  await table.run(rowDelta({ deletes, startingSnapshotId: table.head.snapshotId }));
  const whole = table.head;
  // Another writer removes a file and leaves its vector behind.
  table.replace({ ...table.metadata, formatVersion: 2, nextRowId: null });
  await table.run(deleteFiles({ files: [{ dataFile: EU2 }] }));
  table.replace({ ...table.metadata, formatVersion: 3, nextRowId: 1_000n });
  // Matches by bounds alone, so that vectors go with their files and not with their partition.
  const where = and(eq("region", "eu"), gtEq("id", 0));
  const action = overwriteFiles({ where, add: [withIds("new", 1n, 2n)] });
  const first = table.attempt();
  await action.apply(first);
  // And the table is rolled back to before that.
  const { metadata } = table;
  const main = metadata.refs.get("main");
  assert(main !== undefined);
  const refs = new Map([["main", { ...main, snapshotId: whole.snapshotId }]]);
  table.replace({ ...metadata, refs, currentSnapshotId: whole.snapshotId });
  await table.run(action, table.attempt({ operationId: first.operationId, attempt: 2 }));
  assert.deepEqual(await table.names(), ["new", "none", "us"]);
});

Deno.test("deleteFiles() names what is missing, or goes on without it", async () => {
  const table = await fourFiles();
  const gone = dataFile("gone");
  const files = [{ dataFile: gone }, { dataFile: EU }];
  await assert.rejects(table.run(deleteFiles({ files })), {
    code: "files_missing",
    context: { missing: [gone.filePath] },
  });
  await assert.rejects(table.run(deleteFiles({ paths: [gone.filePath] })), {
    code: "files_missing",
  });
  await table.run(deleteFiles({ files, requireAll: false }));
  assert.deepEqual(await table.names(), ["eu2", "none", "us"]);
});

Deno.test("deleteFiles() counts a file that was listed twice once, and removes it for good", async () => {
  const table = await fourFiles();
  // No action of ours lists a file twice within one snapshot; other writers have done so.
  await table.run(mergeAppend({ files: [EU] }));
  assert.equal((await table.names()).filter((name) => name === "eu").length, 2);
  await table.run(deleteFiles({ files: [{ dataFile: EU }] }));
  assert.deepEqual(await table.names(), ["eu2", "none", "us"]);
  assert.equal(table.head.summary["deleted-data-files"], "1");
  assert.equal(table.head.summary["deleted-duplicate-files"], "1");
});
