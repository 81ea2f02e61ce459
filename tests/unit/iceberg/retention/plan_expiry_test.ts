import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { applyUpdates } from "../../../../lib/iceberg/commit/apply_updates.ts";
import {
  type ExpiryOptions,
  expiryUpdates,
  planExpiry,
} from "../../../../lib/iceberg/retention/plan_expiry.ts";
import { NO_PINS } from "../../../../lib/iceberg/retention/pinned_snapshots.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { NestedField } from "../../../../lib/iceberg/spec/types.ts";
import {
  BASE_SCHEMA,
  NOW_MS,
  ref,
  snapshot,
  tableWithSnapshots,
} from "../../../support/commit_fixture.ts";

/** Later than every snapshot: all of them are old. */
const LATER_MS = NOW_MS + 1_000_000;

function plan(metadata: TableMetadata, more: Partial<ExpiryOptions> = {}) {
  const found = planExpiry(metadata, {
    retention: { olderThanMs: LATER_MS, retainLast: 1, nowMs: LATER_MS },
    snapshotIds: new Set(),
    pins: NO_PINS,
    used: null,
    ...more,
  });
  const ids = (snapshots: typeof found.kept) => snapshots.map(({ snapshotId }) => snapshotId);
  return { ...found, expired: ids(found.expired), kept: ids(found.kept) };
}

const keepAll = { retention: { olderThanMs: 0, retainLast: 1, nowMs: LATER_MS } };

Deno.test("planExpiry() keeps as many snapshots of main as are to be retained", () => {
  const metadata = tableWithSnapshots(5);
  assert.deepEqual(plan(metadata).expired, [1n, 2n, 3n, 4n]);
  const retention = { olderThanMs: LATER_MS, retainLast: 3, nowMs: LATER_MS };
  assert.deepEqual(plan(metadata, { retention }).expired, [1n, 2n]);
});

Deno.test("planExpiry() lets a named snapshot go that retain_last would keep", () => {
  const retention = { olderThanMs: LATER_MS, retainLast: 5, nowMs: LATER_MS };
  const found = plan(tableWithSnapshots(5), { retention, snapshotIds: new Set([3n]) });
  assert.deepEqual(found.expired, [3n]);
});

Deno.test("planExpiry() lets a named snapshot go that is young", () => {
  assert.deepEqual(
    plan(tableWithSnapshots(3), { ...keepAll, snapshotIds: new Set([1n]) }).expired,
    [
      1n,
    ],
  );
});

Deno.test("planExpiry() passes over named snapshots that are gone", () => {
  assert.deepEqual(
    plan(tableWithSnapshots(2), { ...keepAll, snapshotIds: new Set([9n]) }).expired,
    [],
  );
});

Deno.test("planExpiry() keeps what a pin needs, and tells what would have gone without it", () => {
  const pins = new Map([[3n, ["pipeline 1"]]]);
  const found = plan(tableWithSnapshots(6), { pins });
  assert.deepEqual(found.expired, [1n, 2n]);
  assert.deepEqual(found.kept, [3n, 4n, 5n, 6n]);
  // The head stays without it.
  assert.deepEqual([...found.pinned], [3n, 4n, 5n].map((id) => [id, ["pipeline 1"]]));
});

Deno.test("planExpiry() tells of no pin where nothing is old enough to go", () => {
  const found = plan(tableWithSnapshots(6), { ...keepAll, pins: new Map([[2n, ["pipeline 1"]]]) });
  assert.deepEqual([found.expired, found.pinned.size], [[], 0]);
});

Deno.test("planExpiry() refuses to let go by name what a pin needs, and says whose it is", () => {
  const holders = ["pipeline 1", "pipeline 2", "pipeline 3", "pipeline 4"];
  const pins = new Map([[2n, holders]]);
  const refusal = (...ids: bigint[]) => {
    try {
      plan(tableWithSnapshots(5), { pins, snapshotIds: new Set(ids) });
    } catch (error) {
      assert(error instanceof AppError);
      assert.deepEqual([error.kind, error.code, error.retryable], [
        "conflict",
        "snapshot_held",
        false,
      ]);
      assert.deepEqual(error.issues.map(({ path }) => path), ["snapshot_ids"]);
      return error.message;
    }
    assert.fail("was not refused");
  };
  const remedy = "; wait until it has been read, stop the pipeline, or leave the snapshot out";
  const held = "it is held by pipeline 1, pipeline 2, pipeline 3 and 1 more";
  assert.equal(refusal(2n), `Cannot expire snapshot 2: ${held}${remedy}`);
  const more = ", and 1 more of those named are held";
  assert.equal(refusal(1n, 4n, 3n), `Cannot expire snapshot 4: ${held}${more}${remedy}`);
  assert.deepEqual(
    plan(tableWithSnapshots(5), { ...keepAll, pins, snapshotIds: new Set([1n]) }).expired,
    [1n],
  );
});

Deno.test("planExpiry() refuses to let go what a branch or a tag points at", () => {
  const refs = new Map([
    ["main", ref("main", 3n)],
    ["release", ref("release", 1n, { type: "tag" })],
  ]);
  const metadata = tableWithSnapshots(3, { refs });
  for (const [id, name] of [[3n, 'branch "main"'], [1n, 'tag "release"']] as const) {
    assert.throws(() => plan(metadata, { snapshotIds: new Set([id]) }), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "snapshot_referenced");
      assert.equal(error.kind, "conflict");
      assert(error.message.includes(name), error.message);
      assert.deepEqual(error.issues.map(({ path }) => path), ["snapshot_ids"]);
      return true;
    });
  }
  assert.deepEqual(plan(metadata, { snapshotIds: new Set([2n]) }).expired, [2n]);
});

Deno.test("planExpiry() drops refs past their age, and then what they pointed at", () => {
  const refs = new Map([
    ["main", ref("main", 3n)],
    ["old", ref("old", 1n, { type: "tag", maxRefAgeMs: 10 })],
    ["young", ref("young", 2n, { type: "tag", maxRefAgeMs: 2_000_000 })],
  ]);
  const found = plan(tableWithSnapshots(3, { refs }), { snapshotIds: new Set([1n]) });
  assert.deepEqual(found.removedRefs, ["old"]);
  assert.deepEqual(found.expired, [1n]);
});

Deno.test("planExpiry() goes by the table's age of refs where a ref says nothing", () => {
  const refs = new Map([["main", ref("main", 2n)], ["tag", ref("tag", 1n, { type: "tag" })]]);
  const metadata = tableWithSnapshots(2, { refs });
  const retention = { olderThanMs: LATER_MS, retainLast: 1, nowMs: LATER_MS };
  assert.deepEqual(plan(metadata, { retention }).removedRefs, []);
  const strict = plan(metadata, { retention: { ...retention, maxRefAgeMs: 1_000 } });
  assert.deepEqual(strict.removedRefs, ["tag"]);
  assert.deepEqual(strict.expired, [1n]);
});

Deno.test("planExpiry() never drops main, however old it is", () => {
  const refs = new Map([["main", ref("main", 2n, { maxRefAgeMs: 1 })]]);
  const found = plan(tableWithSnapshots(2, { refs }));
  assert.deepEqual(found.removedRefs, []);
  assert.deepEqual(found.kept, [2n]);
});

Deno.test("planExpiry() leaves schemas and specs alone unless it is asked to clean up", () => {
  const schemas = [BASE_SCHEMA, schema(1), schema(2)];
  const metadata = tableWithSnapshots(2, { schemas, currentSchemaId: 2 });
  assert.deepEqual(plan(metadata).removedSchemaIds, []);
});

const schema = (schemaId: number) =>
  new Schema({ schemaId, fields: BASE_SCHEMA.fields, identifierFieldIds: [] });

Deno.test("planExpiry() drops schemas and specs that nothing uses, never the current ones", () => {
  const snapshots = [
    snapshot(1n, { schemaId: 0 }),
    snapshot(2n, { schemaId: 1, parentSnapshotId: 1n }),
    snapshot(3n, { schemaId: 1, parentSnapshotId: 2n }),
  ];
  const metadata = tableWithSnapshots(3, {
    snapshots,
    schemas: [BASE_SCHEMA, schema(1), schema(2), schema(3)],
    currentSchemaId: 3,
    partitionSpecs: [0, 1, 2].map((specId) => ({ specId, fields: [] })),
    defaultSpecId: 2,
  });
  const found = plan(metadata, { used: { specIds: new Set([1]), hasDeletes: true } });
  assert.deepEqual(found.removedSchemaIds, [0, 2]);
  assert.deepEqual(found.removedSpecIds, [0]);
});

Deno.test("planExpiry() keeps the newest schema that knows a column which files still speak of", () => {
  const [id, ts, region] = BASE_SCHEMA.fields;
  assert(id !== undefined && ts !== undefined && region !== undefined);
  const of = (schemaId: number, ...fields: readonly NestedField[]) =>
    new Schema({ schemaId, fields, identifierFieldIds: [] });
  const metadata = tableWithSnapshots(1, {
    snapshots: [snapshot(1n, { schemaId: 3 })],
    schemas: [of(0, id, ts, region), of(1, id, ts), of(2, id, ts), of(3, id)],
    currentSchemaId: 3,
    partitionSpecs: [
      { specId: 0, fields: [] },
      {
        specId: 1,
        fields: [{
          sourceIds: [ts.id],
          fieldId: 1000,
          name: "ts_day",
          transform: { kind: "day" },
        }],
      },
    ],
    defaultSpecId: 0,
  });
  const removed = (specIds: number[], hasDeletes: boolean) =>
    plan(metadata, { used: { specIds: new Set(specIds), hasDeletes } }).removedSchemaIds;
  assert.deepEqual(removed([0], false), [0, 1, 2]);
  assert.deepEqual(removed([0, 1], false), [0, 1]);
  assert.deepEqual(removed([0], true), [1]);
});

Deno.test("expiryUpdates() make a table that needs no further expiry", () => {
  const refs = new Map([
    ["main", ref("main", 5n)],
    ["old", ref("old", 1n, { type: "tag", maxRefAgeMs: 10 })],
  ]);
  const metadata = tableWithSnapshots(5, {
    refs,
    schemas: [BASE_SCHEMA, schema(1)],
    partitionSpecs: [0, 1].map((specId) => ({ specId, fields: [] })),
  });
  const options = {
    retention: { olderThanMs: LATER_MS, retainLast: 2, nowMs: LATER_MS },
    snapshotIds: new Set<bigint>(),
    pins: NO_PINS,
    used: { specIds: new Set([0]), hasDeletes: false },
  };
  const updates = expiryUpdates(planExpiry(metadata, options));
  assert.deepEqual(updates.map(({ action }) => action), [
    "remove-snapshot-ref",
    "remove-snapshots",
    "remove-partition-specs",
    "remove-schemas",
  ]);
  const after = applyUpdates(metadata, updates, { nowMs: LATER_MS });
  assert.deepEqual(after.snapshots.map(({ snapshotId }) => snapshotId), [4n, 5n]);
  assert.deepEqual([...after.refs.keys()], ["main"]);
  assert.deepEqual(expiryUpdates(planExpiry(after, options)), []);
});
