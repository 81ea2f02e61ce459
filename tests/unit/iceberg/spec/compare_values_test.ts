import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes } from "../../../../lib/iceberg/spec/compare_values.ts";
import type { PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { compareValues } from "../../../../lib/iceberg/spec/values.ts";
import { primitiveTypeAndValue, valuesOf } from "./_arbitraries.ts";

const DOUBLE: PrimitiveType = { kind: "double" };
const STRING: PrimitiveType = { kind: "string" };

Deno.test("compareValues() sorts floats as the spec does", () => {
  const sorted = [-Infinity, -1, -0, 0, 1e-300, 1, Infinity, NaN];
  const shuffled = [0, NaN, -0, 1, Infinity, -1, 1e-300, -Infinity];
  shuffled.sort((a, b) => compareValues(DOUBLE, a, b));
  assert(sorted.every((value, i) => Object.is(value, shuffled[i])), String(shuffled));
  assert.equal(compareValues(DOUBLE, NaN, NaN), 0);
});

Deno.test("compareValues() sorts strings by code point, not by UTF-16 unit", () => {
  // U+FF5E sorts before U+1F600, though its unit is larger than the first surrogate.
  assert(compareValues(STRING, "\uff5e", "😀") < 0);
  assert(compareValues(STRING, "a😀", "a\uff5e") > 0);
  assert(compareValues(STRING, "a", "ab") < 0);
  assert.equal(compareValues(STRING, "é", "é"), 0);
});

Deno.test("compareValues() sorts strings as their UTF-8 bytes", () => {
  const texts = fc.string({ unit: "binary", maxLength: 6 });
  const encode = (text: string) => new TextEncoder().encode(text);
  fc.assert(fc.property(texts, texts, (a, b) => {
    assert.equal(
      Math.sign(compareValues(STRING, a, b)),
      Math.sign(compareBytes(encode(a), encode(b))),
    );
  }));
});

Deno.test("compareValues() compares bytes and uuids unsigned", () => {
  const low = new Uint8Array([0x7f]);
  const high = new Uint8Array([0x80]);
  assert(compareValues({ kind: "binary" }, low, high) < 0);
  assert(compareValues({ kind: "fixed", length: 1 }, high, low) > 0);
  assert(compareValues({ kind: "binary" }, low, new Uint8Array([0x7f, 0])) < 0);
  const uuid = (digit: string) => `${digit.repeat(8)}-0000-0000-0000-000000000000`;
  assert(compareValues({ kind: "uuid" }, uuid("7"), uuid("f")) < 0);
});

Deno.test("compareValues() sorts null first", () => {
  assert(compareValues({ kind: "int" }, null, -5) < 0);
  assert(compareValues({ kind: "int" }, -5, null) > 0);
  assert.equal(compareValues({ kind: "int" }, null, null), 0);
});

Deno.test("compareValues() refuses to compare values of different types", () => {
  assert.throws(() => compareValues({ kind: "long" }, 1, 1n), TypeError);
});

Deno.test("compareValues() is a total order for every type", () => {
  for (const [kind, values] of Object.entries(valuesOf)) {
    const type = { kind } as PrimitiveType;
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const ab = Math.sign(compareValues(type, a, b));
        assert.equal(Math.sign(compareValues(type, b, a)), -ab || 0);
        assert.equal(compareValues(type, a, a), 0);
        if (ab <= 0 && compareValues(type, b, c) <= 0) assert(compareValues(type, a, c) <= 0);
      }),
      { numRuns: 50 },
    );
  }
});

Deno.test("compareValues() finds a value equal to itself for every type", () => {
  fc.assert(fc.property(primitiveTypeAndValue, ([type, value]) => {
    assert.equal(compareValues(type, value, value), 0);
  }));
});
