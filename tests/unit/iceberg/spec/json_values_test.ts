import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { type JsonValue, parseJson, stringifyJson } from "../../../../lib/json.ts";
import type { IcebergValue, NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import { valueFromJson, valueToJson } from "../../../../lib/iceberg/spec/values.ts";
import { primitiveTypeAndValue } from "./_arbitraries.ts";

const decimal = (precision: number, scale: number): Type => ({ kind: "decimal", precision, scale });
const field = (id: number, name: string, type: Type): NestedField => ({
  id,
  name,
  type,
  required: false,
  doc: null,
  initialDefault: undefined,
  writeDefault: undefined,
});
const STRUCT: Type = {
  kind: "struct",
  fields: [field(1, "a", { kind: "int" }), field(2, "b", { kind: "string" })],
};
const LIST: Type = {
  kind: "list",
  elementId: 3,
  elementRequired: false,
  element: { kind: "date" },
};
const MAP: Type = {
  kind: "map",
  keyId: 4,
  key: { kind: "string" },
  valueId: 5,
  valueRequired: false,
  value: { kind: "long" },
};
const MICROS = 1_510_871_468_123_456n;

/** The examples of Appendix D, and the reference implementation's. */
const VECTORS: readonly (readonly [Type, string, IcebergValue])[] = [
  [{ kind: "boolean" }, "true", true],
  [{ kind: "int" }, "34", 34],
  [{ kind: "long" }, "9223372036854775807", 2n ** 63n - 1n],
  [{ kind: "float" }, "1.0", 1],
  [{ kind: "float" }, "0.1", Math.fround(0.1)],
  [{ kind: "double" }, "1.0E10", 1e10],
  [{ kind: "double" }, '"NaN"', NaN],
  [decimal(9, 2), '"14.20"', 1420n],
  [decimal(9, 2), '"-0.05"', -5n],
  [decimal(9, 0), '"7"', 7n],
  [{ kind: "decimal", precision: 9, scale: -20 }, '"2E+20"', 2n],
  [{ kind: "date" }, '"2017-11-16"', 17_486],
  [{ kind: "date" }, '"-0001-12-31"', -719_529],
  [{ kind: "time" }, '"22:31:08.123456"', 81_068_123_456n],
  [{ kind: "time" }, '"22:31:08"', 81_068_000_000n],
  [{ kind: "timestamp" }, '"2017-11-16T22:31:08.123456"', MICROS],
  [{ kind: "timestamptz" }, '"2017-11-16T22:31:08.123456+00:00"', MICROS],
  [{ kind: "timestamp_ns" }, '"2017-11-16T22:31:08.123456789"', MICROS * 1000n + 789n],
  [{ kind: "timestamptz_ns" }, '"2017-11-16T22:31:08.1+00:00"', 1_510_871_468_100_000_000n],
  [{ kind: "timestamp" }, '"1969-12-31T23:59:59.999999"', -1n],
  [{ kind: "string" }, '"iceberg"', "iceberg"],
  [
    { kind: "uuid" },
    '"f79c3e09-677c-4bbd-a479-3f349cb785e7"',
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
  ],
  [{ kind: "fixed", length: 4 }, '"000102ff"', new Uint8Array([0, 1, 2, 255])],
  [{ kind: "binary" }, '""', new Uint8Array()],
  [STRUCT, '{"1":1,"2":"bar"}', [1, "bar"]],
  [STRUCT, "{}", [null, null]],
  [LIST, '["2017-11-16",null]', [17_486, null]],
  [MAP, '{"keys":["a","b"],"values":[1,2]}', [["a", 1n], ["b", 2n]]],
  [{ kind: "geometry", crs: null }, '"POINT (30 10)"', "POINT (30 10)"],
  [{ kind: "variant" }, "null", null],
  [{ kind: "unknown" }, "null", null],
];

for (const [type, json, value] of VECTORS) {
  Deno.test(`valueFromJson() and valueToJson() agree on ${type.kind} ${json}`, () => {
    assert.deepEqual(valueFromJson(type, parseJson(json)), value);
    assert.equal(stringifyJson(valueToJson(type, value)), json);
  });
}

const TOLERATED: readonly (readonly [Type, string, IcebergValue])[] = [
  [{ kind: "double" }, "1", 1],
  [decimal(9, 2), '"14.2"', 1420n],
  [decimal(9, 2), '"14.200"', 1420n],
  [decimal(9, 2), '"1E+3"', 100_000n],
  [{ kind: "timestamptz" }, '"2017-11-16T22:31:08Z"', 1_510_871_468_000_000n],
  [{ kind: "timestamp" }, '"2017-11-16T22:31"', 1_510_871_460_000_000n],
  [
    { kind: "uuid" },
    '"F79C3E09-677C-4BBD-A479-3F349CB785E7"',
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
  ],
  [{ kind: "binary" }, '"FF"', new Uint8Array([255])],
];

for (const [type, json, value] of TOLERATED) {
  Deno.test(`valueFromJson() takes ${json} as ${type.kind}`, () => {
    assert.deepEqual(valueFromJson(type, parseJson(json)), value);
  });
}

const REFUSED: readonly (readonly [Type, JsonValue])[] = [
  [{ kind: "boolean" }, "true"],
  [{ kind: "int" }, 2 ** 31],
  [{ kind: "int" }, 1.5],
  [{ kind: "int" }, "1"],
  [{ kind: "long" }, 2n ** 63n],
  [{ kind: "long" }, 1.5],
  [{ kind: "float" }, "1.0"],
  [decimal(9, 2), 14.2],
  [decimal(9, 2), "14.205"],
  [decimal(3, 2), "10.00"],
  [decimal(9, 2), "1E+99999"],
  [decimal(9, 2), "9".repeat(1_000_000)],
  [decimal(9, 2), ""],
  [{ kind: "date" }, "2017-02-29"],
  [{ kind: "date" }, "2017-13-01"],
  [{ kind: "date" }, "2017-1-1"],
  [{ kind: "date" }, "+999999999-01-01"],
  [{ kind: "date" }, 17_486],
  [{ kind: "time" }, "24:00:00"],
  [{ kind: "time" }, "22:31:08.1234567"],
  [{ kind: "timestamp" }, "2017-11-16T22:31:08+00:00"],
  [{ kind: "timestamp" }, "2017-11-16 22:31:08"],
  [{ kind: "timestamptz" }, "2017-11-16T22:31:08"],
  [{ kind: "timestamptz" }, "2017-11-16T22:31:08+01:00"],
  [{ kind: "timestamp_ns" }, "9999-01-01T00:00:00"],
  [{ kind: "uuid" }, "f79c3e09677c4bbda4793f349cb785e7"],
  [{ kind: "fixed", length: 4 }, "0001"],
  [{ kind: "binary" }, "0"],
  [{ kind: "binary" }, "0g"],
  [{ kind: "variant" }, {}],
  [{ kind: "unknown" }, 1],
  [STRUCT, []],
  [LIST, { 0: "2017-11-16" }],
  [MAP, { keys: ["a"], values: [] }],
  [MAP, { keys: ["a"] }],
  [MAP, { keys: [null], values: [1] }],
  [MAP, [["a", 1]]],
];

for (const [type, json] of REFUSED) {
  const shown = String(stringifyJson(json)).slice(0, 40);
  Deno.test(`valueFromJson() refuses ${shown} as ${type.kind}`, () => {
    assert.throws(
      () => valueFromJson(type, json),
      (error) =>
        error instanceof AppError && error.code === "invalid_value" && error.message.length < 200,
    );
  });
}

Deno.test("valueFromJson() undoes valueToJson() for every primitive type", () => {
  fc.assert(
    fc.property(primitiveTypeAndValue, ([type, value]) => {
      const json = stringifyJson(valueToJson(type, value));
      assert.deepEqual(valueFromJson(type, parseJson(json)), value, json);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("valueToJson() refuses a value of another type as a programmer's mistake", () => {
  assert.throws(() => valueToJson(LIST, 1), TypeError);
  assert.throws(() => valueToJson({ kind: "binary" }, "ff"), TypeError);
  assert.throws(() => valueToJson({ kind: "variant" }, 1), TypeError);
});
