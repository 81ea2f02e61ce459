import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { BYTES_PER_ROW, RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall, compact, groupsLeft, range } from "./_compaction.ts";

/** Four regions with five small files each. */
async function fourRegions(): Promise<RowTable> {
  const table = new RowTable();
  for (const [i, region] of ["a", "b", "c", "d"].entries()) {
    await appendSmall(table, 5, { from: 10 * i, region });
  }
  return table;
}

const brokenFile = () => new AppError("corrupt_data", "parquet_malformed", "Cannot read the file");

Deno.test("runCompaction() commits all groups at once and accounts for them", async () => {
  const table = await fourRegions();
  const commits = table.store.commits.length;
  const { announced, ...receipt } = await compact(table);
  const snapshotId = String(table.state.snapshot.snapshotId);
  assert.deepEqual(receipt, {
    strategy: "binpack",
    rewritten_files: 20,
    new_files: 4,
    rewritten_data_files_count: 20,
    added_data_files_count: 4,
    rewritten_bytes_count: 40 * BYTES_PER_ROW,
    added_bytes_count: 40 * BYTES_PER_ROW,
    failed_data_files_count: 0,
    removed_delete_files_count: 0,
    file_groups_count: 4,
    failed_file_groups: [],
    skipped_files: [],
    snapshot_ids: [snapshotId],
  });
  assert.deepEqual(announced, [receipt]);
  assert.equal(table.store.commits.length, commits + 1);
  assert.equal(table.state.snapshot.summary["operation"], "replace");
  assert.deepEqual(await table.rows(), range(0, 40));
});

Deno.test("runCompaction() commits nothing where nothing is to be done", async () => {
  const table = await fourRegions();
  await compact(table);
  const versions = table.store.history.length;
  const receipt = await compact(table);
  assert.equal(table.store.history.length, versions);
  assert.equal(receipt.rewritten_files, 0);
  assert.deepEqual(receipt.snapshot_ids, []);
  assert.deepEqual(receipt.skipped_files, [{
    reason: "right_size",
    files: 4,
    bytes: 40 * BYTES_PER_ROW,
  }]);
});

Deno.test("runCompaction() removes deletes that end with their data files", async () => {
  for (const formatVersion of [2, 3] as const) {
    const table = new RowTable({ formatVersion });
    await appendSmall(table, 5);
    await table.deleteRows([0, 1, 4]);
    const receipt = await compact(table);
    assert.equal(receipt.removed_delete_files_count, 2);
    assert.deepEqual(await table.rows(), [2, 3, 5, 6, 7, 8, 9]);
    for (const { deletes } of await table.tasks()) assert.deepEqual(deletes, []);
  }
});

Deno.test("runCompaction() adds no file for a group whose rows are all deleted", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  await table.deleteRows(range(0, 10));
  const receipt = await compact(table);
  assert.equal(receipt.new_files, 0);
  assert.equal(receipt.rewritten_files, 5);
  assert.deepEqual(await table.tasks(), []);
});

Deno.test("runCompaction() keeps the age of rewritten rows, so that later deletes still find them", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  const planned = table.state.snapshot.sequenceNumber;
  await compact(table);
  const [task] = await table.tasks();
  assert.equal(task?.sequenceNumber, planned);
  assert.equal(task?.fileSequenceNumber, planned + 1n);
});

Deno.test("runCompaction() makes rewritten rows new where it is told to", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  const planned = table.state.snapshot.sequenceNumber;
  await compact(table, { options: { "use-starting-sequence-number": false } });
  const [task] = await table.tasks();
  assert.equal(task?.sequenceNumber, planned + 1n);
});

Deno.test("runCompaction() does nothing at all where one group cannot be rewritten", async () => {
  const table = await fourRegions();
  const run = compact(table, {
    rewrite: ({ index }) => index === 3 ? Promise.reject(brokenFile()) : null,
  });
  await assert.rejects(run, { code: "parquet_malformed" });
  assert.deepEqual(await table.strayData(), []);
  assert.deepEqual((await table.tasks()).length, 20);
});

Deno.test("runCompaction() with partial progress keeps what succeeded", async () => {
  const table = await fourRegions();
  const receipt = await compact(table, {
    options: { "partial-progress.enabled": true, "partial-progress.max-commits": 2 },
    rewrite: ({ index }) => index === 3 ? Promise.reject(brokenFile()) : null,
  });
  assert.equal(receipt.rewritten_files, 15);
  assert.deepEqual(receipt.failed_file_groups, [{ reason: "rewrite_failed", files: 5 }]);
  assert.deepEqual(await table.rows(), range(0, 40));
  assert.equal(receipt.snapshot_ids.length, 2);
});

Deno.test("runCompaction() makes at most max-commits commits", async () => {
  for (const [maxCommits, expected] of [[1, 1], [2, 2], [3, 2], [4, 4], [10, 4]] as const) {
    const table = await fourRegions();
    const receipt = await compact(table, {
      options: {
        "partial-progress.enabled": true,
        "partial-progress.max-commits": maxCommits,
        "max-concurrent-file-group-rewrites": 1,
      },
    });
    assert.equal(receipt.snapshot_ids.length, expected, String(maxCommits));
    assert.equal(receipt.rewritten_files, 20);
  }
});

Deno.test("runCompaction() counts failed commits against max-failed-commits", async () => {
  const options = {
    "partial-progress.enabled": true,
    "partial-progress.max-commits": 4,
    "max-concurrent-file-group-rewrites": 1,
  };
  const failing = () => {
    const error = new AppError("unavailable", "store_down", "Cannot reach the store");
    return { kind: "error", error } as const;
  };
  const table = await fourRegions();
  table.store.failCommits(null, failing(), null);
  const receipt = await compact(table, { options });
  assert.deepEqual(receipt.failed_file_groups, [{ reason: "commit_failed", files: 5 }]);
  assert.equal(receipt.rewritten_files, 15);
  assert.deepEqual(await table.strayData(), []);

  const strict = await fourRegions();
  strict.store.failCommits(null, failing(), null);
  const run = compact(strict, {
    options: { ...options, "partial-progress.max-failed-commits": 0 },
  });
  await assert.rejects(run, { code: "compaction_commits_failed" });
  assert.deepEqual(await strict.rows(), range(0, 40));
  assert.equal((await strict.tasks()).length, 5 + 3);
});

Deno.test("runCompaction() deletes nothing where nobody knows what became of its commit", async () => {
  const table = await fourRegions();
  table.store.failCommits(...Array.from({ length: 30 }, () => ({ kind: "late" }) as const));
  await assert.rejects(compact(table), { kind: "commit_state_unknown" });
  const written = (await table.strayData()).length;
  assert.equal(written, 4);
  // The request arrives after all: its files had better be there.
  assert.equal(table.store.deliverLate() > 0, true);
  assert.deepEqual(await table.rows(), range(0, 40));
  assert.equal((await table.tasks()).length, 4);
});

Deno.test("runCompaction() believes a commit whose reply was lost once the table shows it", async () => {
  const table = await fourRegions();
  table.store.failCommits({ kind: "lost", landed: true });
  const receipt = await compact(table);
  assert.equal(receipt.rewritten_files, 20);
  assert.deepEqual(await table.rows(), range(0, 40));
  assert.equal(await groupsLeft(table), 0);
});

Deno.test("runCompaction() stops when it is cancelled, and leaves nothing behind", async () => {
  const table = await fourRegions();
  const controller = new AbortController();
  const run = compact(table, {
    signal: controller.signal,
    options: { "max-concurrent-file-group-rewrites": 1 },
    at: (step, time) => {
      if (step === "written" && time === 2) controller.abort();
    },
  });
  await assert.rejects(run, { kind: "cancelled" });
  assert.deepEqual(await table.strayData(), []);
  assert.equal((await table.tasks()).length, 20);
});

Deno.test("runCompaction() goes on where useless files cannot be deleted", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  table.store.io.injectFault({
    operation: "delete",
    when: "before",
    error: () => new AppError("unavailable", "store_down", "Cannot reach the store"),
    matches: (location) => location.includes("rewritten"),
    times: 1,
  });
  const receipt = await compact(table, {
    at: async (step, time) => {
      if (step === "written" && time === 1) await table.deleteRows([0]);
    },
  });
  assert.equal(receipt.rewritten_files, 5);
  assert.deepEqual(await table.rows(), range(1, 10));
  assert.equal((await table.strayData()).length, 1);
});

Deno.test("runCompaction() announces its receipt only before its last commit", async () => {
  const table = await fourRegions();
  const { announced, ...receipt } = await compact(table, {
    options: {
      "partial-progress.enabled": true,
      "partial-progress.max-commits": 2,
      "max-concurrent-file-group-rewrites": 1,
    },
  });
  assert.deepEqual(announced, [null, receipt]);
});

Deno.test("runCompaction() announces no receipt where groups are left to be done again", async () => {
  const table = await fourRegions();
  const { announced, ...receipt } = await compact(table, {
    at: async (step, time) => {
      if (step === "written" && time === 4) await table.deleteRows([0]);
    },
  });
  assert.deepEqual(announced, [null, receipt]);
  assert.equal(receipt.snapshot_ids.length, 2);
});
