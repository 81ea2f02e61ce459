import assert from "node:assert/strict";
import { fastAppend } from "../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { RewriteManifestsParams } from "../../../../lib/maintenance/contract/mod.ts";
import { rewriteManifests } from "../../../../lib/maintenance/jobs/mod.ts";
import { ANY_LOCATION, testJobHost } from "../../../support/maintenance/job_host.ts";
import { claimedFile, RowTable } from "../../../support/maintenance/row_table.ts";
import { appendSmall, range } from "./_compaction.ts";

function run(table: RowTable, more: Partial<RewriteManifestsParams> = {}) {
  const params = { location: ANY_LOCATION, dryRun: false, specId: null, sortBy: null, ...more };
  const host = testJobHost(table.store);
  return rewriteManifests(params, host).then((receipt) => ({ receipt, host }));
}

Deno.test("rewriteManifests() merges manifests, and does so once", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  const { receipt: bill } = await run(table, { dryRun: true });
  assert.deepEqual(bill, {
    rewritten_manifests_count: 5,
    added_manifests_count: 1,
    snapshot_ids: [],
  });
  const { receipt, host } = await run(table);
  assert.deepEqual(receipt, { ...bill, snapshot_ids: [String(table.state.snapshot.snapshotId)] });
  assert.deepEqual(host.announced, [receipt]);
  assert.deepEqual(await table.rows(), range(0, 10));
  const versions = table.store.history.length;
  const { receipt: again } = await run(table);
  assert.deepEqual(again, {
    rewritten_manifests_count: 0,
    added_manifests_count: 0,
    snapshot_ids: [],
  });
  assert.equal(table.store.history.length, versions);
});

Deno.test("rewriteManifests() of an empty table does nothing, in earnest or not", async () => {
  for (const dryRun of [true, false]) {
    const { receipt } = await run(new RowTable(), { dryRun });
    assert.deepEqual(receipt, {
      rewritten_manifests_count: 0,
      added_manifests_count: 0,
      snapshot_ids: [],
    });
  }
});

Deno.test("rewriteManifests() bears an append that comes first", async () => {
  const table = new RowTable();
  await appendSmall(table, 5);
  table.store.failCommits({ kind: "conflict" });
  const { receipt } = await run(table);
  assert.equal(receipt.rewritten_manifests_count, 5);
  assert.deepEqual(await table.rows(), range(0, 10));
});

/** Two fields, of which the second is the one that scans go by. */
const BY_ID_AND_REGION: PartitionSpec = {
  specId: 0,
  fields: [
    { sourceIds: [1], fieldId: 1000, name: "id_bucket", transform: { kind: "identity" } },
    { sourceIds: [2], fieldId: 1001, name: "region", transform: { kind: "identity" } },
  ],
};

async function twoFields(): Promise<RowTable> {
  const table = new RowTable({ partitionSpecs: [BY_ID_AND_REGION], lastPartitionId: 1001 });
  for (const id of [3n, 1n, 2n]) {
    const files = ["us", "eu"].map((region) => claimedFile(`${id}-${region}`, [id, region]));
    await table.commit(fastAppend({ files }));
  }
  return table;
}

const partitions = async (table: RowTable) =>
  (await table.tasks()).map(({ dataFile }) => dataFile.partition.join());

Deno.test("rewriteManifests() sorts by the spec's fields in order, unless it is told otherwise", async () => {
  const inOrder = await twoFields();
  await run(inOrder);
  assert.deepEqual(await partitions(inOrder), ["1,eu", "1,us", "2,eu", "2,us", "3,eu", "3,us"]);
  const byRegion = await twoFields();
  await run(byRegion, { sortBy: ["region"] });
  assert.deepEqual(await partitions(byRegion), ["1,eu", "2,eu", "3,eu", "1,us", "2,us", "3,us"]);
});

Deno.test("rewriteManifests() refuses fields and specs that the table has not", async () => {
  const table = await twoFields();
  for (const dryRun of [true, false]) {
    await assert.rejects(run(table, { sortBy: ["country"], dryRun }), {
      kind: "invalid",
      code: "partition_field_unknown",
    });
    await assert.rejects(run(table, { specId: 7, dryRun }), {
      kind: "invalid",
      code: "partition_spec_unknown",
    });
  }
});
