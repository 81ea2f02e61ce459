import assert from "node:assert/strict";
import fc from "fast-check";
import type { ExpireParams } from "../../../../lib/maintenance/contract/mod.ts";
import type { RowTable } from "../../../support/maintenance/row_table.ts";
import { LIVE, OLD, orphans, run, usedTable } from "./_expire.ts";

/** Pins of the table's snapshots, by their places from the oldest. */
function pins(table: RowTable, places: Readonly<Record<string, number>>): ExpireParams["pins"] {
  const { snapshots, tableUuid } = table.store.table.metadata;
  return Object.entries(places).map(([heldBy, place]) => ({
    heldBy,
    tableUuid,
    snapshotId: String(snapshots[place]?.snapshotId),
  }));
}

function ids(table: RowTable): readonly string[] {
  return table.store.table.metadata.snapshots.map(({ snapshotId }) => String(snapshotId));
}

Deno.test("expire() keeps what pipelines still read, every file of it, and says for whom", async () => {
  const table = await usedTable();
  const { snapshots } = table.store.table.metadata;
  const before = await Promise.all(snapshots.map((one) => table.rows(one)));
  const all = ids(table);
  const held = { ...OLD, pins: pins(table, { "pipeline a": 6, "pipeline b": 8 }) };
  const bill = await run(table, { ...held, dryRun: true });
  const receipt = await run(table, held);
  assert.deepEqual(receipt, bill);
  assert.deepEqual(ids(table), all.slice(6));
  for (const [i, one] of snapshots.entries()) {
    if (i >= 6) assert.deepEqual(await table.rows(one), before[i]);
  }
  assert.deepEqual(await orphans(table), []);
  assert.equal(receipt.expired_snapshots_count, 6);
  assert.deepEqual(receipt.held_back, [
    { held_by: "main", type: "branch", reason: "min_snapshots_to_keep", snapshots: 1 },
    { held_by: "pipeline a", type: "pin", reason: "pinned", snapshots: 3 },
    { held_by: "pipeline b", type: "pin", reason: "pinned", snapshots: 1 },
  ]);
  assert.equal(receipt.pinned_snapshots_count, 3);
  assert.deepEqual(receipt.pinned_snapshots, [
    { snapshot_id: all[6], held_by: ["pipeline a"] },
    { snapshot_id: all[7], held_by: ["pipeline a"] },
    { snapshot_id: all[8], held_by: ["pipeline a", "pipeline b"] },
  ]);
});

Deno.test("expire() says what is held also where pins leave nothing to be done", async () => {
  const table = await usedTable();
  const versions = table.store.history.length;
  const held = { ...OLD, pins: pins(table, { "pipeline a": 0 }) };
  const bill = await run(table, { ...held, dryRun: true });
  const receipt = await run(table, held);
  assert.deepEqual(receipt, bill);
  assert.equal(table.store.history.length, versions);
  assert.equal(receipt.pinned_snapshots_count, 9);
  assert.deepEqual(receipt.held_back.map(({ held_by, snapshots }) => [held_by, snapshots]), [
    ["main", 1],
    ["pipeline a", 9],
  ]);
});

Deno.test("expire() is not held by pins of another table that had the name, or of snapshots that are gone", async () => {
  const table = await usedTable();
  const [pin] = pins(table, { "pipeline a": 0 });
  assert(pin !== undefined);
  const others = [{ ...pin, tableUuid: crypto.randomUUID() }, { ...pin, snapshotId: "4711" }];
  const receipt = await run(table, { ...OLD, pins: others });
  assert.equal(receipt.expired_snapshots_count, 9);
  assert.equal(receipt.pinned_snapshots_count, 0);
  assert.deepEqual(await table.rows(), LIVE);
});

Deno.test("expire() counts a pin of a table whose uuid nobody knew", async () => {
  const table = await usedTable();
  const held = pins(table, { "pipeline a": 5 }).map((pin) => ({ ...pin, tableUuid: null }));
  const receipt = await run(table, { ...OLD, pins: held });
  assert.equal(receipt.expired_snapshots_count, 5);
});

Deno.test("expire() refuses ids that a pipeline still reads, dry or not, and changes nothing", async () => {
  const table = await usedTable();
  const versions = table.store.history.length;
  const [, , third] = ids(table);
  assert(third !== undefined);
  const named = { snapshotIds: [third], pins: pins(table, { "pipeline a": 1 }) };
  for (const dryRun of [true, false]) {
    await assert.rejects(run(table, { ...named, dryRun }), {
      kind: "conflict",
      code: "snapshot_held",
      message: new RegExp(`snapshot ${third}: it is held by pipeline a; `),
    });
  }
  assert.equal(table.store.history.length, versions);
});

Deno.test("expire() keeps schemas and specs that only pinned snapshots use", async () => {
  const table = await usedTable();
  const clean = { ...OLD, cleanExpiredMetadata: true };
  const first = { ...clean, pins: pins(table, { "pipeline a": 0 }) };
  table.store.replace((metadata) => {
    const [schema] = metadata.schemas;
    assert(schema !== undefined);
    // All but the newest snapshot were written with another schema.
    const snapshots = metadata.snapshots.map((one, i) =>
      i === metadata.snapshots.length - 1 ? { ...one, schemaId: 1 } : one
    );
    const schemas = [schema, Object.assign(Object.create(schema), { schemaId: 1 })];
    return { ...metadata, snapshots, schemas, currentSchemaId: 1 };
  });
  assert.equal((await run(table, { ...first, dryRun: true })).removed_schemas_count, 0);
  assert.equal((await run(table, { ...clean, dryRun: true })).removed_schemas_count, 1);
});

Deno.test("expire() around any pins lists the same bill, and leaves all that they read readable", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
      fc.integer({ min: 1, max: 4 }),
      async (places, retainLast) => {
        const table = await usedTable();
        const { snapshots } = table.store.table.metadata;
        const before = await Promise.all(snapshots.map((one) => table.rows(one)));
        const held = pins(table, Object.fromEntries(places.map((at) => [`p${at}`, at])));
        const options = { ...OLD, retainLast, pins: held };
        const bill = await run(table, { ...options, dryRun: true });
        assert.deepEqual(await run(table, options), bill);
        const oldest = Math.min(...places, snapshots.length - retainLast);
        for (const [i, one] of snapshots.entries()) {
          if (i >= oldest) assert.deepEqual(await table.rows(one), before[i]);
        }
        assert.equal(bill.expired_snapshots_count, oldest);
        assert.deepEqual(await orphans(table), []);
      },
    ),
    { numRuns: 25 },
  );
});
