import assert from "node:assert/strict";
import { ancestorsOf, isAncestorOf } from "../../../../lib/iceberg/scan/ancestors_of.ts";
import {
  addedFiles,
  type SnapshotRange,
  snapshotSteps,
} from "../../../../lib/iceberg/scan/incremental_append.ts";
import type { Snapshot } from "../../../../lib/iceberg/spec/snapshot.ts";
import { entry, file, manifest, MemorySource, snapshot } from "./_files.ts";

function chain(...operations: readonly string[]): Snapshot[] {
  return operations.map((operation, i) =>
    snapshot(BigInt(i + 1), { operation, parentSnapshotId: i === 0 ? null : BigInt(i) })
  );
}

function steps(snapshots: readonly Snapshot[], range: SnapshotRange): string {
  return snapshotSteps({ snapshots }, range).steps
    .map(({ snapshot, change }) => `${snapshot.snapshotId} ${change}`).join(", ");
}

const HISTORY = chain("append", "replace", "overwrite", "delete", "append", "compact");

Deno.test("snapshotSteps() names the change of every snapshot, oldest first", () => {
  assert.equal(
    steps(HISTORY, { fromSnapshotId: null, toSnapshotId: 6n }),
    "1 append, 2 replace, 3 overwrite, 4 delete, 5 append, 6 unknown",
  );
});

Deno.test("snapshotSteps() excludes the start unless told otherwise", () => {
  assert.equal(steps(HISTORY, { fromSnapshotId: 4n, toSnapshotId: 5n }), "5 append");
  assert.equal(
    steps(HISTORY, { fromSnapshotId: 4n, fromInclusive: true, toSnapshotId: 5n }),
    "4 delete, 5 append",
  );
  assert.equal(steps(HISTORY, { fromSnapshotId: 5n, toSnapshotId: 5n }), "");
});

Deno.test("snapshotSteps() takes a v1 snapshot without a summary as unknown", () => {
  const bare = [snapshot(1n, { summary: {} })];
  assert.equal(steps(bare, { fromSnapshotId: null, toSnapshotId: 1n }), "1 unknown");
});

Deno.test("snapshotSteps() tells an unknown end from a start that expired", () => {
  assert.throws(() => steps(HISTORY, { fromSnapshotId: 1n, toSnapshotId: 9n }), {
    kind: "not_found",
    code: "snapshot_not_found",
  });
  const kept = HISTORY.slice(3);
  assert.throws(() => steps(kept, { fromSnapshotId: 2n, toSnapshotId: 6n }), {
    kind: "not_found",
    code: "snapshot_expired",
  });
});

Deno.test("snapshotSteps() tells a gap in the line from a start on another line", () => {
  const gap = HISTORY.filter(({ snapshotId }) => snapshotId !== 2n && snapshotId !== 3n);
  assert.throws(() => steps(gap, { fromSnapshotId: 1n, toSnapshotId: 6n }), {
    code: "snapshot_expired",
  });
  const kept = HISTORY.slice(2);
  assert.throws(() => steps(kept, { fromSnapshotId: 6n, toSnapshotId: 4n }), {
    code: "snapshot_not_ancestor",
  });
});

Deno.test("snapshotSteps() reads on from an expired start whose child is still there", () => {
  const kept = HISTORY.slice(3);
  assert.equal(
    steps(kept, { fromSnapshotId: 3n, toSnapshotId: 5n }),
    "4 delete, 5 append",
  );
  assert.throws(
    () => steps(kept, { fromSnapshotId: 3n, fromInclusive: true, toSnapshotId: 5n }),
    { code: "snapshot_expired" },
  );
});

Deno.test("snapshotSteps() refuses a start on another line, as after a rollback", () => {
  const forked = [...HISTORY, snapshot(7n, { parentSnapshotId: 2n })];
  assert.throws(() => steps(forked, { fromSnapshotId: 5n, toSnapshotId: 7n }), {
    kind: "conflict",
    code: "snapshot_not_ancestor",
  });
});

Deno.test("snapshotSteps() says whether the beginning is missing", () => {
  const range = { fromSnapshotId: null, toSnapshotId: 5n };
  assert.equal(snapshotSteps({ snapshots: HISTORY }, range).complete, true);
  assert.equal(snapshotSteps({ snapshots: HISTORY.slice(2) }, range).complete, false);
});

Deno.test("snapshotSteps() sees that a snapshot without a parent has files of earlier ones", () => {
  const isComplete = (counts: Readonly<Record<string, string>>) => {
    const summary = { operation: "append", ...counts };
    const range = { fromSnapshotId: null, toSnapshotId: 9n };
    const alone = snapshot(9n, { summary, parentSnapshotId: null });
    return snapshotSteps({ snapshots: [alone] }, range).complete;
  };
  assert(isComplete({ "added-data-files": "2", "total-data-files": "2" }));
  assert(isComplete({ "total-data-files": "0" }));
  assert(isComplete({}));
  assert(!isComplete({ "added-data-files": "2", "total-data-files": "3" }));
  assert(!isComplete({ "total-data-files": "1" }));
});

Deno.test("ancestorsOf() ends in an error where history is a circle", () => {
  const circle = [
    snapshot(1n, { parentSnapshotId: 3n }),
    snapshot(2n, { parentSnapshotId: 1n }),
    snapshot(3n, { parentSnapshotId: 2n }),
  ];
  assert.throws(() => [...ancestorsOf({ snapshots: circle }, 3n)], {
    kind: "corrupt_data",
    code: "snapshot_cycle",
  });
  const self = [snapshot(1n, { parentSnapshotId: 1n })];
  assert.throws(() => [...ancestorsOf({ snapshots: self }, 1n)], { code: "snapshot_cycle" });
});

Deno.test("ancestorsOf() walks a long history in linear time", () => {
  const long = chain(...Array.from({ length: 50_000 }, () => "append"));
  assert.equal([...ancestorsOf({ snapshots: long }, 50_000n)].length, 50_000);
  assert.deepEqual([...ancestorsOf({ snapshots: long }, 60_000n)], []);
});

Deno.test("isAncestorOf() counts a snapshot as its own ancestor", () => {
  const lineage = { snapshots: HISTORY };
  assert.equal(isAncestorOf(lineage, { snapshotId: 3n, ancestorId: 3n }), true);
  assert.equal(isAncestorOf(lineage, { snapshotId: 3n, ancestorId: 1n }), true);
  assert.equal(isAncestorOf(lineage, { snapshotId: 1n, ancestorId: 3n }), false);
});

Deno.test("addedFiles() takes ADDED entries of the snapshot, from manifests that it wrote", async () => {
  const carried = manifest("old", [entry(file("one"), 1n)], { addedSnapshotId: 1n });
  // A merged manifest: written by snapshot 2, it carries over what 1 added.
  const merged = manifest("merged", [
    entry(file("one"), 1n, { status: "existing", snapshotId: 1n }),
    entry(file("two"), 2n),
    entry(file("gone"), 1n, { status: "deleted", snapshotId: 2n }),
    entry(file("three"), 2n),
  ], { addedSnapshotId: 2n });
  const deletes = manifest("deletes", [
    entry(file("del", { content: "position_deletes" }), 2n),
  ], { addedSnapshotId: 2n, content: "deletes" });
  const source = new MemorySource({ 1: [carried], 2: [deletes, merged, carried] });
  const [first, second] = chain("append", "append");
  assert.ok(first && second);
  const found = await Array.fromAsync(
    addedFiles({ snapshots: [first, second], manifests: source }),
  );
  assert.deepEqual(
    found.map((added) => [added.snapshot.snapshotId, added.dataFile.filePath, added.position]),
    [[1n, "one", 0], [2n, "two", 0], [2n, "three", 1]],
  );
  assert.deepEqual(source.opened, ["old", "merged"]);
});

Deno.test("addedFiles() trusts entries where a v1 manifest does not say who wrote it", async () => {
  const inline = manifest("v1", [
    entry(file("mine"), 0n, { snapshotId: 2n }),
    entry(file("older"), 0n, { snapshotId: 1n }),
  ], { addedSnapshotId: null, addedFilesCount: null });
  const source = new MemorySource({ 2: [inline] });
  const found = await Array.fromAsync(addedFiles({ snapshots: [snapshot(2n)], manifests: source }));
  assert.deepEqual(found.map((added) => added.dataFile.filePath), ["mine"]);
});
