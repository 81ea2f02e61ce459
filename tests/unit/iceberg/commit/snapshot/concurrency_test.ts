/**
 * Actions in real transactions, against a catalog that lets rivals win and loses replies: how often
 * files are written, and what is left of them.
 */
import assert from "node:assert/strict";
import { AppError } from "../../../../../lib/errors.ts";
import type { CommitAction } from "../../../../../lib/iceberg/commit/commit_action.ts";
import type { CommitRuntime } from "../../../../../lib/iceberg/commit/commit_runtime.ts";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { fastAppend } from "../../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../../../../lib/iceberg/commit/snapshot/merge_append.ts";
import { RemoveDanglingDeletes } from "../../../../../lib/iceberg/commit/snapshot/remove_dangling_deletes.ts";
import { rewriteFiles } from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { RewriteManifests } from "../../../../../lib/iceberg/commit/snapshot/rewrite_manifests.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { commitTransaction } from "../../../../../lib/iceberg/commit/transaction.ts";
import { reachableFiles } from "../../../../../lib/iceberg/reachability/reachable_files.ts";
import type { TableMetadata } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import { MemoryTableStore } from "../../../../support/memory_table_store.ts";
import {
  dataFile,
  emptyMetadata,
  equalityDeletes,
  isManifest,
  isManifestList,
  LOCATION,
  NOW_MS,
  TestTable,
} from "./_table.ts";

const PATIENT = {
  "commit.retry.num-retries": "100",
  "commit.retry.min-wait-ms": "1",
  "commit.retry.max-wait-ms": "1",
  "commit.status-check.min-wait-ms": "1",
  "commit.status-check.max-wait-ms": "1",
};

let random = 1n;
const runtime: CommitRuntime = {
  clock: { now: () => NOW_MS },
  sleep: () => new Promise((resolve) => setTimeout(resolve, 0)),
  randomLong: () => random = (random * 6_364_136_223_846_793_005n + 1n) & ((1n << 62n) - 1n),
};

function store(metadata: Partial<TableMetadata> = {}): MemoryTableStore {
  return new MemoryTableStore({
    metadata: emptyMetadata(2, { properties: PATIENT, ...metadata }),
    pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
  });
}

let operations = 0;

function commit(table: MemoryTableStore, ...actions: CommitAction[]) {
  const operationId = `operation-${++operations}`;
  return commitTransaction(table, actions, { operationId, runtime });
}

/** Every file below `metadata/` but the metadata files themselves. */
async function written(table: MemoryTableStore): Promise<string[]> {
  const found = await Array.fromAsync(table.io.listRecursive(`${LOCATION}/metadata`));
  return found.map((file) => file.location).filter((one) => one.endsWith(".avro")).sort();
}

/** Files below `metadata/` that the table's snapshots name. */
async function reachable(table: MemoryTableStore): Promise<string[]> {
  const { io, metadata } = table.table;
  const found = await Array.fromAsync(reachableFiles({ io, metadata }));
  return found.map((file) => file.location).filter((one) => one.endsWith(".avro")).sort();
}

async function names(table: MemoryTableStore): Promise<string[]> {
  return await new TestTable(table.table.metadata, table.io).names();
}

Deno.test("ten concurrent appends upload exactly ten manifests, and leave nothing behind", async () => {
  const table = store();
  const files = Array.from({ length: 10 }, (_, i) => dataFile(`f${i}`));
  const results = await Promise.all(
    files.map((file) => commit(table, mergeAppend({ files: [file] }))),
  );
  assert.equal(table.table.metadata.snapshots.length, 10);
  assert.deepEqual(await names(table), files.map((_, i) => `f${i}`));
  assert.equal(table.io.countUploads(isManifest), 10);
  const attempts = results.reduce((sum, result) => sum + result.attempts, 0);
  assert(attempts > 10, "the appends did not get into each other's way");
  assert.equal(table.io.countUploads(isManifestList), attempts);
  assert.deepEqual(await written(table), await reachable(table));
  assert.equal(new Set(table.table.metadata.snapshots.map((one) => one.sequenceNumber)).size, 10);
});

Deno.test("an append that merges writes each merged manifest once, whatever comes between", async () => {
  const table = store({
    properties: { ...PATIENT, "commit.manifest.min-count-to-merge": "4" },
  });
  for (const name of ["a", "b", "c"]) await commit(table, fastAppend({ files: [dataFile(name)] }));
  const before = table.io.countUploads(isManifest);
  table.failCommits({ kind: "conflict" }, { kind: "conflict" }, { kind: "conflict" });
  const { attempts } = await commit(table, mergeAppend({ files: [dataFile("d")] }));
  assert.equal(attempts, 4);
  // The new files' own, which is removed again, and the merged one.
  assert.equal(table.io.countUploads(isManifest), before + 2);
  assert.deepEqual(await written(table), await reachable(table));
  assert.deepEqual(await names(table), ["a", "b", "c", "d"]);
});

Deno.test("an append whose reply was lost is there once, with its files", async () => {
  for (const landed of [true, false]) {
    const table = store();
    table.failCommits({ kind: "lost", landed });
    await commit(table, mergeAppend({ files: [dataFile("a")] }));
    assert.deepEqual(await names(table), ["a"]);
    assert.equal(table.table.metadata.snapshots.length, 1);
    assert.deepEqual(await written(table), await reachable(table));
  }
});

Deno.test("an append of unknown outcome deletes nothing, and its late arrival finds all files", async () => {
  const table = store();
  await commit(table, mergeAppend({ files: [dataFile("a")] }));
  table.failCommits(...Array.from({ length: 300 }, () => ({ kind: "late" }) as const));
  await assert.rejects(commit(table, mergeAppend({ files: [dataFile("b")] })), {
    kind: "commit_state_unknown",
  });
  assert.deepEqual(await names(table), ["a"]);
  assert.equal(table.deliverLate() > 0, true);
  assert.deepEqual(await names(table), ["a", "b"]);
});

Deno.test("a commit that fails removes everything it wrote", async () => {
  const table = store();
  await commit(table, mergeAppend({ files: [dataFile("a"), dataFile("b")] }));
  const before = await written(table);
  const refused = new AppError("forbidden", "forbidden", "Cannot commit: not allowed");
  const startingSnapshotId = table.table.metadata.currentSnapshotId ?? 0n;
  const actions = () => [
    mergeAppend({ files: [dataFile("c")] }),
    deleteFiles({ paths: [dataFile("a").filePath] }),
    rewriteFiles({
      replaced: [{ dataFile: dataFile("b") }],
      added: [dataFile("b2")],
      startingSnapshotId,
    }),
  ];
  for (const action of actions()) {
    table.failCommits({ kind: "error", error: refused });
    await assert.rejects(commit(table, action), refused);
    assert.deepEqual(await written(table), before);
  }
});

Deno.test("a conflict that is found while folding removes what was written before it", async () => {
  const table = store();
  await commit(table, mergeAppend({ files: [dataFile("a"), dataFile("b")] }));
  const before = await written(table);
  const gone = { dataFile: dataFile("never") };
  await assert.rejects(
    commit(table, deleteFiles({ files: [{ dataFile: dataFile("a") }, gone] })),
    { code: "files_missing", retryable: false },
  );
  assert.deepEqual(await written(table), before);
  assert.deepEqual(await names(table), ["a", "b"]);
});

Deno.test("several snapshots of one transaction build on each other", async () => {
  const table = store();
  const result = await commit(
    table,
    mergeAppend({ files: [dataFile("a"), dataFile("b")] }),
    deleteFiles({ paths: [dataFile("a").filePath] }),
    mergeAppend({ files: [dataFile("c")] }),
    new RewriteManifests(),
  );
  assert.equal(result.attempts, 1);
  const { snapshots } = table.table.metadata;
  assert.deepEqual(
    snapshots.map((one) => one.summary["operation"]),
    ["append", "delete", "append", "replace"],
  );
  assert.deepEqual(snapshots.map((one) => one.sequenceNumber), [1n, 2n, 3n, 4n]);
  assert.deepEqual(await names(table), ["b", "c"]);
  assert.deepEqual(await written(table), await reachable(table));
});

Deno.test("transactions of one operation do not take each other's file names", async () => {
  const table = store();
  const operationId = "one-operation";
  for (const name of ["a", "b", "c"]) {
    const action = mergeAppend({ files: [dataFile(name)] });
    await commitTransaction(table, [action], { operationId, runtime });
  }
  assert.deepEqual(await names(table), ["a", "b", "c"]);
  assert((await written(table)).every((location) => location.includes(operationId)));
});

Deno.test("concurrent deletes, rewrites and clean-ups all get through, each once", async () => {
  const table = store();
  const files = Array.from({ length: 8 }, (_, i) => dataFile(`f${i}`));
  await commit(table, mergeAppend({ files }));
  const startingSnapshotId = table.table.metadata.currentSnapshotId ?? 0n;
  await Promise.all([
    commit(table, deleteFiles({ files: [{ dataFile: dataFile("f0") }] })),
    commit(table, mergeAppend({ files: [dataFile("new")] })),
    commit(
      table,
      rewriteFiles({
        replaced: [1, 2, 3].map((i) => ({ dataFile: dataFile(`f${i}`) })),
        added: [dataFile("merged", { recordCount: 30 })],
        startingSnapshotId,
      }),
    ),
    commit(table, new RewriteManifests()),
    commit(table, new RemoveDanglingDeletes()),
    commit(table, deleteFiles({ paths: [dataFile("f7").filePath] })),
  ]);
  assert.deepEqual(await names(table), ["f4", "f5", "f6", "merged", "new"]);
  assert.deepEqual(await written(table), await reachable(table));
});

Deno.test("an action that has nothing to change commits nothing, and leaves nothing", async () => {
  const table = store();
  await commit(table, mergeAppend({ files: [dataFile("a")] }));
  const before = await written(table);
  const result = await commit(
    table,
    deleteFiles({ paths: ["/warehouse/db/events/data/no.parquet"], requireAll: false }),
    new RemoveDanglingDeletes(),
    new RewriteManifests(),
  );
  assert.equal(result.committed, false);
  assert.equal(table.table.metadata.snapshots.length, 1);
  assert.deepEqual(await written(table), before);
});

Deno.test("a server that applies updates itself keeps concurrent appends apart", async () => {
  const table = new MemoryTableStore({
    metadata: emptyMetadata(3, { properties: PATIENT }),
    kind: "rest",
    pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
  });
  const branches = ["main", "main", "audit", "audit"];
  await commit(table, mergeAppend({ files: [dataFile("base")] }));
  await Promise.all(
    branches.map((branch, i) => commit(table, mergeAppend({ files: [dataFile(`f${i}`)], branch }))),
  );
  const { metadata } = table.table;
  assert.deepEqual(await names(table), ["base", "f0", "f1"]);
  const audit = metadata.snapshots.find((one) =>
    one.snapshotId === metadata.refs.get("audit")?.snapshotId
  );
  assert(audit !== undefined);
  // The branch began where main was when its first commit came, so with what main had by then.
  const reader = new TestTable(metadata, table.io);
  const onAudit = await reader.names(audit);
  assert(
    onAudit.includes("f2") && onAudit.includes("f3") && onAudit.includes("base"),
    `${onAudit}`,
  );
  assert.equal(metadata.nextRowId, 50n);
  const rows = new Set<bigint>();
  for (const snapshot of metadata.snapshots) {
    for (const { entry } of await reader.live(snapshot)) {
      if (entry.dataFile.firstRowId !== null) rows.add(entry.dataFile.firstRowId);
    }
  }
  assert.deepEqual([...rows].sort((a, b) => Number(a - b)), [0n, 10n, 20n, 30n, 40n]);
});

Deno.test("equality deletes and appends interleave without conflict", async () => {
  const table = store();
  await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      commit(
        table,
        rowDelta({ rows: [dataFile(`r${i}`)], deletes: [equalityDeletes(`e${i}`)] }),
      )),
  );
  assert.equal((await names(table)).length, 12);
  assert.equal(table.io.countUploads(isManifest), 12);
});
