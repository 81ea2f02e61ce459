import assert from "node:assert/strict";
import {
  expirableSnapshots,
  retentionFromProperties,
} from "../../../../lib/iceberg/retention/expirable_snapshots.ts";
import type { Snapshot, SnapshotRef } from "../../../../lib/iceberg/spec/snapshot.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 100 * DAY_MS;

/** A snapshot made `ageDays` ago. */
function snapshot(id: number, parent: number | null, ageDays: number): Snapshot {
  return {
    snapshotId: BigInt(id),
    parentSnapshotId: parent === null ? null : BigInt(parent),
    sequenceNumber: BigInt(id),
    timestampMs: NOW_MS - ageDays * DAY_MS,
    manifestList: `metadata/snap-${id}.avro`,
    manifests: null,
    summary: { operation: "append" },
    schemaId: 0,
    firstRowId: null,
    addedRows: null,
    keyId: null,
  };
}

function ref(name: string, id: number, more: Partial<SnapshotRef> = {}): [string, SnapshotRef] {
  const base = { minSnapshotsToKeep: null, maxSnapshotAgeMs: null, maxRefAgeMs: null };
  return [name, { name, snapshotId: BigInt(id), type: "branch", ...base, ...more }];
}

const defaults = retentionFromProperties({}, NOW_MS);

Deno.test("expirableSnapshots() keeps snapshots of the last five days and the head by default", () => {
  const snapshots = [
    snapshot(1, null, 20),
    snapshot(2, 1, 6),
    snapshot(3, 2, 5),
    snapshot(4, 3, 0),
  ];
  const refs = new Map([ref("main", 4)]);
  assert.deepEqual(expirableSnapshots({ snapshots, refs }, defaults), [1n, 2n]);
});

Deno.test("expirableSnapshots() keeps an old head: every branch keeps at least one", () => {
  const snapshots = [snapshot(1, null, 50), snapshot(2, 1, 40)];
  assert.deepEqual(expirableSnapshots({ snapshots, refs: new Map([ref("main", 2)]) }, defaults), [
    1n,
  ]);
});

Deno.test("expirableSnapshots() stops at the first expired ancestor: older ones cannot re-enter", () => {
  // Snapshot 1 has a young clock but lies behind 2, which expired.
  const snapshots = [snapshot(1, null, 1), snapshot(2, 1, 30), snapshot(3, 2, 0)];
  assert.deepEqual(
    expirableSnapshots({ snapshots, refs: new Map([ref("main", 3)]) }, defaults),
    [1n, 2n],
  );
});

Deno.test("expirableSnapshots() lets a ref override age and count for its branch", () => {
  const snapshots = [snapshot(1, null, 30), snapshot(2, 1, 20), snapshot(3, 2, 10)];
  const keepTwo = new Map([ref("main", 3, { minSnapshotsToKeep: 2 })]);
  assert.deepEqual(expirableSnapshots({ snapshots, refs: keepTwo }, defaults), [1n]);
  const keep25Days = new Map([ref("main", 3, { maxSnapshotAgeMs: 25 * DAY_MS })]);
  assert.deepEqual(expirableSnapshots({ snapshots, refs: keep25Days }, defaults), [1n]);
});

Deno.test("expirableSnapshots() keeps a tagged snapshot but not its ancestors", () => {
  const snapshots = [snapshot(1, null, 40), snapshot(2, 1, 30), snapshot(3, 2, 0)];
  const refs = new Map([ref("main", 3), ref("audit", 2, { type: "tag" })]);
  assert.deepEqual(expirableSnapshots({ snapshots, refs }, defaults), [1n]);
});

Deno.test("expirableSnapshots() drops what only a ref past its max-ref-age holds, never main", () => {
  const snapshots = [snapshot(1, null, 40), snapshot(2, null, 30)];
  const refs = new Map([
    ref("main", 1, { maxRefAgeMs: DAY_MS }),
    ref("stale", 2, { type: "tag", maxRefAgeMs: DAY_MS }),
  ]);
  assert.deepEqual(expirableSnapshots({ snapshots, refs }, defaults), [2n]);
});

Deno.test("expirableSnapshots() keeps young snapshots that are on no branch", () => {
  const snapshots = [snapshot(1, null, 2), snapshot(2, null, 9), snapshot(3, null, 0)];
  assert.deepEqual(
    expirableSnapshots({ snapshots, refs: new Map([ref("main", 3)]) }, defaults),
    [2n],
  );
});

Deno.test("expirableSnapshots() ends on cyclic parents", () => {
  const snapshots = [snapshot(1, 2, 20), snapshot(2, 1, 10)];
  assert.deepEqual(
    expirableSnapshots({ snapshots, refs: new Map([ref("main", 2)]) }, defaults),
    [1n],
  );
});

Deno.test("retentionFromProperties() reads the table's properties and ignores unusable ones", () => {
  const properties = {
    "history.expire.max-snapshot-age-ms": String(DAY_MS),
    "history.expire.min-snapshots-to-keep": "7",
  };
  assert.deepEqual(retentionFromProperties(properties, NOW_MS), {
    olderThanMs: NOW_MS - DAY_MS,
    retainLast: 7,
    nowMs: NOW_MS,
  });
  const unusable = { "history.expire.min-snapshots-to-keep": "none" };
  assert.equal(retentionFromProperties(unusable, NOW_MS).retainLast, 1);
});
