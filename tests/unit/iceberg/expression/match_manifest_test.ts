import assert from "node:assert/strict";
import { boundPredicate, type BoundReference } from "../../../../lib/iceberg/expression/bound.ts";
import { manifestMatcher } from "../../../../lib/iceberg/expression/match_manifest.ts";
import type { FieldSummary } from "../../../../lib/iceberg/manifest/manifest_file.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { encodeValue } from "../../../../lib/iceberg/spec/values.ts";
import { EMPTY_MANIFEST } from "./_random_table.ts";

const SPEC: PartitionSpec = {
  specId: 7,
  fields: [1000, 1001].map((fieldId, i) => ({
    sourceIds: [i + 1],
    fieldId,
    name: `p${i}`,
    transform: { kind: "identity" },
  })),
};

function reference(fieldId: number, type: PrimitiveType): BoundReference {
  return { fieldId, name: "p", type, nullable: true, underOptional: false };
}

const LONG = reference(1001, { kind: "long" });
const DOUBLE = reference(1001, { kind: "double" });

function summary(parts: Partial<FieldSummary>): FieldSummary {
  return { containsNull: false, containsNan: null, lowerBound: null, upperBound: null, ...parts };
}

function matches(
  predicate: Parameters<typeof manifestMatcher>[0],
  second: FieldSummary | null | undefined,
): boolean {
  const first = summary({ containsNull: true });
  const partitions = second === null ? null : second === undefined ? [first] : [first, second];
  return manifestMatcher(predicate, SPEC)({ ...EMPTY_MANIFEST, partitions });
}

const FIVE_TO_NINE = {
  lowerBound: encodeValue({ kind: "long" }, 5n),
  upperBound: encodeValue({ kind: "long" }, 9n),
};

Deno.test("manifestMatcher() keeps manifests without summaries, or without this one", () => {
  const never = boundPredicate("eq", LONG, [1n]);
  assert.equal(matches(never, null), true);
  assert.equal(matches(never, undefined), true);
  assert.equal(matches(never, summary(FIVE_TO_NINE)), false);
});

Deno.test("manifestMatcher() reads bounds of the field that the predicate names", () => {
  const test = (op: "lt" | "lt_eq" | "gt" | "gt_eq", value: bigint) =>
    matches(boundPredicate(op, LONG, [value]), summary(FIVE_TO_NINE));
  assert.deepEqual([test("lt", 5n), test("lt", 6n)], [false, true]);
  assert.deepEqual([test("lt_eq", 4n), test("lt_eq", 5n)], [false, true]);
  assert.deepEqual([test("gt", 9n), test("gt", 8n)], [false, true]);
  assert.deepEqual([test("gt_eq", 10n), test("gt_eq", 9n)], [false, true]);
});

Deno.test("manifestMatcher() reads bounds written before the column was promoted", () => {
  const narrow = summary({
    lowerBound: encodeValue({ kind: "int" }, 5),
    upperBound: encodeValue({ kind: "int" }, 9),
  });
  assert.equal(matches(boundPredicate("gt", LONG, [9n]), narrow), false);
  assert.equal(matches(boundPredicate("eq", LONG, [7n]), narrow), true);
});

Deno.test("manifestMatcher() takes missing bounds for nulls only where nulls are admitted", () => {
  const value = boundPredicate("eq", LONG, [7n]);
  assert.equal(matches(value, summary({ containsNull: true })), false);
  assert.equal(matches(value, summary({})), true);
  assert.equal(matches(boundPredicate("not_null", LONG), summary({ containsNull: true })), false);
  assert.equal(matches(boundPredicate("is_null", LONG), summary(FIVE_TO_NINE)), false);
  assert.equal(matches(boundPredicate("is_null", LONG), summary({ containsNull: true })), true);
});

Deno.test("manifestMatcher() keeps what may be NaN, which no bound covers", () => {
  const bounds = {
    lowerBound: encodeValue({ kind: "double" }, 1),
    upperBound: encodeValue({ kind: "double" }, 2),
  };
  const high = boundPredicate("gt", DOUBLE, [5]);
  assert.equal(matches(high, summary(bounds)), true);
  assert.equal(matches(high, summary({ ...bounds, containsNan: true })), true);
  assert.equal(matches(high, summary({ ...bounds, containsNan: false })), false);
  const isNan = boundPredicate("is_nan", DOUBLE);
  assert.equal(matches(isNan, summary({ ...bounds, containsNan: false })), false);
  assert.equal(matches(isNan, summary(bounds)), true);
  const onlyNan = summary({ containsNan: true });
  assert.equal(matches(boundPredicate("not_nan", DOUBLE), onlyNan), false);
  assert.equal(matches(boundPredicate("eq", DOUBLE, [1]), onlyNan), false);
});

Deno.test("manifestMatcher() drops a manifest of the one excluded value", () => {
  const seven = { lowerBound: FIVE_TO_NINE.lowerBound, upperBound: FIVE_TO_NINE.lowerBound };
  const predicate = boundPredicate("not_eq", LONG, [5n]);
  assert.equal(matches(predicate, summary(seven)), false);
  assert.equal(matches(predicate, summary({ ...seven, containsNull: true })), true);
  assert.equal(matches(predicate, summary(FIVE_TO_NINE)), true);
});
