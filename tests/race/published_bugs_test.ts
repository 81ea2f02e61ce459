/**
 * Ways in which other systems lost rows of Iceberg tables, doubled them, brought them back, or never
 * came to an end; each named after the report, so that it can be read up there. Real files, jobs and
 * commits; after every commit the oracle compares all rows.
 */
import assert from "node:assert/strict";
import type { CompactReceipt } from "../../lib/maintenance/contract/mod.ts";
import { currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { BED_KINDS } from "./_beds.ts";
import { openScenario, PUBLISHING, type Ran, READING, type Scenario } from "./_scenario.ts";
import { appendByJob, appendFast, deleteKeys, deleteRows, upsert } from "./_row_writers.ts";
import { compact, expireSnapshots, removeOldOrphans, sortManifests } from "./_table_keepers.ts";

await readyParquet();

const OPTIONS = { "min-input-files": 2, "delete-file-threshold": 1 };
const FORMAT_VERSIONS = [2, 3] as const;

/** What a compaction answered that came through. */
function receiptOf({ outcome, error, receipt }: Ran): CompactReceipt {
  assert.equal(outcome, "acknowledged", String(error));
  return receipt as CompactReceipt;
}

function headOf({ witness }: Scenario) {
  const head = currentSnapshot(witness.table.metadata);
  assert(head !== undefined);
  return head;
}

/** Rows of the newest snapshot: the witness has seen that they are these. */
function rowsOf(scenario: Scenario): number {
  return scenario.oracle.see(headOf(scenario)).size;
}

for (const formatVersion of FORMAT_VERSIONS) {
  Deno.test(`StarRocks #77709: v${formatVersion} rows deleted between planning and commit do not return`, async () => {
    await using scenario = await openScenario({ formatVersion, partitioned: false, seed: 3 });
    await scenario.perform(appendFast, 6);
    const before = rowsOf(scenario);
    let deleted: Ran | null = null;
    // The delete is in the table before the commit is begun: only the planning snapshot knows better.
    const receipt = receiptOf(
      await scenario.run(compact("binpack", OPTIONS), {
        at: PUBLISHING,
        meanwhile: async () => void (deleted = await scenario.run(deleteRows)),
      }),
    );
    assert.equal(deleted?.["outcome"], "acknowledged");
    assert(receipt.rewritten_files > 0);
    assert(rowsOf(scenario) < before);
  });

  Deno.test(`iceberg-go #1427: v${formatVersion} equality deletes meanwhile go on applying to rewritten rows`, async () => {
    await using scenario = await openScenario({ formatVersion, partitioned: false, seed: 3 });
    await scenario.perform(appendFast, 6);
    const before = rowsOf(scenario);
    const receipt = receiptOf(
      await scenario.run(compact("binpack", OPTIONS), {
        at: PUBLISHING,
        meanwhile: () => scenario.perform(deleteKeys, 3),
      }),
    );
    // No conflict: the rewritten file is older than the deletes, as the rows in it are.
    assert.equal(receipt.snapshot_ids.length, 1);
    assert(rowsOf(scenario) < before);
  });

  Deno.test(`iceberg-compaction #163: v${formatVersion} rows of an upsert meanwhile are neither lost nor doubled`, async () => {
    await using scenario = await openScenario({ formatVersion, partitioned: false, seed: 4 });
    await scenario.perform(appendFast, 6);
    receiptOf(
      await scenario.run(compact("binpack", OPTIONS), {
        at: READING,
        meanwhile: () => scenario.perform(upsert, 3),
      }),
    );
    assert.equal(headOf(scenario).summary["operation"], "replace");
  });

  Deno.test(`RisingWave #26926: v${formatVersion} two compactions of the same files double no row`, async () => {
    await using scenario = await openScenario({ formatVersion, seed: 5 });
    await scenario.perform(appendFast, 6);
    let inner: CompactReceipt | null = null;
    const outer = receiptOf(
      await scenario.run(compact("binpack", OPTIONS), {
        at: PUBLISHING,
        meanwhile: async () => {
          inner = receiptOf(await scenario.run(compact("binpack", OPTIONS)));
        },
      }),
    );
    assert(inner !== null);
    assert.equal(outer.rewritten_files, 0);
    assert.equal(outer.failed_data_files_count, inner["rewritten_files"]);
  });

  Deno.test(`ClickHouse #114437: v${formatVersion} tables with deletes of every kind are compacted`, async () => {
    await using scenario = await openScenario({ formatVersion, partitioned: false, seed: 6 });
    await scenario.perform(appendFast, 6);
    for (const action of [deleteRows, deleteKeys, upsert, deleteRows]) {
      await scenario.perform(action);
    }
    const receipt = receiptOf(
      await scenario.run(
        compact("binpack", { ...OPTIONS, "rewrite-all": true, "remove-dangling-deletes": true }),
      ),
    );
    assert(receipt.rewritten_files >= 5);
    assert(receipt.removed_delete_files_count > 0);
    assert.equal(headOf(scenario).summary["total-delete-files"], "0");
  });
}

Deno.test("iceberg #4996, #6330, #13972, trino #25584: a busy writer does not keep compaction from its work", async () => {
  await using scenario = await openScenario({ formatVersion: 2, seed: 9 });
  await scenario.perform(appendFast, 12);
  const receipt = receiptOf(
    await scenario.run(
      compact("binpack", { ...OPTIONS, "max-concurrent-file-group-rewrites": 1 }),
      {
        at: PUBLISHING,
        everyTime: true,
        meanwhile: async () => {
          await scenario.run(appendFast);
          await scenario.run(deleteRows);
        },
      },
    ),
  );
  // Every time some group is hit; all others are committed.
  assert(receipt.rewritten_files > 0);
});

Deno.test("iceberg #6669, #9833: a second run right after finds nothing to do, and says why", async () => {
  for (const formatVersion of FORMAT_VERSIONS) {
    await using scenario = await openScenario({ formatVersion, seed: 7 });
    await scenario.perform(appendFast, 8);
    for (const action of [deleteRows, deleteKeys]) await scenario.perform(action);
    receiptOf(await scenario.run(compact("binpack", OPTIONS)));
    const { versions } = scenario.witness;
    const again = receiptOf(await scenario.run(compact("binpack", OPTIONS)));
    assert.equal(scenario.witness.versions, versions);
    assert.deepEqual(again.snapshot_ids, []);
    const skipped = again.skipped_files.reduce((sum, { files }) => sum + files, 0);
    assert.equal(String(skipped), headOf(scenario).summary["total-data-files"]);
  }
});

for (const catalog of BED_KINDS) {
  Deno.test(`duckdb #1120, ClickHouse #115580, #115390, Altinity #1982, iceberg #15050: a lost reply of a ${catalog} catalog costs nothing`, async () => {
    for (const loses of ["landed", "sent in vain"] as const) {
      await using scenario = await openScenario({ catalog, seed: 8 });
      await scenario.perform(appendFast, 4);
      for (const action of [appendFast, appendByJob, deleteRows, compact("binpack", OPTIONS)]) {
        const { outcome, error } = await scenario.run(action, { loses });
        assert.equal(outcome, "acknowledged", String(error));
      }
      // Neither corrupt nor done twice: the witness has looked; and nothing is left lying about.
      assert.deepEqual(await scenario.strayFiles(), []);
    }
  });

  Deno.test(`PyIceberg #1065, #1092, #1200, #2604, iceberg-rust #624: tables of a ${catalog} catalog are kept in order, files and all`, async () => {
    await using scenario = await openScenario({ catalog, seed: 10 });
    await scenario.perform(appendFast, 6);
    for (const action of [deleteRows, upsert, sortManifests]) await scenario.perform(action);
    const options = { ...OPTIONS, "remove-dangling-deletes": true };
    receiptOf(await scenario.run(compact("binpack", options)));
    const before = scenario.witness.table.metadata.snapshots.length;
    await scenario.perform(expireSnapshots);
    await scenario.perform(removeOldOrphans);
    assert(scenario.witness.table.metadata.snapshots.length < before);
    assert.deepEqual(await scenario.strayFiles(), []);
  });
}
