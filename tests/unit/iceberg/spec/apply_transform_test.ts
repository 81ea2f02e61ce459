import assert from "node:assert/strict";
import fc from "fast-check";
import {
  applyTransform,
  formatPartitionValue,
  hashValue,
} from "../../../../lib/iceberg/spec/apply_transform.ts";
import { parseTransform } from "../../../../lib/iceberg/spec/transform.ts";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { valueFromJson } from "../../../../lib/iceberg/spec/values.ts";
import { decimal, valuesOf } from "./_arbitraries.ts";

const apply = (text: string, type: PrimitiveType, value: IcebergValue) =>
  applyTransform(parseTransform(text), type, value);
const INT: PrimitiveType = { kind: "int" };
const LONG: PrimitiveType = { kind: "long" };
const STRING: PrimitiveType = { kind: "string" };
const BINARY: PrimitiveType = { kind: "binary" };

/** The test values of Appendix B, as JSON single values. */
const HASHES: readonly (readonly [PrimitiveType, string | number, number])[] = [
  [INT, 34, 2017239379],
  [LONG, 34, 2017239379],
  [{ kind: "decimal", precision: 9, scale: 2 }, "14.20", -500754589],
  [{ kind: "date" }, "2017-11-16", -653330422],
  [{ kind: "time" }, "22:31:08", -662762989],
  [{ kind: "timestamp" }, "2017-11-16T22:31:08", -2047944441],
  [{ kind: "timestamp" }, "2017-11-16T22:31:08.000001", -1207196810],
  [{ kind: "timestamptz" }, "2017-11-16T22:31:08+00:00", -2047944441],
  [{ kind: "timestamptz" }, "2017-11-16T22:31:08.000001+00:00", -1207196810],
  [{ kind: "timestamp_ns" }, "2017-11-16T22:31:08", -2047944441],
  [{ kind: "timestamp_ns" }, "2017-11-16T22:31:08.000001001", -1207196810],
  [{ kind: "timestamptz_ns" }, "2017-11-16T22:31:08+00:00", -2047944441],
  [{ kind: "timestamptz_ns" }, "2017-11-16T22:31:08.000001001+00:00", -1207196810],
  [STRING, "iceberg", 1210000089],
  [{ kind: "uuid" }, "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340],
  [{ kind: "fixed", length: 4 }, "00010203", -188683207],
  [BINARY, "00010203", -188683207],
];

for (const [type, json, hash] of HASHES) {
  Deno.test(`hashValue() gives ${hash} for ${type.kind} ${json}`, () => {
    const value = valueFromJson(type, json);
    assert.equal(hashValue(type, value), hash);
    assert.equal(apply("bucket[100]", type, value), (hash & 0x7fffffff) % 100);
  });
}

Deno.test("hashValue() hashes strings of every length modulo four", () => {
  // From the C++ reference implementation of MurmurHash3_x86_32, seed 0.
  const known: readonly [string, number][] = [
    ["", 0],
    ["a", 0x3c2569b2],
    ["ab", 0x9bbfd75f],
    ["abc", 0xb3dd93fa],
    ["abcd", 0x43ed676a],
    ["Hello, world!", 0xc0363e43],
  ];
  for (const [text, hash] of known) assert.equal(hashValue(STRING, text), hash | 0, text);
});

Deno.test("applyTransform() buckets an int as it buckets the same long", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1 }), (value, buckets) => {
    const text = `bucket[${buckets}]`;
    assert.equal(apply(text, INT, value), apply(text, LONG, BigInt(value)));
  }));
});

Deno.test("applyTransform() keeps a bucket within 0 to N - 1", () => {
  fc.assert(fc.property(valuesOf["string"]!, fc.integer({ min: 1 }), (value, buckets) => {
    const bucket = apply(`bucket[${buckets}]`, STRING, value);
    assert(typeof bucket === "number" && bucket >= 0 && bucket < buckets);
  }));
});

Deno.test("applyTransform() truncates as the spec's examples do", () => {
  assert.equal(apply("truncate[10]", INT, 1), 0);
  assert.equal(apply("truncate[10]", INT, -1), -10);
  assert.equal(apply("truncate[10]", LONG, 1n), 0n);
  assert.equal(apply("truncate[10]", LONG, -1n), -10n);
  assert.equal(apply("truncate[50]", { kind: "decimal", precision: 9, scale: 2 }, 1065n), 1050n);
  assert.equal(apply("truncate[10]", { kind: "decimal", precision: 9, scale: 2 }, -5n), -10n);
  assert.equal(apply("truncate[3]", STRING, "iceberg"), "ice");
  assert.deepEqual(
    apply("truncate[3]", BINARY, new Uint8Array([1, 2, 3, 4, 5])),
    new Uint8Array([1, 2, 3]),
  );
});

Deno.test("applyTransform() truncates strings by code point", () => {
  assert.equal(apply("truncate[2]", STRING, "😀é😀"), "😀é");
  assert.equal(apply("truncate[3]", STRING, "😀é😀"), "😀é😀");
  assert.equal(apply("truncate[4]", STRING, "😀é"), "😀é");
});

Deno.test("applyTransform() truncates to the multiple at or below, in every numeric type", () => {
  const width = fc.integer({ min: 1, max: 1_000_000 });
  const ints = fc.integer({ min: -(2 ** 30) });
  fc.assert(fc.property(ints, width, (value, step) => {
    assert.equal(apply(`truncate[${step}]`, INT, value), Math.floor(value / step) * step);
  }));
  fc.assert(fc.property(decimal, width, ([type, value], step) => {
    const truncated = apply(`truncate[${step}]`, type, value);
    assert(typeof truncated === "bigint" && typeof value === "bigint");
    assert.equal(truncated % BigInt(step), 0n);
    assert(truncated <= value && value - truncated < BigInt(step));
  }));
});

Deno.test("applyTransform() truncates strings as spreading code points does", () => {
  fc.assert(fc.property(valuesOf["string"]!, fc.integer({ min: 1, max: 15 }), (value, length) => {
    const expected = [...String(value)].slice(0, length).join("");
    assert.equal(apply(`truncate[${length}]`, STRING, value), expected);
  }));
});

Deno.test("applyTransform() rounds times before 1970 down", () => {
  const before: PrimitiveType = { kind: "timestamp" };
  assert.deepEqual(
    ["year", "month", "day", "hour"].map((text) => apply(text, before, -1n)),
    [-1, -1, -1, -1],
  );
  assert.deepEqual(
    ["year", "month", "day"].map((text) => apply(text, { kind: "date" }, -1)),
    [-1, -1, -1],
  );
  assert.equal(apply("hour", { kind: "timestamptz_ns" }, -3_600_000_000_001n), -2);
  assert.equal(apply("day", { kind: "timestamp_ns" }, 86_400_000_000_000n), 1);
});

Deno.test("applyTransform() agrees with Date on years, months, days and hours", () => {
  const millis = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
  fc.assert(fc.property(millis, fc.constantFrom("timestamp", "timestamptz_ns"), (ms, kind) => {
    const type = { kind } as PrimitiveType;
    const nanos = kind === "timestamptz_ns";
    // Nanoseconds end at 1677 and 2262.
    const inRange = nanos ? Math.floor(ms / 1_000) : ms;
    const value = BigInt(inRange) * (nanos ? 1_000_000n : 1_000n);
    const date = new Date(inRange);
    const months = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
    assert.equal(apply("year", type, value), date.getUTCFullYear() - 1970);
    assert.equal(apply("month", type, value), months);
    assert.equal(apply("day", type, value), Math.floor(inRange / 86_400_000));
    assert.equal(apply("hour", type, value), Math.floor(inRange / 3_600_000));
  }));
});

Deno.test("applyTransform() returns null for null, and for void whatever the value", () => {
  for (const text of ["identity", "bucket[2]", "truncate[2]", "void", "zorder"]) {
    assert.equal(apply(text, INT, null), null);
  }
  assert.equal(apply("void", INT, 5), null);
  assert.equal(apply("identity", INT, 5), 5);
});

Deno.test("applyTransform() refuses what the spec does not define", () => {
  assert.throws(() => apply("bucket[2]", { kind: "double" }, 1), TypeError);
  assert.throws(() => apply("hour", { kind: "date" }, 1), TypeError);
  assert.throws(() => apply("zorder", INT, 1), TypeError);
});

const TEXTS: readonly (readonly [string, PrimitiveType, IcebergValue, string])[] = [
  ["year", { kind: "date" }, 54, "2024"],
  ["year", { kind: "date" }, -1, "1969"],
  ["month", { kind: "date" }, 648, "2024-01"],
  ["month", { kind: "date" }, -1, "1969-12"],
  ["day", { kind: "timestamp" }, 19_723, "2024-01-01"],
  ["hour", { kind: "timestamp" }, 473_352 + 7, "2024-01-01-07"],
  ["hour", { kind: "timestamp" }, -1, "1969-12-31-23"],
  ["bucket[4]", STRING, 3, "3"],
  ["truncate[2]", STRING, "ab", "ab"],
  ["identity", { kind: "date" }, 19_723, "2024-01-01"],
  ["truncate[50]", { kind: "decimal", precision: 9, scale: 2 }, 1050n, "10.50"],
  ["identity", { kind: "timestamptz" }, 0n, "1970-01-01T00:00:00+00:00"],
  ["void", INT, null, "null"],
  ["zorder", INT, "x", "x"],
];

for (const [transform, type, value, text] of TEXTS) {
  Deno.test(`formatPartitionValue() shows ${transform} of ${type.kind} as ${text}`, () => {
    assert.equal(formatPartitionValue(parseTransform(transform), type, value), text);
  });
}
