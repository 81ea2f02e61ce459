import assert from "node:assert/strict";
import fc from "fast-check";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { formatValue } from "../../../../lib/iceberg/spec/values.ts";
import { civilFromDays, daysFromCivil } from "../../../../lib/iceberg/spec/_iso_time.ts";

const CASES: readonly (readonly [PrimitiveType, IcebergValue, string])[] = [
  [{ kind: "int" }, null, "null"],
  [{ kind: "int" }, -5, "-5"],
  [{ kind: "long" }, 2n ** 62n, "4611686018427387904"],
  [{ kind: "boolean" }, false, "false"],
  [{ kind: "string" }, "a/b", "a/b"],
  [{ kind: "date" }, 0, "1970-01-01"],
  [{ kind: "date" }, -1, "1969-12-31"],
  [{ kind: "date" }, 2_932_897, "+10000-01-01"],
  [{ kind: "time" }, 36_775_038_194n, "10:12:55.038194"],
  [{ kind: "time" }, 0n, "00:00:00"],
  [{ kind: "timestamp" }, 1_512_123_175_038_194n, "2017-12-01T10:12:55.038194"],
  [{ kind: "timestamptz" }, 1_512_123_175_000_000n, "2017-12-01T10:12:55+00:00"],
  [{ kind: "timestamp_ns" }, -1n, "1969-12-31T23:59:59.999999999"],
  [{ kind: "timestamptz_ns" }, 1n, "1970-01-01T00:00:00.000000001+00:00"],
  [{ kind: "timestamp" }, -(2n ** 63n), "-290308-12-21T19:59:05.224192"],
  [{ kind: "decimal", precision: 9, scale: 4 }, -15_000n, "-1.5000"],
  [{ kind: "decimal", precision: 9, scale: 0 }, 12n, "12"],
  [{ kind: "float" }, Math.fround(0.1), "0.1"],
  [{ kind: "float" }, 16_777_216, "1.6777216E7"],
  [{ kind: "double" }, 100, "100.0"],
  [{ kind: "double" }, 1e7, "1.0E7"],
  [{ kind: "double" }, 0.00012, "1.2E-4"],
  [{ kind: "double" }, -0, "-0.0"],
  [{ kind: "double" }, -Infinity, "-Infinity"],
  [
    { kind: "uuid" },
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
  ],
  [{ kind: "binary" }, new Uint8Array([1, 2, 3]), "AQID"],
];

for (const [type, value, text] of CASES) {
  Deno.test(`formatValue() shows ${type.kind} as ${text}`, () => {
    assert.equal(formatValue(type, value), text);
  });
}

Deno.test("civilFromDays() agrees with Date on every day that Date knows", () => {
  fc.assert(fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
    const date = new Date(days * 86_400_000);
    assert.deepEqual(civilFromDays(days), {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
    });
    assert.equal(daysFromCivil(civilFromDays(days)), days);
  }));
});
