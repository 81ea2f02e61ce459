import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { MAX_SCHEMA_DEPTH } from "../../../../lib/iceberg/avro/limits.ts";
import { parseAvroSchema } from "../../../../lib/iceberg/avro/parse_schema.ts";
import type { AvroType } from "../../../../lib/iceberg/avro/schema.ts";

function parse(schema: unknown): AvroType {
  const text = typeof schema === "string" ? schema : JSON.stringify(schema);
  return parseAvroSchema(text, { location: "m.avro" });
}

function refuses(schema: unknown, message: RegExp): void {
  assert.throws(
    () => parse(schema),
    (error: unknown) =>
      error instanceof AppError && error.kind === "corrupt_data" &&
      error.code === "avro_schema_invalid" && message.test(error.message),
  );
}

const record = (name: string, ...types: unknown[]) => ({
  type: "record",
  name,
  fields: types.map((type, index) => ({ name: `f${index}`, type })),
});

Deno.test("parseAvroSchema() reads field ids and leaves out missing ones", () => {
  const type = parse({
    type: "record",
    name: "r",
    fields: [{ name: "a", type: "int", "field-id": 7 }, { name: "b", type: "string" }],
  });
  assert(type.kind === "record");
  assert.deepEqual(type.fields.map(({ name, fieldId }) => [name, fieldId]), [["a", 7], [
    "b",
    null,
  ]]);
  assert.equal(type.minBytes, 2);
});

Deno.test("parseAvroSchema() resolves names, with and without namespaces", () => {
  const fixed = { type: "fixed", name: "org.x.id", size: 16 };
  const type = parse(record("outer", fixed, "org.x.id"));
  assert(type.kind === "record");
  assert.equal(type.fields[0]?.type, type.fields[1]?.type);
  const inner = { ...record("inner", { type: "fixed", name: "f", size: 2 }, "f"), namespace: "n" };
  assert.equal(parse(record("o", inner, "n.f")).minBytes, 6);
});

Deno.test("parseAvroSchema() reads logical types where they fit and drops others", () => {
  const logical = (type: unknown) => {
    const parsed = parse(type);
    return "logical" in parsed ? parsed.logical : undefined;
  };
  const decimal = { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 };
  assert.deepEqual(logical(decimal), { kind: "decimal", precision: 9, scale: 2 });
  assert.deepEqual(logical({ type: "int", logicalType: "date" }), { kind: "date" });
  assert.equal(logical({ type: "long", logicalType: "date" }), null);
  assert.equal(logical({ type: "bytes", logicalType: "decimal", precision: 0 }), null);
  assert.equal(logical({ type: "fixed", name: "u", size: 15, logicalType: "uuid" }), null);
  assert.deepEqual(logical({ type: "long", logicalType: "local-timestamp-micros" }), {
    kind: "timestamp-micros",
  });
  assert.equal(logical({ type: "long", logicalType: "made-up" }), null);
});

Deno.test("parseAvroSchema() takes an array for an Iceberg map only when it says so", () => {
  const items = record("kv", "int", "long");
  const map = parse({ type: "array", items, logicalType: "map" });
  const list = parse({ type: "array", items });
  assert(map.kind === "array" && list.kind === "array");
  assert.equal(map.isMap, true);
  assert.equal(list.isMap, false);
});

Deno.test("parseAvroSchema() refuses what is no schema", () => {
  refuses("{", /not JSON/);
  refuses("17", /neither a name/);
  refuses('"text"', /"text" is not defined/);
  refuses([], /no branches/);
  refuses({ type: "record", name: "r" }, /no fields/);
  refuses({ type: "record", name: "r", fields: [{ type: "int" }] }, /no name/);
  refuses({ type: "fixed", name: "f", size: -1 }, /no valid size/);
  refuses({ type: "fixed", name: "f", size: 2 ** 40 }, /no valid size/);
  refuses({ type: "enum", name: "e", symbols: [1] }, /no symbols/);
  refuses({ type: "array" }, /neither a name/);
  const field = { name: "a", type: "int", "field-id": "7" };
  refuses({ type: "record", name: "r", fields: [field] }, /invalid field-id/);
});

Deno.test("parseAvroSchema() refuses a type that contains itself", () => {
  refuses(record("list", "int", ["null", "list"]), /"list" contains itself/);
  refuses(record("a", record("a", "int")), /"a" contains itself/);
});

Deno.test("parseAvroSchema() refuses types nested too deep", () => {
  let nested: unknown = "int";
  for (let depth = 0; depth < MAX_SCHEMA_DEPTH; depth++) nested = { type: "array", items: nested };
  assert.equal(parse(nested).kind, "array");
  refuses({ type: "array", items: nested }, /deeper|not JSON/);
  refuses("[".repeat(100_000), /not JSON/);
});

Deno.test("parseAvroSchema() refuses named types that multiply to billions", () => {
  let schema: unknown = record("r0", "null", "null");
  for (let level = 1; level < 30; level++) schema = record(`r${level}`, schema, `r${level - 1}`);
  refuses(schema, /more than \d+ types/);
  refuses(
    [record("wide", ...new Array(40_000).fill("int")), ...new Array(20_000).fill("int")],
    /more than \d+ types/,
  );
});

Deno.test("parseAvroSchema() refuses a union of more branches than a call takes arguments", () => {
  refuses(new Array(500_000).fill("int"), /more than \d+ types/);
});

Deno.test("parseAvroSchema() throws nothing but AppError on any JSON", () => {
  const names = fc.constantFrom("record", "array", "map", "fixed", "enum", "int", "null", "x");
  const json = fc.letrec((tie) => ({
    node: fc.oneof(
      names,
      fc.jsonValue(),
      fc.array(tie("node"), { maxLength: 3 }),
      fc.record({
        type: fc.oneof(names, tie("node")),
        name: fc.string(),
        items: tie("node"),
        values: tie("node"),
        size: fc.integer(),
        fields: fc.array(fc.record({ name: fc.string(), type: tie("node") }), { maxLength: 3 }),
      }, { requiredKeys: ["type"] }),
    ),
  })).node;
  fc.assert(fc.property(json, (schema) => {
    try {
      parse(JSON.stringify(schema));
    } catch (error) {
      assert(error instanceof AppError, String(error));
    }
  }));
});

Deno.test("parseAvroSchema() quotes no more than the beginning of a name", () => {
  const name = "n".repeat(1_000_000);
  for (const schema of [name, { type: "record", name }, { type: "enum", name }, ["int", name]]) {
    assert.throws(
      () => parseAvroSchema(JSON.stringify(schema), { location: "m.avro" }),
      (error) => error instanceof Error && error.message.length < 400,
    );
  }
});
