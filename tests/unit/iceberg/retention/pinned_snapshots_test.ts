import assert from "node:assert/strict";
import fc from "fast-check";
import { expirableSnapshots } from "../../../../lib/iceberg/retention/expirable_snapshots.ts";
import { NO_PINS, pinnedSnapshots } from "../../../../lib/iceberg/retention/pinned_snapshots.ts";
import { planExpiry } from "../../../../lib/iceberg/retention/plan_expiry.ts";
import type { Snapshot, SnapshotRef } from "../../../../lib/iceberg/spec/snapshot.ts";
import { emptyTable, NOW_MS, ref, snapshot } from "../../../support/commit_fixture.ts";

/** Linear work over this many snapshots takes well under a second. */
const MANY = 100_000;
const MAX_MANY_MS = 5_000;

/** Snapshots 1, 2, … by their parents; 0 for none. */
function history(...parents: readonly number[]): readonly Snapshot[] {
  return parents.map((parent, i) =>
    snapshot(BigInt(i + 1), { parentSnapshotId: parent === 0 ? null : BigInt(parent) })
  );
}

function kept(
  snapshots: readonly Snapshot[],
  branches: readonly SnapshotRef[],
  pins: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, string>> {
  const byId = new Map(Object.entries(pins).map(([id, holders]) => [BigInt(id), holders]));
  const found = pinnedSnapshots(snapshots, { pins: byId, branches });
  return Object.fromEntries([...found].map(([id, holders]) => [String(id), holders.join(" ")]));
}

Deno.test("pinnedSnapshots() keeps the pinned one and all that follow, to the head", () => {
  const line = history(0, 1, 2, 3, 4);
  assert.deepEqual(kept(line, [ref("main", 5n)], { 3: ["a"] }), { 3: "a", 4: "a", 5: "a" });
  assert.deepEqual(kept(line, [ref("main", 5n)], {}), {});
  assert.equal(pinnedSnapshots(line, { pins: NO_PINS, branches: [] }), NO_PINS);
});

Deno.test("pinnedSnapshots() names everybody who still reads through a snapshot", () => {
  const line = history(0, 1, 2, 3);
  assert.deepEqual(kept(line, [ref("main", 4n)], { 1: ["a"], 3: ["b", "a"] }), {
    1: "a",
    2: "a",
    3: "a b",
    4: "a b",
  });
});

Deno.test("pinnedSnapshots() follows every branch that the pinned one lies on, and no other", () => {
  // 1 ─ 2 ─ 3 main,  2 ─ 4 ─ 5 audit,  1 ─ 6 elsewhere
  const tree = history(0, 1, 2, 2, 4, 1);
  const branches = [ref("main", 3n), ref("audit", 5n), ref("elsewhere", 6n)];
  assert.deepEqual(Object.keys(kept(tree, branches, { 2: ["a"] })), ["2", "3", "4", "5"]);
  assert.deepEqual(Object.keys(kept(tree, branches, { 4: ["a"] })), ["4", "5"]);
  assert.deepEqual(Object.keys(kept(tree, branches.slice(0, 1), { 2: ["a"] })), ["2", "3"]);
});

Deno.test("pinnedSnapshots() keeps one that was rolled back, and nothing that followed it there", () => {
  // 3 and 4 were rolled back to 2; a pin on 3 has nothing to read towards.
  const rolledBack = history(0, 1, 2, 3, 2);
  assert.deepEqual(kept(rolledBack, [ref("main", 5n)], { 3: ["a"] }), { 3: "a" });
});

Deno.test("pinnedSnapshots() holds nothing for snapshots that the table does not have", () => {
  assert.deepEqual(kept(history(0, 1), [ref("main", 2n)], { 9: ["a"] }), {});
  // The parent of 1 is gone: what follows was not asked for by its id.
  const cut = [snapshot(1n, { parentSnapshotId: 9n })];
  assert.deepEqual(kept(cut, [ref("main", 1n)], { 9: ["a"] }), {});
});

Deno.test("pinnedSnapshots() ends on cyclic parents", () => {
  assert.deepEqual(kept(history(2, 1), [ref("main", 2n)], { 1: ["a"] })[1], "a");
});

/** A forest with branches and pins: the parent of each snapshot is an earlier one, or none. */
const worlds = fc.record({
  parents: fc.array(fc.nat(30), { minLength: 1, maxLength: 30 }),
  heads: fc.array(fc.nat(31), { maxLength: 5 }),
  pins: fc.uniqueArray(fc.nat(31), { maxLength: 4 }),
  tagged: fc.nat(31),
  retainLast: fc.integer({ min: 1, max: 5 }),
  cutoff: fc.nat(31),
});

function pathFrom(id: bigint, byId: ReadonlyMap<bigint, Snapshot>): readonly bigint[] {
  const path: bigint[] = [];
  let at = byId.get(id);
  while (at !== undefined) {
    path.push(at.snapshotId);
    at = byId.get(at.parentSnapshotId ?? -1n);
  }
  return path;
}

Deno.test("an expiry keeps the whole path from each pin to each head, and lets go nothing else less", () => {
  fc.assert(
    fc.property(worlds, ({ parents, heads, pins: pinned, tagged, retainLast, cutoff }) => {
      const snapshots = history(...parents.map((parent, i) => parent <= i ? parent : 0));
      const branches = heads.map((head, i) => ref(`b${i}`, BigInt(head)));
      const refs = [...branches, ref("t", BigInt(tagged), { type: "tag" })];
      const metadata = emptyTable({
        snapshots,
        refs: new Map(refs.map((one) => [one.name, one])),
      });
      const retention = { olderThanMs: NOW_MS + cutoff, retainLast, nowMs: NOW_MS + 1_000 };
      const pins = new Map(pinned.map((id) => [BigInt(id), [`p${id}`]]));
      const plan = planExpiry(metadata, { retention, snapshotIds: new Set(), pins, used: null });
      const kept = new Set(plan.kept.map(({ snapshotId }) => snapshotId));
      const byId = new Map(snapshots.map((one) => [one.snapshotId, one]));
      const needed = new Map<bigint, Set<string>>();
      const need = (id: bigint, holder: string) =>
        needed.set(id, (needed.get(id) ?? new Set()).add(holder));
      for (const pin of pins.keys()) {
        if (byId.has(pin)) need(pin, `p${pin}`);
        for (const { snapshotId } of branches) {
          const path = pathFrom(snapshotId, byId);
          if (!path.includes(pin)) continue;
          for (const id of path.slice(0, path.indexOf(pin) + 1)) need(id, `p${pin}`);
        }
      }
      const expirable = expirableSnapshots(metadata, retention);
      for (const id of needed.keys()) assert(kept.has(id), `lost ${id}`);
      assert.deepEqual(
        plan.expired.map(({ snapshotId }) => snapshotId),
        expirable.filter((id) => !needed.has(id)),
      );
      assert.deepEqual(
        [...plan.pinned].map(([id, holders]) => [id, holders.toSorted()]),
        expirable.filter((id) => needed.has(id)).map((id) => [id, [...needed.get(id)!].sort()]),
      );
    }),
    { numRuns: 3_000, seed: 11 },
  );
});

Deno.test("pinnedSnapshots() is linear in a long lineage below many pins", () => {
  const line = Array.from(
    { length: MANY },
    (_, i) => snapshot(BigInt(i), { parentSnapshotId: i === 0 ? null : BigInt(i - 1) }),
  );
  const pins = new Map(Array.from({ length: 10_000 }, (_, i) => [BigInt(i * 10), [`p${i}`]]));
  // Newest first, so that the first walk is the longest.
  const start = performance.now();
  const found = pinnedSnapshots(line.toReversed(), {
    pins,
    branches: [ref("main", BigInt(MANY - 1))],
  });
  assert.ok(performance.now() - start < MAX_MANY_MS);
  assert.equal(found.size, MANY);
  assert.equal(found.get(BigInt(MANY - 1))?.length, 100);
});
