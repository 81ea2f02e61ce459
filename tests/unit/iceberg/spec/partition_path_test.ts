import assert from "node:assert/strict";
import { partitionPath } from "../../../../lib/iceberg/spec/partition_path.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { Transform } from "../../../../lib/iceberg/spec/transform.ts";
import type { IcebergValue, PrimitiveType } from "../../../../lib/iceberg/spec/types.ts";

/** The path of one value of a column "c". */
function pathOf(type: PrimitiveType, transform: Transform, value: IcebergValue): string {
  const none = { doc: null, initialDefault: undefined, writeDefault: undefined };
  const schema = new Schema({
    schemaId: 0,
    identifierFieldIds: [],
    fields: [{ ...none, id: 1, name: "c", required: false, type }],
  });
  const spec: PartitionSpec = {
    specId: 0,
    fields: [{ sourceIds: [1], fieldId: 1000, name: "p", transform }],
  };
  return partitionPath([value], { spec, schema });
}

// As Java puts names and values through URLEncoder.
const CASES: readonly [PrimitiveType, Transform, IcebergValue, string][] = [
  [{ kind: "string" }, { kind: "identity" }, "eu", "p=eu"],
  [{ kind: "string" }, { kind: "identity" }, "a b/c=d%", "p=a+b%2Fc%3Dd%25"],
  [{ kind: "string" }, { kind: "identity" }, "~*-._é", "p=%7E*-._%C3%A9"],
  [{ kind: "string" }, { kind: "identity" }, "", "p="],
  [{ kind: "string" }, { kind: "identity" }, null, "p=null"],
  [{ kind: "timestamp" }, { kind: "day" }, 20_454, "p=2026-01-01"],
  [{ kind: "timestamp" }, { kind: "hour" }, 490_896, "p=2026-01-01-00"],
  [{ kind: "date" }, { kind: "month" }, 672, "p=2026-01"],
  [{ kind: "date" }, { kind: "year" }, 56, "p=2026"],
  [{ kind: "long" }, { kind: "bucket", numBuckets: 16 }, 3, "p=3"],
  [{ kind: "decimal", precision: 9, scale: 2 }, { kind: "identity" }, 1234n, "p=12.34"],
  [{ kind: "binary" }, { kind: "identity" }, new Uint8Array([255, 254]), "p=%2F%2F4%3D"],
];

for (const [type, transform, value, expected] of CASES) {
  Deno.test(`partitionPath() writes ${transform.kind} of ${type.kind} as "${expected}"`, () => {
    assert.equal(pathOf(type, transform, value), expected);
  });
}

Deno.test("partitionPath() joins fields, and is empty where there are none", () => {
  const schema = new Schema({ schemaId: 0, identifierFieldIds: [], fields: [] });
  const spec: PartitionSpec = {
    specId: 0,
    fields: ["x y", "z"].map((name, i) => ({
      sourceIds: [i],
      fieldId: 1000 + i,
      name,
      transform: { kind: "bucket", numBuckets: 4 },
    })),
  };
  assert.equal(partitionPath([1, 2], { spec, schema }), "x+y=1/z=2");
  assert.equal(partitionPath([], { spec: { specId: 1, fields: [] }, schema }), "");
});
