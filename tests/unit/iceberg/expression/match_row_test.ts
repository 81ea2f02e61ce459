import assert from "node:assert/strict";
import {
  type BoundExpression,
  boundPredicate,
  type BoundReference,
  boundSet,
} from "../../../../lib/iceberg/expression/bound.ts";
import { alwaysFalse, alwaysTrue } from "../../../../lib/iceberg/expression/expression.ts";
import {
  anyWithin,
  partitionMatcher,
  rowMatcher,
} from "../../../../lib/iceberg/expression/match_row.ts";
import { comparatorFor } from "../../../../lib/iceberg/expression/compare.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { IcebergValue, Type } from "../../../../lib/iceberg/spec/types.ts";

function reference(type: Type, fieldId = 1): BoundReference {
  return { fieldId, name: "x", type, nullable: true, underOptional: false };
}

const INT = reference({ kind: "int" });
const DOUBLE = reference({ kind: "double" });
const STRING = reference({ kind: "string" });

function matches(expression: BoundExpression, ...values: readonly IcebergValue[]): string {
  const test = rowMatcher(expression, (value: IcebergValue) => value);
  return values.map((value) => test(value) ? "1" : "0").join("");
}

Deno.test("comparisons are false for null, exclusions true", () => {
  const values = [null, 4, 5, 6];
  assert.equal(matches(boundPredicate("lt", INT, [5]), ...values), "0100");
  assert.equal(matches(boundPredicate("lt_eq", INT, [5]), ...values), "0110");
  assert.equal(matches(boundPredicate("gt", INT, [5]), ...values), "0001");
  assert.equal(matches(boundPredicate("gt_eq", INT, [5]), ...values), "0011");
  assert.equal(matches(boundPredicate("eq", INT, [5]), ...values), "0010");
  assert.equal(matches(boundPredicate("not_eq", INT, [5]), ...values), "1101");
  assert.equal(matches(boundPredicate("is_null", INT), ...values), "1000");
  assert.equal(matches(boundPredicate("not_null", INT), ...values), "0111");
  assert.equal(matches(boundSet("in", INT, [6, 4]), ...values), "0101");
  assert.equal(matches(boundSet("not_in", INT, [6, 4]), ...values), "1010");
});

Deno.test("NaN is greater than every number and equal to itself alone", () => {
  const values = [NaN, Infinity, 1, null];
  assert.equal(matches(boundPredicate("gt", DOUBLE, [1]), ...values), "1100");
  assert.equal(matches(boundPredicate("lt", DOUBLE, [2]), ...values), "0010");
  assert.equal(matches(boundPredicate("is_nan", DOUBLE), ...values), "1000");
  assert.equal(matches(boundPredicate("not_nan", DOUBLE), ...values), "0111");
  assert.equal(matches(boundPredicate("not_eq", DOUBLE, [1]), ...values), "1101");
});

Deno.test("-0.0 and 0.0 are one value", () => {
  assert.equal(matches(boundPredicate("eq", DOUBLE, [0]), -0, 0), "11");
  assert.equal(matches(boundPredicate("lt", DOUBLE, [0]), -0, 0), "00");
  assert.equal(matches(boundSet("in", DOUBLE, [-0, 1]), 0, -0, 1), "111");
});

Deno.test("strings are ordered by code point and tested for prefixes", () => {
  // U+FFEE sorts before U+1F600, whatever UTF-16 says.
  assert.equal(matches(boundPredicate("lt", STRING, ["\u{1f600}"]), "\uffee"), "1");
  assert.equal(matches(boundPredicate("starts_with", STRING, ["ab"]), "abc", "a", null), "100");
  assert.equal(matches(boundPredicate("not_starts_with", STRING, ["ab"]), "abc", "a", null), "011");
});

Deno.test("and and or join, constants stand for all or nothing", () => {
  const low = boundPredicate("gt", INT, [1]);
  const high = boundPredicate("lt", INT, [3]);
  assert.equal(matches({ kind: "and", operands: [low, high] }, 1, 2, 3), "010");
  assert.equal(matches({ kind: "or", operands: [low, high] }, null, 1, 3), "011");
  assert.equal(matches(alwaysTrue, null), "1");
  assert.equal(matches(alwaysFalse, null), "0");
});

Deno.test("partitionMatcher() reads tuples by the spec's positions", () => {
  const spec: PartitionSpec = {
    specId: 0,
    fields: [1000, 1001].map((fieldId) => ({
      sourceIds: [1],
      fieldId,
      name: `p${fieldId}`,
      transform: { kind: "identity" },
    })),
  };
  const second = partitionMatcher(
    boundPredicate("eq", reference({ kind: "int" }, 1001), [2]),
    spec,
  );
  assert.deepEqual([second([1, 2]), second([2, 1]), second([])], [true, false, false]);
});

Deno.test("partitionMatcher() takes integers of the width before or after a promotion", () => {
  const spec: PartitionSpec = {
    specId: 0,
    fields: [{ sourceIds: [1], fieldId: 1000, name: "p", transform: { kind: "identity" } }],
  };
  const long = partitionMatcher(
    boundPredicate("gt", reference({ kind: "long" }, 1000), [5n]),
    spec,
  );
  assert.deepEqual([long([6]), long([6n]), long([5])], [true, true, false]);
  const int = partitionMatcher(boundPredicate("eq", reference({ kind: "int" }, 1000), [5]), spec);
  assert.deepEqual([int([5n]), int([5]), int([6n])], [true, true, false]);
});

Deno.test("anyWithin() finds a value between two bounds, open ones included", () => {
  const compare = comparatorFor({ kind: "int" });
  const within = (lower: number | undefined, upper: number | undefined) =>
    anyWithin([2, 4, 8], { lower, upper }, compare);
  assert.deepEqual([within(5, 7), within(4, 4), within(9, 20), within(0, 1)], [
    false,
    true,
    false,
    false,
  ]);
  assert.deepEqual([within(undefined, 2), within(undefined, 1), within(8, undefined)], [
    true,
    false,
    true,
  ]);
});

Deno.test("nested values do not compare", () => {
  const list = reference({
    kind: "list",
    elementId: 2,
    elementRequired: false,
    element: { kind: "int" },
  });
  assert.equal(matches(boundPredicate("not_null", list), [1], null), "10");
  assert.throws(() => matches(boundPredicate("eq", list, [1]), [1]), TypeError);
});
