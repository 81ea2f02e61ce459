/** Ways in which drls itself went wrong, found by these races; each is told so that it stays found. */
import assert from "node:assert/strict";
import { currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import { readyParquet } from "../support/parquet_module.ts";
import { appendFast, deleteKeys, deleteRows } from "./_row_writers.ts";
import { COMMITTING, openScenario } from "./_scenario.ts";
import { changeSpec, compact, upgrade } from "./_table_keepers.ts";

await readyParquet();

Deno.test("compaction that does groups over sorts their rows out where the spec has changed meanwhile", async () => {
  for (const partitioned of [false, true]) {
    await using scenario = await openScenario({ partitioned, seed: 2 });
    await scenario.perform(appendFast, 6);
    const options = { "min-input-files": 2 };
    let specs = 0;
    const { outcome, error } = await scenario.run(compact("binpack", options), {
      at: COMMITTING,
      meanwhile: async () => {
        await scenario.perform(deleteRows, 3);
        await scenario.perform(changeSpec);
        specs = scenario.witness.table.metadata.partitionSpecs.length;
      },
    });
    assert.equal(outcome, "acknowledged", String(error));
    assert.equal(specs, 2);
    const head = currentSnapshot(scenario.witness.table.metadata);
    assert.equal(head?.summary["operation"], "replace");
  }
});

Deno.test("compaction that read rows before an upgrade to v3 takes no ids from them that they got since", async () => {
  await using scenario = await openScenario({ formatVersion: 2, seed: 2 });
  await scenario.perform(appendFast, 6);
  const { outcome, error } = await scenario.run(compact("binpack", { "min-input-files": 2 }), {
    at: COMMITTING,
    meanwhile: async () => {
      await scenario.perform(upgrade);
      // The first snapshot after the upgrade gives every row an id; the witness keeps them in mind.
      await scenario.perform(appendFast);
    },
  });
  assert.equal(outcome, "acknowledged", String(error));
  const { metadata } = scenario.witness.table;
  assert.equal(metadata.formatVersion, 3);
  assert.equal(currentSnapshot(metadata)?.summary["operation"], "replace");
});

Deno.test("compaction brings no row back that a delete of its old partition took while it moved to another spec", async () => {
  for (const formatVersion of [2, 3] as const) {
    await using scenario = await openScenario({ formatVersion, partitioned: true, seed: 2 });
    await scenario.perform(appendFast, 6);
    await scenario.perform(changeSpec);
    const { outcome, error } = await scenario.run(compact("binpack", { "min-input-files": 2 }), {
      at: COMMITTING,
      // So many that some find rows.
      meanwhile: () => scenario.perform(deleteKeys, 20),
    });
    assert.equal(outcome, "acknowledged", String(error));
    const { metadata } = scenario.witness.table;
    assert.equal(metadata.partitionSpecs.length, 2);
    assert.equal(currentSnapshot(metadata)?.summary["operation"], "replace");
  }
});
