import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { partitionType } from "../../../../lib/iceberg/spec/partition_type.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import {
  canTransform,
  formatTransform,
  parseTransform,
  type Transform,
  transformResultType,
} from "../../../../lib/iceberg/spec/transform.ts";
import type { Type } from "../../../../lib/iceberg/spec/types.ts";

const TEXTS: readonly (readonly [string, Transform])[] = [
  ["identity", { kind: "identity" }],
  ["year", { kind: "year" }],
  ["month", { kind: "month" }],
  ["day", { kind: "day" }],
  ["hour", { kind: "hour" }],
  ["void", { kind: "void" }],
  ["bucket[16]", { kind: "bucket", numBuckets: 16 }],
  ["truncate[2147483647]", { kind: "truncate", width: 2147483647 }],
  ["zorder", { kind: "unknown", text: "zorder" }],
  ["zorder[3]", { kind: "unknown", text: "zorder[3]" }],
  ["bucketV2[4]", { kind: "unknown", text: "bucketV2[4]" }],
  ["bucket", { kind: "unknown", text: "bucket" }],
  ["year[2]", { kind: "unknown", text: "year[2]" }],
  ["constructor", { kind: "unknown", text: "constructor" }],
  ["", { kind: "unknown", text: "" }],
];

for (const [text, transform] of TEXTS) {
  Deno.test(`parseTransform() and formatTransform() agree on "${text}"`, () => {
    assert.deepEqual(parseTransform(text), transform);
    assert.equal(formatTransform(transform), text);
  });
}

Deno.test("parseTransform() takes names in any case, as Java does", () => {
  assert.deepEqual(parseTransform("Bucket[8]"), { kind: "bucket", numBuckets: 8 });
  assert.deepEqual(parseTransform("YEAR"), { kind: "year" });
});

for (
  const text of ["bucket[0]", "truncate[0]", "bucket[2147483648]", `bucket[${"9".repeat(400)}]`]
) {
  Deno.test(`parseTransform() refuses ${text.slice(0, 30)}`, () => {
    assert.throws(
      () => parseTransform(text),
      (error) => error instanceof AppError && error.code === "invalid_transform",
    );
  });
}

Deno.test("parseTransform() keeps any text it does not know", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const transform = parseTransform(`x${text}`);
    assert.equal(formatTransform(transform), `x${text}`);
  }));
});

Deno.test("transformResultType() follows the spec's table", () => {
  const source: Type = { kind: "timestamp" };
  const result = (text: string) => transformResultType(parseTransform(text), source).kind;
  assert.deepEqual(
    ["identity", "bucket[4]", "truncate[4]", "year", "month", "day", "hour", "void", "zorder"]
      .map(result),
    ["timestamp", "int", "timestamp", "int", "int", "date", "int", "timestamp", "unknown"],
  );
});

Deno.test("canTransform() follows the spec's table", () => {
  const can = (text: string, type: Type) => canTransform(parseTransform(text), type);
  assert(can("bucket[4]", { kind: "uuid" }));
  assert(!can("bucket[4]", { kind: "double" }));
  assert(can("truncate[4]", { kind: "binary" }));
  assert(!can("truncate[4]", { kind: "fixed", length: 4 }));
  assert(can("day", { kind: "timestamptz_ns" }));
  assert(can("hour", { kind: "timestamp_ns" }));
  assert(!can("hour", { kind: "date" }));
  assert(can("identity", { kind: "boolean" }));
  assert(!can("identity", { kind: "geometry", crs: null }));
  assert(!can("identity", { kind: "struct", fields: [] }));
  assert(can("void", { kind: "struct", fields: [] }));
  assert(!can("zorder", { kind: "int" }));
});

Deno.test("partitionType() gives each field its result type, unknown for a dropped column", () => {
  const schema = new Schema({
    schemaId: 0,
    identifierFieldIds: [],
    fields: [{
      id: 1,
      name: "ts",
      required: true,
      type: { kind: "timestamp" },
      doc: null,
      initialDefault: undefined,
      writeDefault: undefined,
    }],
  });
  const field = (fieldId: number, sourceId: number, text: string) => ({
    sourceIds: [sourceId],
    fieldId,
    name: `f${fieldId}`,
    transform: parseTransform(text),
  });
  const spec: PartitionSpec = {
    specId: 0,
    fields: [
      field(1000, 1, "day"),
      field(1001, 1, "identity"),
      field(1002, 9, "identity"),
      field(1003, 9, "bucket[4]"),
      field(1004, 9, "void"),
      { ...field(1005, 1, "zorder"), sourceIds: [1, 2] },
    ],
  };
  const { fields } = partitionType(spec, schema);
  assert.deepEqual(fields.map(({ id, name }) => `${id} ${name}`).slice(0, 2), [
    "1000 f1000",
    "1001 f1001",
  ]);
  assert.deepEqual(
    fields.map(({ type }) => type.kind),
    ["date", "timestamp", "unknown", "int", "unknown", "unknown"],
  );
  assert(fields.every(({ required }) => !required));
});
