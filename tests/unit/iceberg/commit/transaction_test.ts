import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { CommitNotSent } from "../../../../lib/iceberg/commit/table_store.ts";
import { commitTransaction } from "../../../../lib/iceberg/commit/transaction.ts";
import {
  appending,
  emptyTable,
  HeldRuntime,
  ScriptedAction,
  tableWithSnapshots,
  updating,
} from "../../../support/commit_fixture.ts";
import { MemoryTableStore } from "../../../support/memory_table_store.ts";
import { rejectsWith } from "../../../support/rejects.ts";

const operationId = "01990000-0000-7000-8000-000000000001";

function marks(store: MemoryTableStore): string[] {
  return store.table.metadata.snapshots.map((one) => one.summary["mark"] ?? "");
}

Deno.test("commitTransaction() commits what its actions make of the table, once", async () => {
  const store = new MemoryTableStore({ metadata: tableWithSnapshots(2) });
  const action = appending("a");
  const runtime = new HeldRuntime();
  const result = await commitTransaction(store, [action], { operationId, runtime });
  assert.equal(result.committed, true);
  assert.equal(result.attempts, 1);
  assert.equal(result.table, store.table);
  assert.deepEqual(marks(store), ["", "", "a"]);
  assert.deepEqual(action.outcomes, [{ kind: "committed", table: store.table }]);
  assert.deepEqual(runtime.sleeps, []);
});

Deno.test("commitTransaction() asserts the table's UUID and each subject as the catalog knows it", async () => {
  const store = new MemoryTableStore({ metadata: tableWithSnapshots(2) });
  const runtime = new HeldRuntime();
  await commitTransaction(store, [appending("a"), appending("b")], { operationId, runtime });
  assert.deepEqual(marks(store), ["", "", "a", "b"]);
  assert.deepEqual(store.history.at(-1)?.change?.requirements, [
    { type: "assert-table-uuid", uuid: store.table.metadata.tableUuid },
    { type: "assert-ref-snapshot-id", ref: "main", snapshotId: 2n },
  ]);
  const log = store.table.metadata.snapshotLog.map((entry) => entry.snapshotId);
  assert.deepEqual(log, [1n, 2n, store.table.metadata.currentSnapshotId]);
});

Deno.test("commitTransaction() commits nothing where nothing is to change", async () => {
  const store = new MemoryTableStore({ metadata: emptyTable({ properties: { a: "1" } }) });
  const same = updating({ action: "set-properties", updates: { a: "1" } });
  const result = await commitTransaction(store, [updating(), same], { operationId });
  assert.equal(result.committed, false);
  assert.equal(store.commits.length, 0);
  assert.deepEqual(same.outcomes, [{ kind: "failed" }]);
});

Deno.test("commitTransaction() makes the change anew after a conflict", async () => {
  const store = new MemoryTableStore({ metadata: tableWithSnapshots(1) });
  store.failCommits({ kind: "conflict" }, { kind: "conflict" });
  const action = appending("a");
  const runtime = new HeldRuntime();
  const result = await commitTransaction(store, [action], { operationId, runtime });
  assert.equal(result.attempts, 3);
  assert.deepEqual(action.attempts.map((one) => one.attempt), [1, 2, 3]);
  assert.equal(new Set(store.commits.map((one) => one.commitId)).size, 3);
  assert.equal(runtime.sleeps.length, 2);
  assert.ok(runtime.sleeps.every((ms, i) => ms >= 50 * 2 ** i && ms <= 100 * 2 ** i));
});

Deno.test("commitTransaction() gives up after the retries that the table allows", async () => {
  for (
    const [properties, commits] of [[{}, 5], [{ "commit.retry.num-retries": "1" }, 2]] as const
  ) {
    const store = new MemoryTableStore({ metadata: emptyTable({ properties }) });
    store.failCommits(...Array.from({ length: 9 }, () => ({ kind: "conflict" as const })));
    const action = appending("a");
    const run = commitTransaction(store, [action], { operationId, runtime: new HeldRuntime() });
    await rejectsWith(run, { kind: "conflict", code: "commit_conflict" });
    assert.equal(store.commits.length, commits);
    assert.deepEqual(action.outcomes, [{ kind: "failed" }]);
  }
});

Deno.test("commitTransaction() does not retry what an action says is no use to retry", async () => {
  const store = new MemoryTableStore({ metadata: emptyTable() });
  const action = new ScriptedAction(() => {
    throw new AppError("conflict", "files_gone", "Cannot rewrite: the files are gone");
  });
  const run = commitTransaction(store, [action], { operationId, runtime: new HeldRuntime() });
  await rejectsWith(run, { kind: "conflict", code: "files_gone" });
  assert.equal(action.attempts.length, 1);
  assert.deepEqual(action.outcomes, [{ kind: "failed" }]);
});

Deno.test("commitTransaction() finds a commit whose reply was lost", async () => {
  for (const kind of ["file", "rest"] as const) {
    const store = new MemoryTableStore({ metadata: tableWithSnapshots(1), kind });
    store.failCommits({ kind: "lost", landed: true });
    const action = appending("a");
    const result = await commitTransaction(store, [action], {
      operationId,
      runtime: new HeldRuntime(),
    });
    assert.equal(result.attempts, 1);
    assert.deepEqual(marks(store), ["", "a"]);
    assert.deepEqual(action.outcomes, [{ kind: "committed", table: store.table }]);
  }
});

Deno.test("commitTransaction() sends the same commit again where the first is still on its way", async () => {
  for (const kind of ["file", "rest"] as const) {
    const store = new MemoryTableStore({ metadata: tableWithSnapshots(1), kind });
    store.failCommits({ kind: "late" });
    const action = appending("a");
    const runtime = new HeldRuntime();
    const result = await commitTransaction(store, [action], { operationId, runtime });
    assert.equal(result.attempts, 2);
    assert.equal(new Set(store.commits.map((one) => one.commitId)).size, 1);
    assert.deepEqual(marks(store), ["", "a"]);
    assert.equal(store.deliverLate(), 0);
    assert.deepEqual(marks(store), ["", "a"]);
  }
});

Deno.test("commitTransaction() does not look for a commit that was not sent", async () => {
  const store = new MemoryTableStore({ metadata: tableWithSnapshots(1) });
  const stopped = new AppError("cancelled", "stopped", "The job was stopped");
  store.failCommits({ kind: "error", error: new CommitNotSent(stopped) });
  const action = appending("a");
  await assert.rejects(commitTransaction(store, [action], { operationId }), stopped);
  assert.equal(store.loads, 1);
  assert.deepEqual(action.outcomes, [{ kind: "failed" }]);
});

Deno.test("commitTransaction() goes on from what a commit that was not sent heard", async () => {
  const store = new MemoryTableStore({ metadata: tableWithSnapshots(1) });
  const late = new AppError("conflict", "commit_conflict", "Pins came late", { retryable: true });
  store.failCommits({ kind: "error", error: new CommitNotSent(late) });
  const runtime = new HeldRuntime();
  await commitTransaction(store, [appending("a")], { operationId, runtime });
  assert.deepEqual(marks(store), ["", "a"]);
});

Deno.test("commitTransaction() still looks for a commit whose repetition was not sent", async () => {
  const store = new MemoryTableStore({ metadata: tableWithSnapshots(1) });
  const stopped = new AppError("cancelled", "stopped", "The job was stopped");
  store.failCommits(
    { kind: "late", afterLoads: 2 },
    { kind: "error", error: new CommitNotSent(stopped) },
  );
  const action = appending("a");
  const runtime = new HeldRuntime();
  await commitTransaction(store, [action], { operationId, runtime });
  assert.deepEqual(marks(store), ["", "a"]);
  assert.equal(action.outcomes[0]?.kind, "committed");
});
