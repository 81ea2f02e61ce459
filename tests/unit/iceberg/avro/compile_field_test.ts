import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import {
  AvroTypeMismatch,
  compileBigint,
  compileBoolean,
  compileBytes,
  compileList,
  compileNumber,
  compileText,
} from "../../../../lib/iceberg/avro/compile_field.ts";
import { compileRecord, type Sink } from "../../../../lib/iceberg/avro/compile_record.ts";
import type { Reader } from "../../../../lib/iceberg/avro/compile_value.ts";
import { AvroCursor } from "../../../../lib/iceberg/avro/cursor.ts";
import { parseAvroSchema } from "../../../../lib/iceberg/avro/parse_schema.ts";
import type { AvroType } from "../../../../lib/iceberg/avro/schema.ts";
import { concat, long, sized } from "../../../support/avro_bytes.ts";

function typeOf(schema: unknown): AvroType {
  return parseAvroSchema(JSON.stringify(schema), { location: "f.avro" });
}

function cursorOver(bytes: Uint8Array): AvroCursor {
  const cursor = new AvroCursor("f.avro");
  cursor.reset(bytes, 0, bytes.length);
  return cursor;
}

function read<T>(compile: (type: AvroType) => Reader<T>, schema: unknown, bytes: Uint8Array): T {
  const cursor = cursorOver(bytes);
  const value = compile(typeOf(schema))(cursor);
  assert.equal(cursor.pos, bytes.length);
  return value;
}

Deno.test("compileNumber() takes int and long, optional in either order", () => {
  assert.equal(read(compileNumber, "int", long(-3)), -3);
  assert.equal(read(compileNumber, "long", long(2 ** 40)), 2 ** 40);
  assert.equal(read(compileNumber, ["null", "long"], concat(long(1), long(5))), 5);
  assert.equal(read(compileNumber, ["null", "long"], long(0)), null);
  assert.equal(read(compileNumber, ["int", "null"], long(1)), null);
  assert.equal(read(compileNumber, "null", new Uint8Array(0)), null);
});

Deno.test("compileBigint() takes int and long", () => {
  assert.equal(read(compileBigint, "int", long(-3)), -3n);
  assert.equal(read(compileBigint, ["null", "long"], concat(long(1), long(2n ** 62n))), 2n ** 62n);
});

Deno.test("compileBytes() takes bytes and fixed, whatever they stand for", () => {
  const decimal = { type: "bytes", logicalType: "decimal", precision: 4, scale: 0 };
  assert.deepEqual(read(compileBytes, decimal, sized(Uint8Array.of(1, 2))), Uint8Array.of(1, 2));
  const fixed = { type: "fixed", name: "f", size: 2 };
  assert.deepEqual(read(compileBytes, fixed, Uint8Array.of(3, 4)), Uint8Array.of(3, 4));
});

Deno.test("compileText() and compileBoolean() read their types", () => {
  assert.equal(read(compileText, ["null", "string"], concat(long(1), sized("x"))), "x");
  assert.equal(read(compileBoolean, "boolean", Uint8Array.of(1)), true);
});

Deno.test("compileList() reads lists in blocks, and bounds their counts", () => {
  const compile = (type: AvroType) => compileList(type, compileNumber);
  const list = { type: "array", items: "int" };
  assert.deepEqual(read(compile, list, concat(long(1), long(7), long(-1), long(1), long(8), 0)), [
    7,
    8,
  ]);
  assert.equal(read(compile, ["null", list], long(0)), null);
  for (const items of ["int", "null"]) {
    const bytes = concat(long(2n ** 40n), new Uint8Array(8));
    const run = compile(typeOf({ type: "array", items }));
    assert.throws(() => run(cursorOver(bytes)), AppError);
  }
});

Deno.test("field readers refuse types that the specification does not allow there", () => {
  const list = (type: AvroType) => compileList(type, compileNumber);
  const cases: [(type: AvroType) => unknown, unknown][] = [
    [compileNumber, "string"],
    [compileNumber, ["int", "long"]],
    [compileBigint, ["null", "double"]],
    [compileBoolean, "int"],
    [compileText, "bytes"],
    [compileBytes, "string"],
    [list, "int"],
    [list, { type: "array", items: "string" }],
  ];
  for (const [compile, schema] of cases) {
    assert.throws(() => compile(typeOf(schema)), AvroTypeMismatch);
  }
});

interface Row {
  b: number | null;
  e: string | null;
}

Deno.test("compileRecord() fills what is asked for and skips all else, of any type", () => {
  const nested = { type: "record", name: "n", fields: [{ name: "x", type: "float" }] };
  const fields: [unknown, Uint8Array][] = [
    ["int", long(1)],
    ["long", long(2)],
    [["null", "bytes"], concat(long(1), sized("zz"))],
    [{ type: "array", items: nested }, concat(long(-2), long(8), new Uint8Array(8), 0)],
    ["string", sized("wanted")],
    [{ type: "map", values: "double" }, concat(long(1), sized("k"), new Uint8Array(8), 0)],
    [["int", "string", "boolean"], concat(long(2), 1)],
    ["double", new Uint8Array(8)],
  ];
  const type = typeOf({
    type: "record",
    name: "r",
    fields: fields.map(([type], id) => ({ name: `f${id}`, type, "field-id": id })),
  });
  assert(type.kind === "record");
  const sinks = new Map<number, Sink<Row>>([
    [1, (type) => {
      const read = compileNumber(type);
      return (cursor, row) => row.b = read(cursor);
    }],
    [4, (type) => {
      const read = compileText(type);
      return (cursor, row) => row.e = read(cursor);
    }],
    [99, () => () => assert.fail("the writer has no field 99")],
  ]);
  const bytes = concat(...fields.map(([, data]) => data));
  const cursor = cursorOver(bytes);
  const row: Row = { b: null, e: null };
  compileRecord(type, sinks)(cursor, row);
  assert.deepEqual(row, { b: 2, e: "wanted" });
  assert.equal(cursor.pos, bytes.length);
});
