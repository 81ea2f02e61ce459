import assert from "node:assert/strict";
import { currentSnapshot } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { RollbackReceipt } from "../../../../lib/tables/contract/mod.ts";
import { rollBackTable } from "../../../../lib/tables/jobs/roll_back.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import { RowTable } from "../../../support/maintenance/row_table.ts";
import { rejectsWith } from "../../../support/rejects.ts";

/** Three appends, oldest first. */
async function threeSnapshots() {
  const table = new RowTable();
  for (const rows of [[1, 2], [3], [4, 5]]) await table.append(rows);
  const ids = table.store.table.metadata.snapshots.map(({ snapshotId }) => String(snapshotId));
  return { table, ids };
}

function run(table: RowTable, snapshotId: string, dryRun = false) {
  const host = testJobHost(table.store);
  return { host, receipt: rollBackTable({ location: ANY_LOCATION, dryRun, snapshotId }, host) };
}

const current = (table: RowTable) =>
  String(currentSnapshot(table.store.table.metadata)?.snapshotId);

Deno.test("rollBackTable() makes an ancestor current, with its rows and no others", async () => {
  const { table, ids: [first, second, third] } = await threeSnapshots();
  const { receipt, host } = run(table, first ?? "");
  assert.deepEqual(RollbackReceipt.parse(await receipt), {
    changed: true,
    previous_snapshot_id: third,
    current_snapshot_id: first,
    rolled_back_snapshots_count: 2,
    rolled_back_snapshot_ids: [third, second],
    before: { records: "5", data_files: "3", delete_files: "0", bytes: "500" },
    after: { records: "2", data_files: "1", delete_files: "0", bytes: "200" },
  });
  assert.equal(current(table), first);
  assert.deepEqual(await table.rows(), [1, 2]);
  assert.deepEqual(host.announced, [await receipt]);
  // What was rolled back stays until it expires.
  assert.equal(table.store.table.metadata.snapshots.length, 3);
});

Deno.test("rollBackTable() lets writers go on from the state it went back to", async () => {
  const { table, ids: [first] } = await threeSnapshots();
  await run(table, first ?? "").receipt;
  await table.append([6]);
  assert.deepEqual(await table.rows(), [1, 2, 6]);
  assert.equal(String(table.state.snapshot.parentSnapshotId), first);
});

Deno.test("rollBackTable() bills in a dry run what it then does, and changes nothing", async () => {
  const { table, ids: [, second] } = await threeSnapshots();
  const before = table.store.table;
  const bill = await run(table, second ?? "", true).receipt;
  assert.equal(table.store.table, before);
  assert.deepEqual(await run(table, second ?? "").receipt, bill);
});

Deno.test("rollBackTable() keeps the retention of main", async () => {
  const { table, ids: [first] } = await threeSnapshots();
  table.store.replace((metadata) => {
    const main = metadata.refs.get("main");
    assert(main !== undefined);
    return { ...metadata, refs: new Map([["main", { ...main, minSnapshotsToKeep: 7 }]]) };
  });
  await run(table, first ?? "").receipt;
  assert.equal(table.store.table.metadata.refs.get("main")?.minSnapshotsToKeep, 7);
});

Deno.test("rollBackTable() to where the table is changes nothing", async () => {
  const { table, ids: [, , third] } = await threeSnapshots();
  const before = table.store.table;
  const { changed, rolled_back_snapshots_count: count } = await run(table, third ?? "").receipt;
  assert.deepEqual([changed, count], [false, 0]);
  assert.equal(table.store.table, before);
});

Deno.test("rollBackTable() refuses snapshots that are not there or not before this state", async () => {
  const { table, ids: [first, second] } = await threeSnapshots();
  for (const dryRun of [true, false]) {
    await rejectsWith(run(table, "42", dryRun).receipt, {
      kind: "not_found",
      code: "snapshot_not_found",
    });
  }
  await run(table, first ?? "").receipt;
  await rejectsWith(run(table, second ?? "").receipt, {
    kind: "conflict",
    code: "not_an_ancestor",
  });
  assert.equal(current(table), first);
  await rejectsWith(run(new RowTable(), "42").receipt, {
    kind: "not_found",
    code: "snapshot_not_found",
  });
});

Deno.test("rollBackTable() rolls back once where a rival commits or the reply is lost", async () => {
  const { table, ids: [first] } = await threeSnapshots();
  table.store.failCommits({ kind: "conflict" }, { kind: "lost", landed: true });
  const { receipt } = run(table, first ?? "");
  const { rolled_back_snapshots_count: count } = await receipt;
  assert.equal(count, 2);
  assert.equal(current(table), first);
});
