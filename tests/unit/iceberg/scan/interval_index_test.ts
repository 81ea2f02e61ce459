import assert from "node:assert/strict";
import fc from "fast-check";
import { comparatorFor } from "../../../../lib/iceberg/expression/compare.ts";
import { IntervalIndex } from "../../../../lib/iceberg/scan/_interval_index.ts";
import { partitionKey } from "../../../../lib/iceberg/spec/partition_key.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";

const COMPARE = comparatorFor({ kind: "int" });

Deno.test("query() finds exactly the intervals that overlap", () => {
  const ends = fc.tuple(fc.nat(40), fc.nat(10)).map(([lower, length]) => [lower, lower + length]);
  const property = fc.property(
    fc.array(ends, { maxLength: 70 }),
    ends,
    (all, [low = 0, high = 0]) => {
      const intervals = all.map(([lower = 0, upper = 0], item) => ({ lower, upper, item }));
      const found: number[] = [];
      const complete = new IntervalIndex(intervals, COMPARE)
        .query(low, high, (item) => found.push(item) > 0);
      const expected = intervals.filter((i) => i.lower <= high && i.upper >= low);
      assert.equal(complete, true);
      assert.deepEqual(found.toSorted((a, b) => a - b), expected.map((i) => i.item));
    },
  );
  fc.assert(property, { numRuns: 500 });
});

Deno.test("query() stops when told to", () => {
  const intervals = Array.from({ length: 100 }, (_, item) => ({ lower: 0, upper: 9, item }));
  let seen = 0;
  const complete = new IntervalIndex(intervals, COMPARE).query(5, 5, () => ++seen < 3);
  assert.deepEqual([complete, seen], [false, 3]);
});

Deno.test("partitionKey() is equal for equal partitions only", () => {
  const same: readonly (readonly [IcebergValue, IcebergValue])[] = [
    [5, 5n],
    [NaN, -NaN],
    [null, null],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
  ];
  for (const [a, b] of same) assert.equal(partitionKey(1, [a]), partitionKey(1, [b]));
  const different: readonly (readonly [readonly IcebergValue[], readonly IcebergValue[]])[] = [
    [[0], [-0]],
    [[null], ["null"]],
    [[5], ["5"]],
    [["a|b"], ["a", "b"]],
    [["a|sb"], ["a", "b"]],
    [["a|s1:b"], ["a", "b"]],
    [[true], ["true"]],
    [[Uint8Array.of(1)], ["01"]],
    [[], [null]],
  ];
  for (const [a, b] of different) assert.notEqual(partitionKey(1, a), partitionKey(1, b));
  assert.notEqual(partitionKey(1, []), partitionKey(2, []));
});
