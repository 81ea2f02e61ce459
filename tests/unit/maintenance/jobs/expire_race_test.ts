import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import type { TableStore } from "../../../../lib/iceberg/commit/table_store.ts";
import { ref } from "../../../support/commit_fixture.ts";
import { RowTable } from "../../../support/maintenance/row_table.ts";
import { compact } from "./_compaction.ts";
import { LIVE, OLD, orphans, run, usedTable } from "./_expire.ts";

Deno.test("expire() counts files that cannot be deleted, and orphan removal finds them", async () => {
  const table = await usedTable();
  table.store.io.injectFault({
    operation: "delete",
    when: "before",
    error: () => new AppError("unavailable", "store_down", "Cannot reach the store"),
    matches: (location) => location.includes("/data/"),
    times: 3,
  });
  const bill = await run(table, { ...OLD, dryRun: true });
  const receipt = await run(table, OLD);
  assert.equal(receipt.failed_deletes_count, 3);
  const deleted = receipt.deleted_data_files_count + receipt.deleted_position_delete_files_count;
  const expected = bill.deleted_data_files_count + bill.deleted_position_delete_files_count;
  assert.equal(deleted, expected - 3);
  assert.equal((await orphans(table)).length, 3);
  assert.deepEqual(await table.rows(), LIVE);
});

Deno.test("expire() that dies between commit and deletion leaves a whole table and mere orphans", async () => {
  const table = await usedTable();
  const controller = new AbortController();
  const { store } = table;
  const dying: TableStore = {
    load: (signal) => store.load(signal),
    async commit(base, change, options) {
      const landed = await store.commit(base, change, options);
      controller.abort();
      return landed;
    },
  };
  await assert.rejects(run(table, { ...OLD, store: dying, signal: controller.signal }));
  assert.equal(store.table.metadata.snapshots.length, 1);
  assert.deepEqual(await table.rows(), LIVE);
  assert((await orphans(table)).length > 10);
});

Deno.test("expire() goes on where an earlier one broke off in the middle of deleting", async () => {
  const table = await usedTable();
  // A manifest list of an old snapshot is gone already.
  const lost = table.store.table.metadata.snapshots[1]?.manifestList ?? "";
  await table.store.io.delete(lost);
  const receipt = await run(table, OLD);
  assert.equal(receipt.expired_snapshots_count, 9);
  assert.equal(receipt.failed_deletes_count, 1);
  assert.deepEqual(await table.rows(), LIVE);
});

Deno.test("expire() deletes nothing where a snapshot that stays cannot be read", async () => {
  const table = await usedTable();
  const list = table.state.snapshot.manifestList ?? "";
  table.store.io.injectFault({
    operation: "read",
    when: "before",
    error: () => new AppError("unavailable", "store_down", "Cannot reach the store"),
    matches: (location) => location === list,
    times: 100,
  });
  await assert.rejects(run(table, OLD), { code: "store_down" });
  assert.equal(table.store.io.calls.some(({ operation }) => operation === "delete"), false);
});

Deno.test("expire() keeps files of a commit that comes first", async () => {
  const table = await usedTable();
  const { store } = table;
  let raced = false;
  const racing: TableStore = {
    load: (signal) => store.load(signal),
    async commit(base, change, options) {
      if (!raced) {
        raced = true;
        await table.append([60]);
        await table.deleteRows([50]);
      }
      return await store.commit(base, change, options);
    },
  };
  const receipt = await run(table, { ...OLD, store: racing });
  assert.deepEqual(await table.rows(), [...LIVE.filter((row) => row !== 50), 60]);
  assert.deepEqual(await orphans(table), []);
  assert.equal(receipt.retained_snapshots_count, 1);
  assert.equal(receipt.expired_snapshots_count, 11);
});

Deno.test("expire() deletes its files also where the reply to its commit was lost", async () => {
  for (const landed of [true, false]) {
    const table = await usedTable();
    table.store.failCommits({ kind: "lost", landed });
    const receipt = await run(table, OLD);
    assert.equal(receipt.expired_snapshots_count, 9);
    assert.deepEqual(await orphans(table), []);
  }
});

Deno.test("expire() does not touch a table whose commit came to nothing", async () => {
  const table = await usedTable();
  table.store.failCommits({ kind: "error", error: new AppError("forbidden", "no", "Cannot") });
  await assert.rejects(run(table, OLD), { code: "no" });
  assert.equal(table.store.io.calls.some(({ operation }) => operation === "delete"), false);
});

Deno.test("expire() never loses a file that any kept snapshot reads, for any history", async () => {
  const step = fc.record({
    kind: fc.constantFrom("append", "position", "equality", "compact", "tag", "expire"),
    rows: fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 4 }),
    retainLast: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const table = new RowTable();
      await table.append([1, 2, 3]);
      let tags = 0;
      for (const { kind, rows, retainLast } of steps) {
        if (kind === "append") await table.append(rows);
        else if (kind === "position") await table.deleteRows(rows);
        else if (kind === "equality") await table.deleteEqual(rows);
        else if (kind === "compact") await compact(table, { options: { "min-input-files": 2 } });
        else if (kind === "expire") await run(table, { ...OLD, retainLast });
        else {
          const name = `tag-${tags++}`;
          const { snapshotId } = table.state.snapshot;
          table.store.replace((metadata) => ({
            ...metadata,
            refs: new Map([...metadata.refs, [name, ref(name, snapshotId, { type: "tag" })]]),
          }));
        }
      }
      const { snapshots } = table.store.table.metadata;
      const before = await Promise.all(snapshots.map((one) => table.rows(one)));
      await run(table, { ...OLD, retainLast: 2 });
      for (const [i, one] of snapshots.entries()) {
        const isKept = table.store.table.metadata.snapshots.some((kept) =>
          kept.snapshotId === one.snapshotId
        );
        if (isKept) assert.deepEqual(await table.rows(one), before[i]);
      }
      assert.deepEqual(await orphans(table), []);
    }),
    { numRuns: 60 },
  );
});
