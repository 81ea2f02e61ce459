import assert from "node:assert/strict";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import { schemaOfSpec, type TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { writeMemoryTable } from "../../../support/memory_table.ts";

function schemaWith(schemaId: number, ids: readonly number[]): Schema {
  const fields = ids.map((id) => ({
    id,
    name: `c${id}`,
    required: false,
    type: { kind: "long" },
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  } as const));
  return new Schema({ schemaId, fields, identifierFieldIds: [] });
}

const SPEC: PartitionSpec = {
  specId: 0,
  fields: [{ sourceIds: [2], fieldId: 1000, name: "p", transform: { kind: "identity" } }],
};

async function metadataOf(schemas: readonly Schema[], currentSchemaId: number) {
  const { metadata } = await writeMemoryTable([]);
  return { ...metadata, schemas, currentSchemaId } satisfies TableMetadata;
}

Deno.test("schemaOfSpec() is the current schema while that has every source column", async () => {
  const metadata = await metadataOf([schemaWith(0, [1, 2]), schemaWith(1, [1, 2, 3])], 1);
  assert.equal(schemaOfSpec(metadata, SPEC).schemaId, 1);
});

Deno.test("schemaOfSpec() is the newest schema that still has a dropped source column", async () => {
  const schemas = [schemaWith(0, [1, 2]), schemaWith(1, [1, 2, 3]), schemaWith(2, [1, 3])];
  assert.equal(schemaOfSpec(await metadataOf(schemas, 2), SPEC).schemaId, 1);
});

Deno.test("schemaOfSpec() falls back to the current schema where no schema has the column", async () => {
  assert.equal(schemaOfSpec(await metadataOf([schemaWith(4, [9])], 4), SPEC).schemaId, 4);
});
