import assert from "node:assert/strict";
import fc from "fast-check";
import { sliceColumn } from "../../../../lib/columnar/arrow/concat_columns.ts";
import { transformColumn } from "../../../../lib/columnar/table/transform_column.ts";
import { AppError } from "../../../../lib/errors.ts";
import { applyTransform } from "../../../../lib/iceberg/spec/apply_transform.ts";
import {
  canTransform,
  type Transform,
  transformResultType,
} from "../../../../lib/iceberg/spec/transform.ts";
import { columnOf, LEAF_TYPES, valuesIn } from "../arrow/_columns.ts";

const TRANSFORMS: readonly Transform[] = [
  { kind: "identity" },
  { kind: "void" },
  { kind: "year" },
  { kind: "month" },
  { kind: "day" },
  { kind: "hour" },
  { kind: "bucket", numBuckets: 1 },
  { kind: "bucket", numBuckets: 7 },
  { kind: "bucket", numBuckets: 2 ** 31 - 1 },
  { kind: "truncate", width: 1 },
  { kind: "truncate", width: 10 },
  { kind: "truncate", width: 2 ** 31 - 1 },
];

for (const transform of TRANSFORMS) {
  Deno.test(`transformColumn() gives ${JSON.stringify(transform)} of every row as applyTransform() does`, () => {
    for (const { type, value } of LEAF_TYPES) {
      if (!canTransform(transform, type)) continue;
      const values = fc.array(fc.option(value, { freq: 4 }), { maxLength: 30 });
      const property = fc.property(values, fc.nat(5), (all, at) => {
        const rows = all.slice(at);
        const whole = columnOf(type, all);
        const column = sliceColumn(whole, { at: Math.min(at, all.length), length: rows.length });
        const result = transformColumn(column, transform, { type, column: "c" });
        const expected = rows.map((row) => {
          const transformed = applyTransform(transform, type, row);
          // Hours beyond 32 bits wrap, as they do in Java.
          return transform.kind === "hour" && typeof transformed === "number"
            ? transformed | 0
            : transformed;
        });
        const resultType = transformResultType(transform, type);
        assert.deepEqual(valuesIn(result, resultType), expected);
      });
      fc.assert(property, { numRuns: 60 });
    }
  });
}

Deno.test("transformColumn() counts days and hours exactly at the edges of units and of 64 bits", () => {
  const type = { kind: "timestamp" } as const;
  const day = 86_400_000_000n;
  const edges = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n, -(2n ** 53n)].flatMap((edge) => {
    const multiple = edge / day * day;
    return [edge, multiple, multiple - 1n, multiple + 1n].filter((v) => BigInt.asIntN(64, v) === v);
  });
  for (const kind of ["day", "month", "year"] as const) {
    const result = transformColumn(columnOf(type, edges), { kind }, { type, column: "c" });
    const expected = edges.map((edge) => applyTransform({ kind }, type, edge));
    assert.deepEqual(valuesIn(result, { kind: "int" }), expected);
  }
});

Deno.test("transformColumn() refuses transforms that are unknown or not defined for the type", () => {
  const column = columnOf({ kind: "string" }, ["a"]);
  for (const transform of [{ kind: "unknown", text: "zorder" }, { kind: "day" }] as const) {
    assert.throws(
      () => transformColumn(column, transform, { type: { kind: "string" }, column: "c" }),
      (error) => error instanceof AppError && error.kind === "unsupported",
    );
  }
});
