import assert from "node:assert/strict";
import { addExactly } from "../../../../lib/tables/health/add_exactly.ts";
import {
  compactionCandidates,
  FileTally,
  sizeClassBounds,
} from "../../../../lib/tables/health/file_tally.ts";

const TARGET = 1_000;

function tallyOf(sizes: readonly (readonly [partitionKey: string, sizeBytes: number])[]) {
  const tally = new FileTally(TARGET);
  for (const [partitionKey, sizeBytes] of sizes) {
    tally.addDataFile({
      partitionKey,
      sizeBytes,
      currentSpec: true,
      recordCount: 10,
      affected: false,
    });
  }
  return tally;
}

const times = (count: number, partition: string, size: number) =>
  Array.from({ length: count }, () => [partition, size] as const);

Deno.test("FileTally sorts files into classes at exactly compaction's bounds", () => {
  const tally = tallyOf([["p", 30], ["p", 31], ["p", 749], ["p", 750], ["p", 1800], ["p", 1801]]);
  assert.deepEqual(tally.sizeClass("tiny"), { files: 1, bytes: 30 });
  assert.deepEqual(tally.sizeClass("small"), { files: 2, bytes: 780 });
  assert.deepEqual(tally.sizeClass("on_target"), { files: 2, bytes: 2550 });
  assert.deepEqual(tally.sizeClass("large"), { files: 1, bytes: 1801 });
  assert.equal(tally.smallFiles, 3);
});

Deno.test("sizeClassBounds() agree with the class each size is counted in", () => {
  for (const bounds of sizeClassBounds(TARGET)) {
    const inside = [bounds.minBytes, (bounds.maxBytes ?? 100_000) - 1];
    for (const size of inside) {
      assert.equal(tallyOf([["p", size]]).sizeClass(bounds.class).files, 1, `size ${size}`);
    }
  }
});

Deno.test("FileTally counts rows behind deletes by kind", () => {
  const tally = new FileTally(TARGET);
  tally.addDataFile({
    partitionKey: "p",
    sizeBytes: 800,
    currentSpec: true,
    recordCount: 100,
    affected: true,
  });
  tally.addDataFile({
    partitionKey: "p",
    sizeBytes: 800,
    currentSpec: true,
    recordCount: 50,
    affected: false,
  });
  tally.addDeleteFile({ kind: "position", recordCount: 3, sizeBytes: 5 });
  tally.addDeleteFile({ kind: "deletion_vector", recordCount: 4, sizeBytes: 6 });
  tally.addDeleteFile({ kind: "equality", recordCount: 9, sizeBytes: 7 });
  assert.deepEqual(tally.deletes, { position: 1, equality: 1, deletion_vector: 1, bytes: 18 });
  assert.equal(tally.positionDeletedRows, 7);
  assert.equal(tally.equalityDeleteRows, 9);
  assert.deepEqual([tally.affectedFiles, tally.affectedRecords, tally.records], [1, 100, 150]);
});

Deno.test("compactionCandidates() skips partitions below min-input-files that do not fill the target", () => {
  assert.deepEqual(compactionCandidates(tallyOf(times(4, "p", 200))).small.files, 0);
  assert.deepEqual(compactionCandidates(tallyOf(times(5, "p", 20))).small.files, 5);
  assert.deepEqual(compactionCandidates(tallyOf(times(2, "p", 600))).small.files, 2);
});

Deno.test("compactionCandidates() does not add up small files across partitions", () => {
  const spread = Array.from({ length: 100 }, (_, i) => [`p${i}`, 10] as const);
  assert.deepEqual(compactionCandidates(tallyOf(spread)), {
    partitions: 0,
    small: { files: 0, bytes: 0 },
    large: { files: 0, bytes: 0 },
  });
});

Deno.test("compactionCandidates() takes a lone file only beyond the maximum size", () => {
  assert.equal(compactionCandidates(tallyOf([["p", 1800]])).large.files, 0);
  assert.equal(compactionCandidates(tallyOf([["p", 1801]])).large.files, 1);
});

Deno.test("compactionCandidates() puts files of older specs into one group", () => {
  const tally = new FileTally(TARGET);
  for (const partitionKey of ["a", "b", "c", "d", "e"]) {
    const file = { partitionKey, sizeBytes: 10, recordCount: 1, affected: false };
    tally.addDataFile({ ...file, currentSpec: false });
  }
  const { partitions, small } = compactionCandidates(tally);
  assert.deepEqual({ partitions, small }, { partitions: 1, small: { files: 5, bytes: 50 } });
});

Deno.test("addExactly() refuses a sum that a double cannot hold", () => {
  const most = Number.MAX_SAFE_INTEGER;
  assert.equal(addExactly(most - 1, 1), most);
  assert.throws(() => addExactly(most, 1), { code: "table_figures_impossible" });
});

Deno.test("FileTally keeps every sum exact, and tells a bounded number of partitions apart", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const tally = new FileTally(TARGET);
  const lie = { kind: "position", recordCount: most, sizeBytes: 1 } as const;
  tally.addDeleteFile(lie);
  assert.throws(() => tally.addDeleteFile(lie), { code: "table_figures_impossible" });
  const many = new FileTally(TARGET);
  const file = { currentSpec: true, recordCount: 1, sizeBytes: 1, affected: false };
  for (let i = 0; i < 1_000_000; i++) many.addDataFile({ ...file, partitionKey: `p${i}` });
  assert.throws(() => many.addDataFile({ ...file, partitionKey: "one more" }), {
    code: "table_too_large",
  });
  many.addDataFile({ ...file, partitionKey: "p7" });
});
