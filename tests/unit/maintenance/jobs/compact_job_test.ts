import assert from "node:assert/strict";
import { RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall, compact, groupsLeft, range } from "./_compaction.ts";

/** Five small files with deletes of every kind, one file of the right size, and one lone small one. */
async function usedTable(formatVersion: 2 | 3 = 2): Promise<RowTable> {
  const table = new RowTable({ formatVersion });
  await appendSmall(table, 5);
  await table.append(range(20, 30), "us");
  await table.append([40], "us");
  await table.deleteRows([0, 2]);
  if (formatVersion === 2) await table.deleteInRegion([4]);
  await table.deleteEqual([6]);
  return table;
}

for (const formatVersion of [2, 3] as const) {
  for (const removeDangling of [true, false]) {
    const options = { "remove-dangling-deletes": removeDangling };
    const how = removeDangling ? "with" : "without";
    Deno.test(`v${formatVersion}: a dry run's bill is the receipt of the run, ${how} dangling deletes`, async () => {
      const table = await usedTable(formatVersion);
      const versions = table.store.history.length;
      const files = table.store.io.locations();
      const { announced, ...bill } = await compact(table, { options, dryRun: true });
      assert.equal(table.store.history.length, versions);
      assert.deepEqual(table.store.io.locations(), files);
      assert.deepEqual(announced, []);
      const { announced: said, ...receipt } = await compact(table, { options });
      // How many bytes rows will take is not known before they are written.
      const { snapshot_ids, added_bytes_count: _, ...done } = receipt;
      const { snapshot_ids: none, added_bytes_count: __, ...told } = bill;
      assert.deepEqual(done, told);
      assert.deepEqual(none, []);
      assert.equal(snapshot_ids.length, removeDangling ? 2 : 1);
      assert.deepEqual(said, removeDangling ? [null, receipt] : [receipt]);
      assert.equal(receipt.rewritten_files, 5);
      const dangling = formatVersion === 2 ? 4 : 3;
      assert.equal(receipt.removed_delete_files_count, removeDangling ? dangling : 2);
    });
  }
}

Deno.test("compaction that removes dangling deletes leaves none, and has nothing to do again", async () => {
  const table = await usedTable();
  const options = { "remove-dangling-deletes": true, "delete-file-threshold": 1 };
  const before = await table.rows();
  await compact(table, { options });
  for (const { deletes } of await table.tasks()) assert.deepEqual(deletes, []);
  assert.deepEqual(await table.rows(), before);
  const versions = table.store.history.length;
  const again = await compact(table, { options });
  assert.equal(table.store.history.length, versions);
  assert.equal(again.removed_delete_files_count, 0);
  assert.equal(await groupsLeft(table, options), 0);
});

Deno.test("compaction removes dangling deletes also where no file is to be rewritten", async () => {
  const table = new RowTable();
  await table.append(range(0, 10));
  await table.deleteEqual([5]);
  const options = { "remove-dangling-deletes": true, "delete-ratio-threshold": 1 };
  assert.equal((await compact(table, { options })).removed_delete_files_count, 0);
  // Another engine rewrites the file and leaves the delete behind.
  await compact(table, { options: { "rewrite-all": true } });
  const receipt = await compact(table, { options });
  assert.equal(receipt.rewritten_files, 0);
  assert.equal(receipt.removed_delete_files_count, 1);
});

Deno.test("a delete that comes while dangling ones are removed stays", async () => {
  const table = await usedTable();
  let commits = 0;
  await compact(table, {
    options: { "remove-dangling-deletes": true },
    at: async (step) => {
      if (step === "committing" && ++commits === 2) await table.deleteEqual([8]);
    },
  });
  const rows = await table.rows();
  assert(!rows.includes(8) && rows.includes(9));
});

Deno.test("compaction of a table without snapshots does nothing", async () => {
  const table = new RowTable();
  const receipt = await compact(table);
  assert.equal(receipt.file_groups_count, 0);
  assert.equal(table.store.history.length, 1);
});

Deno.test("compaction rewrites only files that may hold what its filter asks for", async () => {
  const table = new RowTable();
  await appendSmall(table, 5, { region: "eu" });
  await appendSmall(table, 5, { from: 10, region: "us" });
  const receipt = await compact(table, { where: "REGION = 'us'" });
  assert.equal(receipt.rewritten_files, 5);
  const regions = (await table.tasks()).map(({ dataFile }) => dataFile.partition[0]).sort();
  assert.deepEqual(regions, ["eu", "eu", "eu", "eu", "eu", "us"]);
});

Deno.test("compaction refuses what does not fit the table, by field", async () => {
  const table = await usedTable();
  const cases = [
    [{ where: "country = 'de'" }, "where"],
    [{ options: { "output-spec-id": 7 } }, "options.output-spec-id"],
    [{ options: { "min-file-size-bytes": 5_000 } }, "options.min-file-size-bytes"],
  ] as const;
  for (const [given, path] of cases) {
    await assert.rejects(compact(table, given), (error: { kind: string; issues: unknown[] }) => {
      assert.equal(error.kind, "invalid");
      assert.deepEqual(error.issues.map((issue) => (issue as { path: string }).path), [path]);
      return true;
    });
  }
});

Deno.test("compaction refuses tables that may only be read, or not even that", async () => {
  const encrypted = new RowTable({ properties: { "encryption.key-id": "k" } });
  await assert.rejects(compact(encrypted), { code: "table_encrypted" });
});
