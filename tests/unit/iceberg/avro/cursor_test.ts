import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { ByteSink } from "../../../../lib/iceberg/avro/byte_sink.ts";
import { AvroCursor } from "../../../../lib/iceberg/avro/cursor.ts";
import { concat, long, sized } from "../../../support/avro_bytes.ts";

function cursorOver(bytes: Uint8Array): AvroCursor {
  const cursor = new AvroCursor("s3://bucket/table/metadata/file.avro");
  cursor.reset(bytes, 0, bytes.length);
  return cursor;
}

function code(expected: string) {
  return (error: unknown) =>
    error instanceof AppError && error.kind === "corrupt_data" && error.code === expected;
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

Deno.test("readLong() inverts the zig-zag encoding for every int64", () => {
  fc.assert(fc.property(fc.array(int64, { minLength: 1 }), (values) => {
    const cursor = cursorOver(concat(...values.map(long)));
    assert.deepEqual(values.map(() => cursor.readLong()), values);
    assert.equal(cursor.pos, cursor.end);
  }));
});

Deno.test("readSafeLong() inverts the zig-zag encoding for every safe integer", () => {
  fc.assert(fc.property(fc.array(fc.maxSafeInteger(), { minLength: 1 }), (values) => {
    const cursor = cursorOver(concat(...values.map(long)));
    assert.deepEqual(values.map(() => cursor.readSafeLong()), values);
  }));
});

Deno.test("readInt() reads the whole range of int32", () => {
  const values = [0, -1, 1, 63, -64, 64, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)];
  const cursor = cursorOver(concat(...values.map(long)));
  assert.deepEqual(values.map(() => cursor.readInt()), values);
});

Deno.test("readInt() refuses a value beyond int32", () => {
  assert.throws(() => cursorOver(long(2 ** 31)).readInt(), code("avro_malformed"));
});

Deno.test("readSafeLong() refuses a count beyond 2^53", () => {
  assert.throws(() => cursorOver(long(2n ** 53n)).readSafeLong(), code("avro_malformed"));
  assert.equal(cursorOver(long(2n ** 53n - 1n)).readSafeLong(), Number.MAX_SAFE_INTEGER);
});

Deno.test("readLong() hands out each value after another one has repeated", () => {
  const values = [5n, 5n, -5n, 5n, 2n ** 40n, 2n ** 40n, 0n, 0n];
  const cursor = cursorOver(concat(...values.map(long)));
  assert.deepEqual(values.map(() => cursor.readLong()), values);
});

Deno.test("readLong() refuses a varint of more than 64 bits", () => {
  assert.throws(
    () => cursorOver(new Uint8Array(11).fill(0xff)).readLong(),
    code("avro_malformed"),
  );
  const tenth = concat(new Uint8Array(9).fill(0xff), 2);
  assert.throws(() => cursorOver(tenth).readLong(), code("avro_malformed"));
});

Deno.test("readLong() refuses a varint that the block cuts off", () => {
  assert.throws(() => cursorOver(Uint8Array.of(0x80)).readLong(), code("avro_truncated"));
});

Deno.test("readLength() refuses negative lengths and lengths past the end", () => {
  assert.throws(() => cursorOver(long(-1)).readLength(), code("avro_malformed"));
  assert.throws(() => cursorOver(concat(long(5), 1, 2)).readLength(), code("avro_truncated"));
  assert.throws(() => cursorOver(long(2n ** 40n)).readLength(), code("avro_truncated"));
});

Deno.test("readString() reads text of any length and script", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme" })), (texts) => {
    const cursor = cursorOver(concat(...texts.map((text) => sized(text.toWellFormed()))));
    assert.deepEqual(
      texts.map(() => cursor.readString()),
      texts.map((text) => text.toWellFormed()),
    );
  }));
});

Deno.test("readString() refuses what is not UTF-8, however short", () => {
  for (const bytes of [Uint8Array.of(0xff), new Uint8Array(40).fill(0xc0)]) {
    assert.throws(() => cursorOver(sized(bytes)).readString(), code("avro_malformed"));
  }
});

Deno.test("readBytes() copies, so that a value outlives the block", () => {
  const block = sized(Uint8Array.of(1, 2, 3));
  const value = cursorOver(block).readBytes();
  block.fill(0);
  assert.deepEqual(value, Uint8Array.of(1, 2, 3));
});

Deno.test("readBoolean() refuses bytes other than 0 and 1", () => {
  const cursor = cursorOver(Uint8Array.of(0, 1, 2));
  assert.equal(cursor.readBoolean(), false);
  assert.equal(cursor.readBoolean(), true);
  assert.throws(() => cursor.readBoolean(), code("avro_malformed"));
});

Deno.test("readFloat() and readDouble() read little-endian IEEE 754", () => {
  const sink = new ByteSink();
  sink.writeFloat(-1.5);
  sink.writeDouble(Math.PI);
  const cursor = cursorOver(sink.toBytes());
  assert.equal(cursor.readFloat(), -1.5);
  assert.equal(cursor.readDouble(), Math.PI);
  assert.throws(() => cursor.readDouble(), code("avro_truncated"));
});

Deno.test("skipVarints() stops where reading as many values stops", () => {
  fc.assert(fc.property(fc.array(int64), fc.nat(), fc.nat(5), (values, at, lead) => {
    const bytes = concat(new Uint8Array(lead), ...values.map(long), 1, 2, 3, 4, 5, 6, 7, 8);
    const count = values.length === 0 ? 0 : at % (values.length + 1);
    const reading = cursorOver(bytes);
    const skipping = cursorOver(bytes);
    reading.pos = skipping.pos = lead;
    for (let index = 0; index < count; index++) reading.readLong();
    skipping.skipVarints(count);
    assert.equal(skipping.pos, reading.pos);
  }));
});

Deno.test("skipVarints() refuses to run past the end of the block", () => {
  assert.throws(() => cursorOver(new Uint8Array(9)).skipVarints(10), code("avro_truncated"));
  assert.throws(
    () => cursorOver(new Uint8Array(1000).fill(0xff)).skipVarints(1),
    code("avro_truncated"),
  );
});

Deno.test("skipKeyedBytes() stops where reading as many pairs stops", () => {
  const value = fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 200 }));
  fc.assert(fc.property(fc.array(fc.tuple(int64, value)), fc.nat(9), (pairs, tail) => {
    const bytes = concat(
      ...pairs.flatMap(([key, value]) => [long(key), sized(value)]),
      new Uint8Array(tail),
    );
    const cursor = cursorOver(bytes);
    cursor.skipKeyedBytes(pairs.length);
    assert.equal(cursor.pos, bytes.length - tail);
    // One pair more takes two bytes at least.
    if (tail < 2) assert.throws(() => cursor.skipKeyedBytes(1), AppError);
  }));
});

Deno.test("skipKeyedBytes() refuses keys and lengths that run past the end", () => {
  const endless = new Uint8Array(100).fill(0xff);
  assert.throws(() => cursorOver(endless).skipKeyedBytes(1), code("avro_truncated"));
  for (const length of [3, 300, 2n ** 40n]) {
    const bytes = concat(long(1), long(length), 1, 2);
    assert.throws(() => cursorOver(bytes).skipKeyedBytes(1), code("avro_truncated"));
  }
  const negative = concat(long(1), long(-1), 1, 2);
  assert.throws(() => cursorOver(negative).skipKeyedBytes(1), code("avro_malformed"));
});

Deno.test("readBlockCount() refuses a count that the block cannot hold", () => {
  assert.throws(() => cursorOver(long(2n ** 40n)).readBlockCount(1), code("avro_truncated"));
  assert.equal(cursorOver(concat(long(-2), long(2), 1, 1)).readBlockCount(1), 2);
});

Deno.test("checkEnd() refuses a position past the block, inside the buffer or not", () => {
  const cursor = cursorOver(new Uint8Array(10));
  cursor.reset(cursor.bytes, 0, 5);
  cursor.pos = 6;
  assert.throws(() => cursor.checkEnd(), code("avro_truncated"));
});

Deno.test("fail() names the file without its folder path", () => {
  assert.throws(() => cursorOver(new Uint8Array(0)).fail("avro_malformed", "test"), {
    message: 'Cannot read "metadata/file.avro": test',
  });
});
