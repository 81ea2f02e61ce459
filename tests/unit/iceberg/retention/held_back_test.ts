import assert from "node:assert/strict";
import { heldBack, heldByPins } from "../../../../lib/iceberg/retention/held_back.ts";
import type { SnapshotRef } from "../../../../lib/iceberg/spec/snapshot.ts";
import { NOW_MS, ref, tableWithSnapshots } from "../../../support/commit_fixture.ts";

const LATER_MS = NOW_MS + 1_000_000;

/** Ten snapshots, all of them old. */
function held(refs: readonly SnapshotRef[], retainLast = 1) {
  const metadata = tableWithSnapshots(10, { refs: new Map(refs.map((one) => [one.name, one])) });
  return heldBack(metadata, { olderThanMs: LATER_MS, retainLast, nowMs: LATER_MS })
    .map(({ heldBy, reason, snapshots }) => [heldBy, reason, snapshots]);
}

Deno.test("heldBack() names what a branch keeps whatever its age", () => {
  assert.deepEqual(held([ref("main", 10n)]), [["main", "min_snapshots_to_keep", 1]]);
  assert.deepEqual(held([ref("main", 10n)], 4), [["main", "min_snapshots_to_keep", 4]]);
  assert.deepEqual(held([ref("main", 3n)], 7), [["main", "min_snapshots_to_keep", 3]]);
});

Deno.test("heldBack() tells what a branch keeps by an age of its own", () => {
  // Snapshot n was made n ms after the beginning.
  const maxSnapshotAgeMs = LATER_MS - NOW_MS - 6;
  assert.deepEqual(held([ref("main", 10n, { maxSnapshotAgeMs })], 2), [
    ["main", "max_snapshot_age", 5],
  ]);
});

Deno.test("heldBack() names tags, such as those that people pin a source with", () => {
  const refs = [
    ref("pipeline-7", 2n, { type: "tag" }),
    ref("main", 10n),
    ref("audit", 4n, { type: "tag" }),
  ];
  assert.deepEqual(held(refs), [
    ["main", "min_snapshots_to_keep", 1],
    ["audit", "tag", 1],
    ["pipeline-7", "tag", 1],
  ]);
});

Deno.test("heldBack() passes over refs that are past their age, and snapshots that are young", () => {
  assert.deepEqual(held([ref("main", 10n), ref("old", 1n, { type: "tag", maxRefAgeMs: 1 })]), [
    ["main", "min_snapshots_to_keep", 1],
  ]);
  const metadata = tableWithSnapshots(10);
  assert.deepEqual(heldBack(metadata, { olderThanMs: 0, retainLast: 5, nowMs: LATER_MS }), []);
});

Deno.test("heldBack() names at most a hundred refs", () => {
  const tags = Array.from({ length: 300 }, (_, i) => ref(`t${i}`, 5n, { type: "tag" }));
  assert.equal(held([ref("main", 10n), ...tags]).length, 100);
});

Deno.test("heldByPins() counts for each holder, at most a hundred of them", () => {
  const both = ["a", "b"];
  const pinned = new Map([[1n, ["a"]], [2n, both], [3n, both]]);
  assert.deepEqual(
    heldByPins(pinned).map(({ heldBy, type, reason, snapshots }) =>
      [heldBy, type, reason, snapshots].join(" ")
    ),
    ["a pin pinned 3", "b pin pinned 2"],
  );
  const many = Array.from({ length: 300 }, (_, i) => `p${i}`);
  assert.equal(heldByPins(new Map([[1n, many]])).length, 100);
});
