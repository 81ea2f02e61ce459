import assert from "node:assert/strict";
import {
  Binary,
  type DataType,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  FixedSizeBinary,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  LargeBinary,
  LargeUtf8,
  Null,
  TimeMillisecond,
  TimeNanosecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { castColumn } from "../../../../lib/columnar/arrow/cast_column.ts";
import { inputFault } from "../../../../lib/columnar/arrow/column_error.ts";
import { sliceColumn } from "../../../../lib/columnar/arrow/concat_columns.ts";
import { makeColumn, type ValueArray } from "../../../../lib/columnar/arrow/layout.ts";
import { AppError } from "../../../../lib/errors.ts";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";
import { arrowType } from "../../../../lib/columnar/arrow/arrow_schema.ts";
import { valuesIn } from "./_columns.ts";

const FAULT = inputFault("c");

/** A column from raw values, the second of them null. */
function raw(type: DataType, values: ValueArray) {
  const stride = type instanceof Decimal ? type.bitWidth / 32 : 1;
  const length = values.length / stride;
  const validity = new Uint8Array(8).fill(0xff);
  validity[0] = 0b1111_1101;
  return makeColumn(type, { length, values, validity });
}

function cast(column: Parameters<typeof castColumn>[0], type: PrimitiveType): IcebergValue[] {
  const result = castColumn(column, type, FAULT);
  assert.equal(String(result.type), String(arrowType(type)));
  const values = valuesIn(result, type);
  // Slices must cast to the same values.
  const slice = castColumn(sliceColumn(column, { at: 1, length: column.length - 1 }), type, FAULT);
  assert.deepEqual(valuesIn(slice, type), values.slice(1));
  return values;
}

function refuses(column: Parameters<typeof castColumn>[0], type: PrimitiveType, text: RegExp) {
  assert.throws(() => castColumn(column, type, FAULT), (error) => {
    assert(error instanceof AppError, String(error));
    assert.equal(error.kind, "invalid");
    assert.match(error.message, text);
    return true;
  });
}

Deno.test("castColumn() widens integers exactly", () => {
  const long = { kind: "long" } as const;
  const min = -(2 ** 31);
  assert.deepEqual(cast(raw(new Int32(), Int32Array.of(min, 7, -1, 2 ** 31 - 1)), long), [
    BigInt(min),
    null,
    -1n,
    2n ** 31n - 1n,
  ]);
  assert.deepEqual(cast(raw(new Uint32(), Uint32Array.of(2 ** 32 - 1, 7)), long), [
    2n ** 32n - 1n,
    null,
  ]);
  assert.deepEqual(cast(raw(new Int8(), Int8Array.of(-128, 7)), long), [-128n, null]);
  assert.deepEqual(cast(raw(new Uint8(), Uint8Array.of(255, 7)), { kind: "int" }), [255, null]);
  assert.deepEqual(cast(raw(new Int16(), Int16Array.of(-9, 7)), { kind: "int" }), [-9, null]);
  assert.deepEqual(cast(raw(new Uint16(), Uint16Array.of(65535, 7)), { kind: "int" }), [
    65535,
    null,
  ]);
  assert.deepEqual(cast(raw(new Uint64(), BigUint64Array.of(3n, 2n ** 64n - 1n)), long), [
    3n,
    null,
  ]);
  assert.deepEqual(cast(raw(new Int64(), BigInt64Array.of(3n, 2n ** 40n)), { kind: "int" }), [
    3,
    null,
  ]);
});

Deno.test("castColumn() names the row of a value that does not fit, nulls left out", () => {
  refuses(
    raw(new Int64(), BigInt64Array.of(1n, 2n ** 31n, 2n ** 31n)),
    { kind: "int" },
    /row 2: it is beyond 32 bits/,
  );
  refuses(raw(new Uint64(), BigUint64Array.of(2n ** 63n, 0n)), { kind: "long" }, /row 0/);
  refuses(raw(new Float64(), Float64Array.of(1, 1e300, 1e300)), { kind: "float" }, /row 2/);
  refuses(
    raw(new TimestampSecond(), BigInt64Array.of(2n ** 62n, 0n)),
    { kind: "timestamp_ns" },
    /row 0/,
  );
});

Deno.test("castColumn() widens floats, whole numbers into doubles, and keeps NaN, infinity and -0", () => {
  const double = { kind: "double" } as const;
  const floats = Float32Array.of(NaN, 0, -0, Infinity, Math.fround(0.1));
  assert.deepEqual(cast(raw(new Float32(), floats), double), [
    NaN,
    null,
    -0,
    Infinity,
    Math.fround(0.1),
  ]);
  assert.deepEqual(cast(raw(new Int32(), Int32Array.of(-5, 0)), double), [-5, null]);
  refuses(raw(new Int64(), BigInt64Array.of(1n, 2n)), double, /holds Int64, wanted double/);
  refuses(raw(new Int32(), Int32Array.of(1, 2)), { kind: "float" }, /wanted float/);
});

Deno.test("castColumn() widens decimals of every width and never changes the scale", () => {
  const wide = { kind: "decimal", precision: 20, scale: 2 } as const;
  const small = raw(new Decimal(2, 9, 32), Uint32Array.of(-5 >>> 0, 1, 7));
  assert.deepEqual(cast(small, wide), [-5n, null, 7n]);
  const middle = raw(new Decimal(2, 18, 64), Uint32Array.of(1, 1, 0, 0, -1 >>> 0, -1 >>> 0));
  assert.deepEqual(cast(middle, wide), [2n ** 32n + 1n, null, -1n]);
  const huge = raw(
    new Decimal(2, 50, 256),
    Uint32Array.of(...[9, 0, 0, 0, 0, 0, 0, 0], ...new Array(8).fill(-1 >>> 0)),
  );
  assert.deepEqual(cast(huge, wide), [9n, null]);
  refuses(raw(new Decimal(3, 9, 128), new Uint32Array(8)), wide, /wanted decimal/);
  const tooLong = raw(new Decimal(2, 38, 128), Uint32Array.of(0, 0, 1, 0, 0, 0, 0, 0));
  assert.deepEqual(cast(tooLong, { kind: "decimal", precision: 38, scale: 2 }), [2n ** 64n, null]);
  refuses(
    tooLong,
    { kind: "decimal", precision: 19, scale: 2 },
    /row 0: it has more than 19 digits/,
  );
});

Deno.test("castColumn() makes timestamps of dates, but no instants", () => {
  const days = raw(new DateDay(), Int32Array.of(-1, 0, 20_000));
  assert.deepEqual(cast(days, { kind: "timestamp" }), [
    -86_400_000_000n,
    null,
    1_728_000_000_000_000n,
  ]);
  assert.deepEqual(cast(days, { kind: "timestamp_ns" }), [
    -86_400_000_000_000n,
    null,
    1_728_000_000_000_000_000n,
  ]);
  refuses(days, { kind: "timestamptz" }, /wanted timestamptz/);
  refuses(
    raw(new DateDay(), Int32Array.of(200_000, 0)),
    { kind: "timestamp_ns" },
    /row 0: it is beyond/,
  );
  assert.deepEqual(
    cast(raw(new DateMillisecond(), BigInt64Array.of(-1n, 0n, 86_400_000n)), { kind: "date" }),
    [-1, null, 1],
  );
});

Deno.test("castColumn() takes timestamps of every unit and zone, cutting what is finer", () => {
  const micros = { kind: "timestamptz" } as const;
  const values = BigInt64Array.of(-1n, 5n, 1_999n);
  assert.deepEqual(cast(raw(new TimestampNanosecond(), values), micros), [-1n, null, 1n]);
  assert.deepEqual(cast(raw(new TimestampMicrosecond("Europe/Berlin"), values), micros), [
    -1n,
    null,
    1_999n,
  ]);
  assert.deepEqual(cast(raw(new TimestampMillisecond("UTC"), values), { kind: "timestamp" }), [
    -1_000n,
    null,
    1_999_000n,
  ]);
  assert.deepEqual(cast(raw(new TimestampSecond(), values), { kind: "timestamp_ns" }), [
    -(10n ** 9n),
    null,
    1_999n * 10n ** 9n,
  ]);
  assert.deepEqual(cast(raw(new TimeMillisecond(), Int32Array.of(1, 2)), { kind: "time" }), [
    1_000n,
    null,
  ]);
  assert.deepEqual(
    cast(raw(new TimeNanosecond(), BigInt64Array.of(1_999n, 2n)), { kind: "time" }),
    [1n, null],
  );
});

Deno.test("castColumn() takes text and bytes of every layout and checks what claims to be text", () => {
  const vector = (values: unknown[], type: DataType) => {
    const [data] = vectorFromArray(values, type).data;
    assert(data !== undefined);
    return data;
  };
  const bytes = [Uint8Array.of(104, 105), null, Uint8Array.of()];
  const text = { kind: "string" } as const;
  assert.deepEqual(cast(vector(["hi", null, ""], new LargeUtf8()), text), ["hi", null, ""]);
  assert.deepEqual(
    cast(vector(["hi", null, "hi"], new Dictionary(new Utf8(), new Int32())), text),
    ["hi", null, "hi"],
  );
  assert.deepEqual(cast(vector(bytes, new Binary()), text), ["hi", null, ""]);
  refuses(vector([Uint8Array.of(0xff)], new Binary()), text, /row 0: it is not valid UTF-8/);
  assert.deepEqual(cast(vector(bytes, new LargeBinary()), { kind: "binary" }), bytes);
  const fixed = [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4)];
  assert.deepEqual(cast(vector(fixed, new FixedSizeBinary(2)), { kind: "binary" }), fixed);
  assert.deepEqual(cast(vector(fixed, new Binary()), { kind: "fixed", length: 2 }), fixed);
  refuses(
    vector(fixed, new Binary()),
    { kind: "fixed", length: 3 },
    /row 0: it has 2 bytes, wanted 3/,
  );
  refuses(vector(fixed, new FixedSizeBinary(2)), { kind: "fixed", length: 3 }, /wanted fixed/);
});

Deno.test("castColumn() takes UUIDs as bytes and as text", () => {
  const uuid = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
  const [text] = vectorFromArray([uuid.toUpperCase(), null], new Utf8()).data;
  assert(text !== undefined);
  assert.deepEqual(cast(text, { kind: "uuid" }), [uuid, null]);
  const [bad] = vectorFromArray([null, "f79c"], new Utf8()).data;
  assert(bad !== undefined);
  refuses(bad, { kind: "uuid" }, /row 1: it is not a UUID/);
});

Deno.test("castColumn() makes anything of nulls, and nothing of type unknown", () => {
  const nulls = makeColumn(new Null(), { length: 3 });
  assert.deepEqual(cast(nulls, { kind: "decimal", precision: 5, scale: 1 }), [null, null, null]);
  assert.deepEqual(cast(raw(new Int32(), Int32Array.of(1, 2)), { kind: "unknown" }), [null, null]);
});

Deno.test("castColumn() gives a column back that has its form already", () => {
  const column = raw(new Int64(), BigInt64Array.of(1n, 2n));
  assert.equal(castColumn(column, { kind: "long" }, FAULT), column);
});
