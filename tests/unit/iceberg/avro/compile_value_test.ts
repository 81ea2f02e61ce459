import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { ByteSink } from "../../../../lib/iceberg/avro/byte_sink.ts";
import { compileSkip } from "../../../../lib/iceberg/avro/compile_skip.ts";
import { compileValue } from "../../../../lib/iceberg/avro/compile_value.ts";
import { compileWrite } from "../../../../lib/iceberg/avro/compile_write.ts";
import { AvroCursor } from "../../../../lib/iceberg/avro/cursor.ts";
import { parseAvroSchema } from "../../../../lib/iceberg/avro/parse_schema.ts";
import type { AvroType } from "../../../../lib/iceberg/avro/schema.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { concat, long, sized } from "../../../support/avro_bytes.ts";

function typeOf(schema: unknown): AvroType {
  return parseAvroSchema(JSON.stringify(schema), { location: "t.avro" });
}

/** Decodes all of `bytes`, and checks that skipping ends at the same place. */
function decode(schema: unknown, bytes: Uint8Array): IcebergValue {
  const type = typeOf(schema);
  const cursor = new AvroCursor("t.avro");
  cursor.reset(bytes, 0, bytes.length);
  const value = compileValue(type)(cursor);
  cursor.checkEnd();
  const end = cursor.pos;
  cursor.reset(bytes, 0, bytes.length);
  compileSkip(type)(cursor);
  assert.equal(cursor.pos, end, "skip and read end at different places");
  return value;
}

function fails(schema: unknown, bytes: Uint8Array, code: string): void {
  assert.throws(
    () => decode(schema, bytes),
    (error: unknown) => error instanceof AppError && error.code === code,
  );
}

Deno.test("compileValue() gives int as number and long as bigint", () => {
  assert.equal(decode("int", long(-7)), -7);
  assert.equal(decode("long", long(-7)), -7n);
});

Deno.test("compileValue() turns milliseconds into microseconds", () => {
  assert.equal(decode({ type: "int", logicalType: "time-millis" }, long(5)), 5_000n);
  assert.equal(decode({ type: "long", logicalType: "timestamp-millis" }, long(-5)), -5_000n);
  assert.equal(decode({ type: "long", logicalType: "timestamp-micros" }, long(5)), 5n);
  assert.equal(decode({ type: "long", logicalType: "timestamp-nanos" }, long(5)), 5n);
  assert.equal(decode({ type: "int", logicalType: "date" }, long(19_700)), 19_700);
});

Deno.test("compileValue() reads decimals from bytes and fixed", () => {
  const bytes = { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 };
  assert.equal(decode(bytes, sized(Uint8Array.of(0xff, 0x38))), -200n);
  assert.equal(
    decode({ ...bytes, type: "fixed", name: "d", size: 3 }, Uint8Array.of(1, 0, 0)),
    65_536n,
  );
  fails(bytes, sized(new Uint8Array(65)), "avro_malformed");
});

Deno.test("compileValue() reads a uuid from fixed and from text", () => {
  const text = "F79C3E09-677C-4BBD-A479-3F349CB785E7";
  assert.equal(decode({ type: "string", logicalType: "uuid" }, sized(text)), text.toLowerCase());
  const bytes = Uint8Array.fromHex(text.replaceAll("-", ""));
  const fixed = { type: "fixed", name: "u", size: 16, logicalType: "uuid" };
  assert.equal(decode(fixed, bytes), text.toLowerCase());
});

Deno.test("compileValue() reads union branches by position and refuses others", () => {
  const three = ["null", "int", "string"];
  assert.equal(decode(three, long(0)), null);
  assert.equal(decode(three, concat(long(1), long(4))), 4);
  assert.equal(decode(three, concat(long(2), sized("x"))), "x");
  fails(three, long(3), "avro_malformed");
  fails(three, long(-1), "avro_malformed");
  assert.equal(decode(["long", "null"], long(1)), null);
  assert.equal(decode(["long", "null"], concat(long(0), long(9))), 9n);
});

Deno.test("compileValue() reads arrays in several blocks, with and without their sizes", () => {
  const bytes = concat(long(2), long(1), long(2), long(-1), long(1), long(3), 0);
  assert.deepEqual(decode({ type: "array", items: "int" }, bytes), [1, 2, 3]);
});

Deno.test("compileValue() reads maps as lists of pairs", () => {
  const bytes = concat(long(1), sized("k"), long(5), long(-1), long(3), sized("l"), long(6), 0);
  assert.deepEqual(decode({ type: "map", values: "int" }, bytes), [["k", 5], ["l", 6]]);
});

Deno.test("compileValue() reads enums and refuses a symbol that is none", () => {
  const schema = { type: "enum", name: "e", symbols: ["A", "B"] };
  assert.equal(decode(schema, long(1)), "B");
  fails(schema, long(2), "avro_malformed");
});

Deno.test("compileValue() refuses list counts that cannot be true", () => {
  fails({ type: "array", items: "int" }, long(2n ** 40n), "avro_truncated");
  fails({ type: "array", items: "null" }, long(2n ** 40n), "avro_too_large");
  fails(
    { type: "array", items: "null" },
    concat(...new Array(40).fill(long(30_000_000))),
    "avro_too_large",
  );
  fails({ type: "array", items: "int" }, long(-(2n ** 62n)), "avro_malformed");
});

/** A schema with a generator of values that fit it. */
interface Sample {
  readonly schema: unknown;
  readonly value: fc.Arbitrary<IcebergValue>;
}

let names = 0;

const leaf: fc.Arbitrary<Sample> = fc.constantFrom<Sample>(
  { schema: "boolean", value: fc.boolean() },
  { schema: "int", value: fc.integer() },
  { schema: "long", value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { schema: "double", value: fc.double() },
  { schema: "string", value: fc.string() },
  { schema: "bytes", value: fc.uint8Array({ maxLength: 20 }) },
  { schema: { type: "int", logicalType: "date" }, value: fc.integer() },
);

const sample: fc.Arbitrary<Sample> = fc.letrec<{ node: Sample }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    leaf,
    tie("node").map((inner) => ({
      schema: { type: "array", items: inner.schema },
      value: fc.array(inner.value, { maxLength: 4 }),
    })),
    leaf.map((inner) => ({
      schema: ["null", inner.schema],
      value: fc.option(inner.value),
    })),
    fc.array(tie("node"), { minLength: 1, maxLength: 4 }).map((fields) => ({
      schema: {
        type: "record",
        name: `r${names++}`,
        fields: fields.map(({ schema }, index) => ({ name: `f${index}`, type: schema })),
      },
      value: fc.tuple(...fields.map((field) => field.value)),
    })),
  ),
})).node;

Deno.test("compileWrite() and compileValue() invert each other for any schema, and skip agrees", () => {
  fc.assert(fc.property(
    sample.chain(({ schema, value }) => fc.tuple(fc.constant(schema), value)),
    ([schema, value]) => {
      const sink = new ByteSink();
      compileWrite(typeOf(schema))(sink, value);
      assert.deepEqual(decode(schema, sink.toBytes()), value);
    },
  ));
});

Deno.test("compileValue() throws nothing but AppError on any bytes", () => {
  fc.assert(fc.property(sample, fc.uint8Array({ maxLength: 64 }), ({ schema }, bytes) => {
    const type = typeOf(schema);
    for (const run of [compileValue(type), compileSkip(type)]) {
      const cursor = new AvroCursor("t.avro");
      cursor.reset(bytes, 0, bytes.length);
      try {
        run(cursor);
        cursor.checkEnd();
      } catch (error) {
        assert(error instanceof AppError, String(error));
      }
    }
  }));
});

Deno.test("compileWrite() refuses values that do not fit", () => {
  const cases: [unknown, IcebergValue][] = [
    ["int", 2 ** 31],
    ["int", 1n],
    ["long", 1.5],
    ["string", 1],
    ["boolean", null],
    [{ type: "fixed", name: "f", size: 2 }, Uint8Array.of(1)],
    [{ type: "fixed", name: "d", size: 1, logicalType: "decimal", precision: 2 }, 200n],
    [{ type: "array", items: "int" }, 1],
    [["null", "int"], "x"],
  ];
  for (const [schema, value] of cases) {
    assert.throws(() => compileWrite(typeOf(schema))(new ByteSink(), value), TypeError);
  }
  assert.throws(() => compileWrite(typeOf("long"))(new ByteSink(), 2n ** 63n), RangeError);
});
