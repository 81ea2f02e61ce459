import assert from "node:assert/strict";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import type { BoundExpression } from "../../../../lib/iceberg/expression/bound.ts";
import {
  and,
  eq,
  type Expression,
  gt,
  gtEq,
  isIn,
  isNull,
  lt,
  ltEq,
  notEq,
  notIn,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from "../../../../lib/iceberg/expression/expression.ts";
import { partitionMatcher, rowMatcher } from "../../../../lib/iceberg/expression/match_row.ts";
import { projectInclusive, projectStrict } from "../../../../lib/iceberg/expression/project.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import type { Transform } from "../../../../lib/iceberg/spec/transform.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { COLUMNS, partitionOf, type Row, SCHEMA, valueOf } from "./_random_table.ts";

const OPS = [lt, ltEq, gt, gtEq, eq, notEq];
const TIME_TRANSFORMS: readonly Transform[] = ["year", "month", "day", "hour"].map((kind) => ({
  kind: kind as "year",
}));

function specOf(columnId: number, ...transforms: readonly Transform[]): PartitionSpec {
  return {
    specId: 0,
    fields: transforms.map((transform, i) => ({
      sourceIds: [columnId],
      fieldId: 1000 + i,
      name: `p${i}`,
      transform,
    })),
  };
}

/** A projection in short form: `p0 lt_eq 3`. */
function show(expression: BoundExpression): string {
  switch (expression.kind) {
    case "constant":
      return String(expression.value);
    case "predicate":
      return [expression.ref.name, expression.op, ...expression.values.map(String)].join(" ");
    default:
      return `(${expression.operands.map(show).join(` ${expression.kind} `)})`;
  }
}

function shown(
  filter: Expression,
  columnId: number,
  ...transforms: readonly Transform[]
): readonly [string, string] {
  const bound = bind(filter, SCHEMA);
  const spec = specOf(columnId, ...transforms);
  return [show(projectInclusive(bound, spec)), show(projectStrict(bound, spec))];
}

/** Checks both laws for every operation and every pair of a row's value and a literal. */
function checkAllPairs(
  columnId: number,
  transform: Transform,
  options: {
    readonly values: readonly IcebergValue[];
    readonly literal: (value: IcebergValue) => Parameters<typeof eq>[1];
    readonly buggy?: boolean;
  },
): void {
  const spec = specOf(columnId, transform);
  const name = COLUMNS.find((column) => column.id === columnId)?.name ?? "";
  const rows = options.values.map((value): Row => new Map([[columnId, value]]));
  const partitions = rows.map((row) => partitionOf(row, spec, options.buggy));
  const filters = options.values.flatMap((value) => [
    ...OPS.map((op) => op(name, options.literal(value))),
    notIn(name, [options.literal(value), options.literal(options.values[0] ?? null)]),
    isIn(name, [options.literal(value), options.literal(options.values[0] ?? null)]),
  ]);
  for (const filter of filters) {
    const bound = bind(filter, SCHEMA);
    const inclusive = partitionMatcher(projectInclusive(bound, spec), spec);
    const strict = partitionMatcher(projectStrict(bound, spec), spec);
    const matches = rowMatcher<Row>(bound, valueOf);
    rows.forEach((row, i) => {
      const partition = partitions[i] ?? [];
      const what = `${show(bound)} over ${transform.kind}, row ${[...row.values()]}`;
      if (matches(row)) assert.ok(inclusive(partition), `dropped: ${what}`);
      else assert.ok(!strict(partition), `claimed: ${what}`);
    });
  }
}

Deno.test("projections hold for every pair of timestamps around every boundary", () => {
  const HOUR = 3_600_000_000n;
  const hours = [-8760n * 2n, -8760n, -744n, -720n, -25n, -24n, -2n, -1n, 0n, 1n, 24n, 744n, 8760n];
  const values = hours.flatMap((hour) => [-1n, 0n, 1n].map((delta) => hour * HOUR + delta));
  const literal = (value: IcebergValue) => ({
    kind: "timestamp" as const,
    nanos: BigInt(value as bigint) * 1000n,
    zoned: false,
  });
  for (const transform of TIME_TRANSFORMS) {
    checkAllPairs(7, transform, { values, literal });
    checkAllPairs(7, transform, { values, literal, buggy: true });
  }
});

Deno.test("projections hold for every pair of dates around every boundary", () => {
  const values = [-731, -730, -366, -365, -364, -32, -31, -30, -1, 0, 1, 30, 31, 32, 364, 365, 366];
  const literal = (value: IcebergValue) => ({ kind: "date" as const, days: Number(value) });
  for (const transform of TIME_TRANSFORMS.slice(0, 3)) {
    checkAllPairs(6, transform, { values, literal });
    checkAllPairs(6, transform, { values, literal, buggy: true });
  }
});

Deno.test("projections hold for every pair of integers, where truncation wraps around too", () => {
  const edge = [-(2 ** 31), -(2 ** 31) + 1, -(2 ** 31) + 7, -(2 ** 31) + 8, -(2 ** 31) + 9];
  const values = [
    ...edge,
    -21,
    -20,
    -19,
    -11,
    -10,
    -9,
    -1,
    0,
    1,
    9,
    10,
    11,
    2 ** 31 - 2,
    2 ** 31 - 1,
  ];
  for (const width of [1, 3, 8, 10, 2 ** 31 - 1]) {
    checkAllPairs(1, { kind: "truncate", width }, { values, literal: Number });
  }
  const longs = [...values.map(BigInt), -(2n ** 63n), -(2n ** 63n) + 8n, 2n ** 63n - 1n];
  for (const width of [1, 3, 8, 10]) {
    checkAllPairs(2, { kind: "truncate", width }, { values: longs, literal: (v) => v as bigint });
  }
  for (const numBuckets of [1, 2, 7]) {
    checkAllPairs(1, { kind: "bucket", numBuckets }, { values, literal: Number });
  }
});

Deno.test("projections hold for every pair of strings, by code point", () => {
  const values = [
    "",
    "a",
    "ab",
    "abc",
    "abd",
    "b",
    "\u{1f600}",
    "\u{1f600}a",
    "\u{1f601}",
    "\uffff",
  ];
  for (const width of [1, 2, 3]) {
    checkAllPairs(5, { kind: "truncate", width }, { values, literal: String });
  }
});

Deno.test("day() projects an open bound onto the last day that may match", () => {
  // 2017-12-01T00:00:00, as in the reference implementation's tests of date projections.
  const at = "2017-12-01T00:00:00";
  const day = { kind: "day" } as const;
  assert.deepEqual(shown(lt("ts", at), 7, day), ["p0 lt_eq 17500", "p0 lt 17501"]);
  assert.deepEqual(shown(ltEq("ts", at), 7, day), ["p0 lt_eq 17501", "p0 lt 17501"]);
  assert.deepEqual(shown(gt("ts", at), 7, day), ["p0 gt_eq 17501", "p0 gt 17501"]);
  assert.deepEqual(shown(gtEq("ts", at), 7, day), ["p0 gt_eq 17501", "p0 gt 17500"]);
  assert.deepEqual(shown(eq("ts", at), 7, day), ["p0 eq 17501", "false"]);
  assert.deepEqual(shown(notEq("ts", at), 7, day), ["true", "p0 not_eq 17501"]);
});

Deno.test("time before 1970 admits the values that old writers rounded up", () => {
  const month = { kind: "month" } as const;
  assert.deepEqual(shown(eq("ts", "1969-10-15"), 7, month), [
    "p0 in -3 -2",
    "false",
  ]);
  assert.deepEqual(shown(ltEq("ts", "1969-10-15"), 7, month)[0], "p0 lt_eq -2");
  assert.deepEqual(shown(gtEq("ts", "1969-10-15"), 7, month), ["p0 gt_eq -3", "p0 gt -2"]);
  assert.deepEqual(shown(notEq("ts", "1969-10-15"), 7, month), ["true", "p0 not_in -3 -2"]);
  // The day of a date needs no rounding.
  assert.deepEqual(shown(eq("date", "1969-10-15"), 6, { kind: "day" })[0], "p0 eq -78");
});

Deno.test("bucket() keeps equality only", () => {
  const bucket = { kind: "bucket", numBuckets: 16 } as const;
  // Spec, Appendix B: the hash of the int 34 is 2017239379.
  assert.deepEqual(shown(eq("i", 34), 1, bucket), [`p0 eq ${2017239379 % 16}`, "false"]);
  assert.deepEqual(shown(notEq("i", 34), 1, bucket), ["true", `p0 not_eq ${2017239379 % 16}`]);
  assert.deepEqual(shown(lt("i", 34), 1, bucket), ["true", "false"]);
  assert.deepEqual(shown(isNull("i"), 1, bucket), ["p0 is_null", "p0 is_null"]);
});

Deno.test("void and unknown transforms decide nothing, not even nulls", () => {
  for (const transform of [{ kind: "void" }, { kind: "unknown", text: "zorder" }] as const) {
    assert.deepEqual(shown(isNull("i"), 1, transform), ["true", "false"]);
    assert.deepEqual(shown(notNull("i"), 1, transform), ["true", "false"]);
    assert.deepEqual(shown(eq("i", 1), 1, transform), ["true", "false"]);
  }
});

Deno.test("multi-argument transforms decide nothing", () => {
  const spec: PartitionSpec = {
    specId: 0,
    fields: [{
      sourceIds: [1, 2],
      fieldId: 1000,
      name: "p0",
      transform: { kind: "bucket", numBuckets: 4 },
    }],
  };
  assert.equal(show(projectInclusive(bind(eq("i", 1), SCHEMA), spec)), "true");
});

Deno.test("truncate() of strings projects prefixes by their length in code points", () => {
  const width = { kind: "truncate", width: 2 } as const;
  assert.deepEqual(shown(startsWith("s", "a"), 5, width), ["p0 starts_with a", "p0 starts_with a"]);
  assert.deepEqual(shown(startsWith("s", "ab"), 5, width), ["p0 eq ab", "p0 eq ab"]);
  assert.deepEqual(shown(startsWith("s", "abc"), 5, width), ["p0 eq ab", "false"]);
  assert.deepEqual(shown(notStartsWith("s", "abc"), 5, width), ["true", "p0 not_eq ab"]);
  assert.deepEqual(shown(notStartsWith("s", "ab"), 5, width), ["p0 not_eq ab", "p0 not_eq ab"]);
  // Two code points, four UTF-16 units.
  assert.deepEqual(
    shown(startsWith("s", "\u{1f600}\u{1f601}"), 5, width)[0],
    "p0 eq \u{1f600}\u{1f601}",
  );
});

Deno.test("several partition fields over one column narrow together", () => {
  const transforms = [{ kind: "bucket", numBuckets: 4 }, { kind: "truncate", width: 10 }] as const;
  assert.equal(
    shown(eq("i", 34), 1, ...transforms)[0],
    `(p0 eq ${2017239379 % 4} and p1 eq 30)`,
  );
  assert.equal(
    shown(notEq("i", 34), 1, ...transforms)[1],
    `(p0 not_eq ${2017239379 % 4} or p1 not_eq 30)`,
  );
});

Deno.test("columns without a partition field project to true and to false", () => {
  const identity = { kind: "identity" } as const;
  const filter = and(eq("s", "a"), or(gt("i", 1), eq("l", 2)));
  assert.deepEqual(shown(filter, 5, identity), ["p0 eq a", "false"]);
});

Deno.test("bounds past the last value of a type project to all or nothing", () => {
  const day = { kind: "truncate", width: 1 } as const;
  assert.deepEqual(shown(gt("i", 2 ** 31 - 1), 1, day)[0], "false");
  assert.deepEqual(shown(ltEq("i", 2 ** 31 - 1), 1, day)[1], "p0 not_null");
});
