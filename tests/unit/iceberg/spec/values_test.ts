import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { bigintToBytes, decodeValue, encodeValue } from "../../../../lib/iceberg/spec/values.ts";
import { primitiveTypeAndValue } from "./_arbitraries.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const simple = (kind: "int" | "long" | "float" | "double" | "date") => ({ kind });

const VECTORS: readonly (readonly [PrimitiveType, IcebergValue, Uint8Array])[] = [
  [{ kind: "boolean" }, true, bytes(1)],
  [{ kind: "boolean" }, false, bytes(0)],
  [{ kind: "int" }, -2, bytes(0xfe, 0xff, 0xff, 0xff)],
  [{ kind: "long" }, 1n << 40n, bytes(0, 0, 0, 0, 0, 1, 0, 0)],
  [{ kind: "float" }, -4.5, bytes(0, 0, 0x90, 0xc0)],
  [{ kind: "double" }, 6, bytes(0, 0, 0, 0, 0, 0, 0x18, 0x40)],
  [{ kind: "date" }, 17_486, bytes(0x4e, 0x44, 0, 0)],
  [{ kind: "time" }, 1n, bytes(1, 0, 0, 0, 0, 0, 0, 0)],
  [{ kind: "timestamp" }, -1n, new Uint8Array(8).fill(0xff)],
  [{ kind: "timestamptz_ns" }, 256n, bytes(0, 1, 0, 0, 0, 0, 0, 0)],
  [{ kind: "string" }, "é😀", bytes(0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80)],
  [{ kind: "fixed", length: 2 }, bytes(1, 2), bytes(1, 2)],
  [{ kind: "binary" }, bytes(), bytes()],
  [{ kind: "decimal", precision: 9, scale: 2 }, 1420n, bytes(0x05, 0x8c)],
  [{ kind: "decimal", precision: 9, scale: 2 }, -1n, bytes(0xff)],
  [{ kind: "decimal", precision: 9, scale: 2 }, 128n, bytes(0, 0x80)],
  [{ kind: "geometry", crs: null }, bytes(1, 2, 3), bytes(1, 2, 3)],
  [
    { kind: "uuid" },
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
    Uint8Array.fromHex("F79C3E09677C4BBDA4793F349CB785E7"),
  ],
];

for (const [type, value, encoded] of VECTORS) {
  Deno.test(`encodeValue() and decodeValue() agree on ${type.kind} ${encoded.toHex()}`, () => {
    assert.deepEqual(encodeValue(type, value), encoded);
    assert.deepEqual(decodeValue(type, encoded), value);
  });
}

Deno.test("decodeValue() reads bounds written before a type was promoted", () => {
  assert.equal(decodeValue(simple("long"), encodeValue(simple("int"), -7)), -7n);
  assert.equal(decodeValue(simple("double"), encodeValue(simple("float"), 0.5)), 0.5);
  const day = encodeValue(simple("date"), -1);
  assert.equal(decodeValue({ kind: "timestamp" }, day), -86_400_000_000n);
  assert.equal(decodeValue({ kind: "timestamp_ns" }, day), -86_400_000_000_000n);
  const short = encodeValue({ kind: "decimal", precision: 4, scale: 2 }, 99n);
  assert.equal(decodeValue({ kind: "decimal", precision: 38, scale: 2 }, short), 99n);
});

Deno.test("decodeValue() reads decimals that are padded beyond the fewest bytes", () => {
  const type: PrimitiveType = { kind: "decimal", precision: 9, scale: 2 };
  assert.equal(decodeValue(type, bytes(0xff, 0xff, 0xff, 0xfe)), -2n);
  assert.equal(decodeValue(type, bytes(0, 0, 0, 5)), 5n);
});

Deno.test("decodeValue() reads any non-zero byte as true", () => {
  assert.equal(decodeValue({ kind: "boolean" }, bytes(7)), true);
});

Deno.test("decodeValue() copies, so that a bound does not keep its manifest in memory", () => {
  const source = bytes(1, 2, 3);
  const value = decodeValue({ kind: "binary" }, source.subarray(1));
  source.fill(9);
  assert.deepEqual(value, bytes(2, 3));
});

const WRONG: readonly (readonly [PrimitiveType, Uint8Array])[] = [
  [{ kind: "boolean" }, bytes()],
  [{ kind: "boolean" }, bytes(0, 0)],
  [{ kind: "int" }, bytes(1, 2, 3)],
  [{ kind: "int" }, new Uint8Array(8)],
  [{ kind: "long" }, new Uint8Array(5)],
  [{ kind: "float" }, new Uint8Array(8)],
  [{ kind: "double" }, new Uint8Array(0)],
  [{ kind: "time" }, new Uint8Array(4)],
  [{ kind: "timestamptz" }, new Uint8Array(4)],
  [{ kind: "timestamptz_ns" }, new Uint8Array(4)],
  [{ kind: "uuid" }, new Uint8Array(15)],
  [{ kind: "fixed", length: 2 }, new Uint8Array(3)],
  [{ kind: "decimal", precision: 9, scale: 2 }, new Uint8Array(0)],
  [{ kind: "decimal", precision: 9, scale: 2 }, new Uint8Array(17)],
  [{ kind: "string" }, bytes(0xc3)],
];

for (const [type, encoded] of WRONG) {
  Deno.test(`decodeValue() refuses ${encoded.length} bytes as ${type.kind}`, () => {
    assert.throws(
      () => decodeValue(type, encoded),
      (error) =>
        error instanceof AppError && error.kind === "corrupt_data" &&
        error.code === "invalid_value",
    );
  });
}

Deno.test("encodeValue() refuses a value of another type as a programmer's mistake", () => {
  assert.throws(() => encodeValue({ kind: "int" }, 2 ** 31), TypeError);
  assert.throws(() => encodeValue({ kind: "int" }, 1n), TypeError);
  assert.throws(() => encodeValue({ kind: "long" }, 1n << 63n), TypeError);
  assert.throws(() => encodeValue({ kind: "string" }, null), TypeError);
  assert.throws(() => encodeValue({ kind: "uuid" }, "nope"), TypeError);
});

Deno.test("bigintToBytes() uses the fewest bytes and keeps the sign", () => {
  assert.equal(bigintToBytes(0n).toHex(), "00");
  assert.equal(bigintToBytes(127n).toHex(), "7f");
  assert.equal(bigintToBytes(-128n).toHex(), "80");
  assert.equal(bigintToBytes(-129n).toHex(), "ff7f");
  assert.equal(bigintToBytes(10n ** 38n).length, 16);
});

Deno.test("decodeValue() undoes encodeValue() for every type", () => {
  fc.assert(fc.property(primitiveTypeAndValue, ([type, value]) => {
    assert.deepEqual(decodeValue(type, encodeValue(type, value)), value);
  }));
});

Deno.test("decodeValue() never throws anything but an AppError", () => {
  fc.assert(fc.property(primitiveTypeAndValue, fc.uint8Array({ maxLength: 20 }), ([type], raw) => {
    try {
      decodeValue(type, raw);
    } catch (error) {
      assert(error instanceof AppError);
    }
  }));
});
