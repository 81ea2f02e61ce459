import assert from "node:assert/strict";
import fc from "fast-check";
import {
  branchRetention,
  type BranchRule,
} from "../../../../lib/iceberg/retention/_branch_retention.ts";
import type { Snapshot } from "../../../../lib/iceberg/spec/snapshot.ts";

/** Linear work over this many snapshots and branches takes well under a second. */
const MANY = 100_000;
const MAX_MANY_MS = 5_000;

function snapshot(id: number, parent: number | null, timestampMs: number): Snapshot {
  return {
    snapshotId: BigInt(id),
    parentSnapshotId: parent === null ? null : BigInt(parent),
    sequenceNumber: BigInt(id),
    timestampMs,
    manifestList: null,
    manifests: [],
    summary: {},
    schemaId: 0,
    firstRowId: null,
    addedRows: null,
    keyId: null,
  };
}

/** The rule as the Spark procedure words it: one walk for each branch. */
function byWalking(snapshots: readonly Snapshot[], rules: readonly BranchRule[]) {
  const byId = new Map(snapshots.map((one) => [one.snapshotId, one]));
  const kept = new Set<bigint>();
  const onBranch = new Set<bigint>();
  for (const { snapshotId, minimum, cutoffMs } of rules) {
    let keeping = true;
    let count = 0;
    let at = byId.get(snapshotId);
    for (; at !== undefined; at = byId.get(at.parentSnapshotId ?? -1n)) {
      onBranch.add(at.snapshotId);
      keeping &&= count < minimum || at.timestampMs >= cutoffMs;
      if (keeping) kept.add(at.snapshotId);
      count++;
    }
  }
  return { kept, onBranch };
}

/** A forest: the parent of each snapshot is an earlier one, expired (-1) or none. */
const forest = fc.array(
  fc.record({ parent: fc.integer({ min: -1, max: 30 }), age: fc.nat(9) }),
  { maxLength: 30 },
).map((items) =>
  items.map(({ parent, age }, id) => snapshot(id, parent < id ? parent : null, age))
);
const branches = fc.array(
  fc.record({
    snapshotId: fc.nat(31).map(BigInt),
    minimum: fc.integer({ min: 1, max: 12 }),
    cutoffMs: fc.integer({ min: -1, max: 10 }),
  }),
  { maxLength: 8 },
);

Deno.test("branchRetention() keeps what a walk along each branch keeps", () => {
  fc.assert(
    fc.property(forest, branches, (snapshots, rules) => {
      const found = branchRetention(snapshots, rules);
      const wanted = byWalking(snapshots, rules);
      assert.deepEqual([...found.kept].sort(), [...wanted.kept].sort());
      assert.deepEqual([...found.onBranch].sort(), [...wanted.onBranch].sort());
    }),
    { numRuns: 2_000, seed: 7 },
  );
});

Deno.test("branchRetention() is linear where every branch keeps a long history of its own", () => {
  const snapshots = Array.from({ length: MANY }, (_, i) => snapshot(i, i === 0 ? null : i - 1, i));
  const rules = snapshots.map(({ snapshotId }, i) => ({
    snapshotId,
    minimum: 1 + (i * 7_919) % MANY,
    cutoffMs: (i * 104_729) % MANY,
  }));
  const start = performance.now();
  const { kept } = branchRetention(snapshots, rules);
  assert.ok(performance.now() - start < MAX_MANY_MS);
  assert.equal(kept.size, MANY);
});
