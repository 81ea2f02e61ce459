import assert from "node:assert/strict";
import {
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  Float64,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema as ArrowSchema,
  Struct,
  type Timestamp,
  TimestampMicrosecond,
  TimestampNanosecond,
  Uint64,
  Utf8,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import { AppError } from "../../../../lib/errors.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField, Type } from "../../../../lib/iceberg/spec/types.ts";
import { arrowBatches } from "../../../../lib/tables/append/columnar_rows.ts";
import { arrowStream } from "../../../support/append_bodies.ts";
import { rowsOfBatch } from "../../../support/rows.ts";
import { field } from "../../../support/writable_tables.ts";

/** The rows of a batch with one column `c`, as a table has them whose column is of `type`. */
function rowsOf(given: Vector, type: Type, more: Partial<NestedField> = {}): IcebergValue[] {
  const [data] = given.data;
  const fields = [new Field("c", given.type, true)];
  const struct = makeData({ type: new Struct(fields), length: given.length, children: [data!] });
  const batch = new RecordBatch(new ArrowSchema(fields), struct);
  const column = { ...field(1, "c", type), ...more };
  return read(arrowStream(batch), [column]).map(([value]) => value ?? null);
}

function read(stream: Uint8Array, fields: readonly NestedField[]): IcebergValue[][] {
  const schema = new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
  const bytes = new Uint8Array(stream);
  return [...arrowBatches({ bytes, firstRow: 100 }, schema)]
    .flatMap((batch) => rowsOfBatch(batch, fields));
}

/** Times as they are counted. */
function times(values: readonly bigint[], type: Timestamp): Vector {
  const data = BigInt64Array.from(values);
  return new Vector([makeData({ type, length: values.length, data })]);
}

Deno.test("narrower integers, dictionaries and coarser times become the table's, exactly", () => {
  assert.deepEqual(rowsOf(vectorFromArray([1, null, -3], new Int16()), { kind: "long" }), [
    1n,
    null,
    -3n,
  ]);
  assert.deepEqual(rowsOf(vectorFromArray([5n], new Int64()), { kind: "int" }), [5]);
  assert.deepEqual(
    rowsOf(
      vectorFromArray(["a", "b", null, "a"], new Dictionary(new Utf8(), new Int32())),
      { kind: "string" },
    ),
    ["a", "b", null, "a"],
  );
  assert.deepEqual(
    rowsOf(times([1_000n], new TimestampNanosecond()), { kind: "timestamp" }),
    [1n],
  );
  assert.deepEqual(
    rowsOf(times([7n], new TimestampMicrosecond("UTC")), { kind: "timestamptz" }),
    [7n],
  );
  assert.deepEqual(rowsOf(vectorFromArray([0.5], new Float64()), { kind: "float" }), [0.5]);
});

const decimal = (precision: number, scale: number): Type => ({ kind: "decimal", precision, scale });
const money = () => vectorFromArray([new Uint32Array([99_999, 0, 0, 0])], new Decimal(2, 10, 128));

/** What is sent, the type of the column, and the place that the error names. */
const REFUSED: readonly (readonly [string, () => Vector, Type, string])[] = [
  [
    "too large for 32 bits",
    () => vectorFromArray([1n, 2n ** 31n], new Int64()),
    { kind: "int" },
    "rows.102.c",
  ],
  [
    "too large for 64 bits",
    () => vectorFromArray([2n ** 63n], new Uint64()),
    { kind: "long" },
    "rows.101.c",
  ],
  ["finer than microseconds", () => times([1_000n, 1n], new TimestampNanosecond()), {
    kind: "timestamp",
  }, "rows.102.c"],
  ["without a zone", () => times([1n], new TimestampMicrosecond()), {
    kind: "timestamptz",
  }, "columns.c"],
  ["with a zone", () => times([1n], new TimestampMicrosecond("UTC")), {
    kind: "timestamp",
  }, "columns.c"],
  [
    "a double that no float is",
    () => vectorFromArray([0.5, 0.1], new Float64()),
    { kind: "float" },
    "rows.102.c",
  ],
  ["digits beyond the precision", money, decimal(4, 2), "rows.101.c"],
  ["another scale", money, decimal(10, 3), "columns.c"],
  ["text for a number", () => vectorFromArray(["1"], new Utf8()), { kind: "long" }, "columns.c"],
  ["a number for text", () => vectorFromArray([1], new Int32()), { kind: "string" }, "columns.c"],
  ["no UUID", () => vectorFromArray(["zz"], new Utf8()), { kind: "uuid" }, "rows.101.c"],
  ["a date for an instant", () => vectorFromArray([new Date(0)], new DateMillisecond()), {
    kind: "timestamptz",
  }, "columns.c"],
];

for (const [what, given, type, path] of REFUSED) {
  Deno.test(`arrowBatches() refuses ${what}, by its place`, () => {
    assert.throws(() => rowsOf(given(), type), (error) => {
      assert.ok(error instanceof AppError, String(error));
      assert.equal(error.kind, "invalid");
      assert.equal(error.issues[0]?.path, path, error.message);
      return /Nothing was appended/.test(error.message);
    });
  });
}

Deno.test("arrowBatches() names the row of a null in a required column", () => {
  assert.throws(
    () => rowsOf(vectorFromArray([1n, null], new Int64()), { kind: "long" }, { required: true }),
    (error) => error instanceof AppError && error.issues[0]?.path === "rows.102.c",
  );
});

Deno.test("arrowBatches() refuses text that is not UTF-8", () => {
  const fields = [new Field("c", new Utf8(), true)];
  const column = makeData({
    type: new Utf8(),
    length: 2,
    valueOffsets: Int32Array.of(0, 1, 2),
    data: Uint8Array.of(0x61, 0xff),
  });
  const struct = makeData({ type: new Struct(fields), length: 2, children: [column] });
  const stream = arrowStream(new RecordBatch(new ArrowSchema(fields), struct));
  assert.throws(
    () => read(stream, [field(1, "c", { kind: "string" })]),
    (error) => error instanceof AppError && error.issues[0]?.path === "rows.102.c",
  );
});

Deno.test("arrowBatches() gives a column that is not sent its default for writing", () => {
  const given = arrowStream(new RecordBatch({ a: vectorFromArray([1n], new Int64()).data[0]! }));
  const late = { ...field(2, "b", { kind: "int" }), initialDefault: 1, writeDefault: 7 };
  assert.deepEqual(read(given, [field(1, "a"), late]), [[1n, 7]]);
});
