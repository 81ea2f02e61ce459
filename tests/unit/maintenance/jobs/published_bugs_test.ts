/**
 * Ways in which other systems' compactions lost rows, brought them back, or never came to an end; each
 * named after the report, so that it can be read up there.
 */
import assert from "node:assert/strict";
import { RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall, compact, groupsLeft, range } from "./_compaction.ts";

Deno.test("StarRocks #77709: rows deleted between planning and commit do not return", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  // The delete is in the table before the commit is begun: only the planning snapshot knows better.
  await compact(table, {
    at: async (step, time) => {
      if (step === "written" && time === 1) await table.deleteRows(range(0, 5));
    },
  });
  assert.deepEqual(await table.rows(), range(5, 10));
});

Deno.test("iceberg-go #1427: equality deletes meanwhile go on applying to rewritten rows", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  const receipt = await compact(table, {
    at: async (step, time) => {
      if (step === "written" && time === 1) await table.deleteEqual([4]);
    },
  });
  // No conflict: the rewritten file is older than the delete, as the rows in it are.
  assert.equal(receipt.snapshot_ids.length, 1);
  assert.deepEqual(await table.rows(), range(0, 10).filter((row) => row !== 4));
});

Deno.test("iceberg-compaction #163: rows of an upsert meanwhile are neither lost nor doubled", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  await compact(table, {
    at: async (step, time) => {
      if (step !== "reading" || time !== 1) return;
      await table.deleteEqual([4, 5]);
      await table.append([4, 5]);
    },
  });
  assert.deepEqual(await table.rows(), range(0, 10));
});

Deno.test("RisingWave #26926: two compactions of the same files double no row", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  const [first, second] = await Promise.all([compact(table), compact(table)]);
  assert.deepEqual(await table.rows(), range(0, 10));
  const rewritten = first.rewritten_files + second.rewritten_files;
  assert.equal(rewritten + first.failed_data_files_count + second.failed_data_files_count, 10);
  assert.equal(rewritten, 5);
});

Deno.test("ClickHouse #114437: tables with deletes of every kind are compacted", async () => {
  const table = new RowTable();
  await appendSmall(table, 6);
  await table.deleteRows([0]);
  await table.deleteInRegion([1, 2]);
  await table.deleteEqual([3]);
  const receipt = await compact(table);
  assert.equal(receipt.rewritten_files, 6);
  assert.deepEqual(await table.rows(), range(4, 12));
});

Deno.test("iceberg #4996, #6330, #13972, trino #25584: a busy writer does not keep compaction from its work", async () => {
  const table = new RowTable();
  const regions = ["a", "b", "c", "d", "e"];
  for (const [i, region] of regions.entries()) {
    await appendSmall(table, 5, { from: 10 * i, region });
  }
  let victim = 0;
  let next = 100;
  const receipt = await compact(table, {
    at: async (step) => {
      if (step === "written") {
        await table.append([next++], "f");
        // Every time the same group is hit, the others never.
        await table.deleteRows([victim++]);
      }
    },
  });
  assert.equal(receipt.rewritten_files >= 20, true);
  const left = range(0, 50).filter((row) => row >= victim);
  assert.deepEqual(await table.rows(), [...left, ...range(100, next)]);
});

Deno.test("iceberg #6669, #9833: a second run right after finds nothing to do, and says why", async () => {
  const table = new RowTable();
  await appendSmall(table, 23);
  await table.deleteRows([3, 17]);
  await table.deleteInRegion([20, 21]);
  const options = { "delete-file-threshold": 1 };
  await compact(table, { options });
  const versions = table.store.history.length;
  const again = await compact(table, { options });
  assert.equal(table.store.history.length, versions);
  assert.equal(again.rewritten_files, 0);
  const skipped = again.skipped_files.reduce((sum, { files }) => sum + files, 0);
  assert.equal(skipped, (await table.tasks()).length);
  assert.equal(await groupsLeft(table, options), 0);
});

Deno.test("duckdb #1120, iceberg #15050: a lost reply neither corrupts the table nor repeats the work", async () => {
  for (const landed of [true, false]) {
    const table = new RowTable();
    await appendSmall(table, 5);
    table.store.failCommits({ kind: "lost", landed });
    const receipt = await compact(table);
    assert.equal(receipt.rewritten_files, 5);
    assert.deepEqual(await table.rows(), range(0, 10));
    assert.equal((await table.tasks()).length, 1);
    assert.deepEqual(await table.strayData(), []);
  }
});
