import assert from "node:assert/strict";
import { parseJson } from "../../../../lib/json.ts";
import { evolveProperties } from "../../../../lib/iceberg/evolve/column_properties.ts";
import type { SchemaChange } from "../../../../lib/iceberg/evolve/schema_change.ts";
import { updateSchema } from "../../../../lib/iceberg/evolve/update_schema.ts";
import {
  NAME_MAPPING_PROPERTY,
  parseNameMapping,
} from "../../../../lib/iceberg/spec/name_mapping.ts";
import { schemaOf } from "../ddl/_schema.ts";
import { add, tableAround } from "./_evolve.ts";

const TABLE = schemaOf({
  id: "int",
  region: "string",
  place: "struct<lat:double,lon:double>",
  tags: "array<struct<x:int>>",
});
const MAPPING = JSON.stringify([
  { "field-id": 1, names: ["id", "ID"] },
  { "field-id": 2, names: ["region"] },
  {
    "field-id": 3,
    names: ["place"],
    fields: [{ "field-id": 5, names: ["lat"] }, { "field-id": 6, names: ["lon"] }],
  },
  {
    "field-id": 4,
    names: ["tags"],
    fields: [{ "field-id": 7, names: ["element"], fields: [{ "field-id": 8, names: ["x"] }] }],
  },
  { names: ["only in files"] },
]);

function after(changes: readonly SchemaChange[], properties: Record<string, string>) {
  const { schema } = updateSchema(TABLE, changes, tableAround(TABLE));
  return evolveProperties(TABLE, schema, properties);
}

function mappingAfter(changes: readonly SchemaChange[]) {
  const { updates } = after(changes, { [NAME_MAPPING_PROPERTY]: MAPPING });
  const text = updates[NAME_MAPPING_PROPERTY];
  return text === undefined ? null : { json: parseJson(text), mapping: parseNameMapping(text) };
}

const METRICS = "write.metadata.metrics.column.";
const rename = (name: string, newName: string) => ({ kind: "rename", name, newName }) as const;

Deno.test("evolveProperties() moves the settings of a column along with its name", () => {
  const { updates, removals } = after([rename("region", "area"), rename("place", "spot")], {
    [`${METRICS}region`]: "full",
    [`${METRICS}place.lat`]: "none",
    [`${METRICS}id`]: "counts",
    "write.parquet.bloom-filter-enabled.column.region": "true",
    "write.parquet.bloom-filter-fpp.column.region": "0.1",
    comment: "region",
  });
  assert.deepEqual(updates, {
    [`${METRICS}area`]: "full",
    [`${METRICS}spot.lat`]: "none",
    "write.parquet.bloom-filter-enabled.column.area": "true",
    "write.parquet.bloom-filter-fpp.column.area": "0.1",
  });
  assert.deepEqual(removals.toSorted(), [
    `${METRICS}place.lat`,
    `${METRICS}region`,
    "write.parquet.bloom-filter-enabled.column.region",
    "write.parquet.bloom-filter-fpp.column.region",
  ]);
});

Deno.test("evolveProperties() lets the settings of a dropped column go, and leaves strangers", () => {
  const { updates, removals } = after([{ kind: "drop", name: "region" }], {
    [`${METRICS}region`]: "full",
    [`${METRICS}never there`]: "full",
  });
  assert.deepEqual(updates, {});
  assert.deepEqual(removals, [`${METRICS}region`]);
});

Deno.test("evolveProperties() swaps the settings of columns that swap names", () => {
  const swap = [rename("id", "tmp"), rename("region", "id"), rename("tmp", "region")];
  const { updates, removals } = after(swap, { [`${METRICS}id`]: "a", [`${METRICS}region`]: "b" });
  assert.deepEqual(updates, { [`${METRICS}region`]: "a", [`${METRICS}id`]: "b" });
  assert.deepEqual(removals, []);
});

Deno.test("evolveProperties() lets the name mapping know a renamed column by both names", () => {
  const found = mappingAfter([rename("region", "area"), rename("place.lat", "y")]);
  assert(found !== null);
  assert.equal(found.mapping.fieldId(["area"]), 2);
  assert.equal(found.mapping.fieldId(["region"]), 2);
  assert.equal(found.mapping.fieldId(["place", "y"]), 5);
  assert.equal(found.mapping.fieldId(["place", "lat"]), 5);
  assert.deepEqual(found.mapping.find(["only in files"])?.fieldId, null);
});

Deno.test("evolveProperties() maps new columns, with all that is in them", () => {
  const found = mappingAfter([
    add("events", "array<struct<a:int>>"),
    add("tags.y", "map<string,int>"),
  ]);
  assert(found !== null);
  assert.equal(found.mapping.fieldId(["events", "element", "a"]), 11);
  assert.equal(found.mapping.fieldId(["tags", "element", "y", "key"]), 13);
  assert.equal(found.mapping.fieldId(["tags", "element", "x"]), 8);
});

Deno.test("evolveProperties() gives a name to the newest column that has it", () => {
  const found = mappingAfter([{ kind: "drop", name: "region" }, add("region", "int")]);
  assert(found !== null);
  assert.equal(found.mapping.fieldId(["region"]), 9);
  const renamed = mappingAfter([rename("region", "area"), add("region", "int")]);
  assert.equal(renamed?.mapping.fieldId(["region"]), 9);
  assert.equal(renamed?.mapping.fieldId(["area"]), 2);
});

Deno.test("evolveProperties() leaves a mapping that has nothing to learn, or that nobody can read", () => {
  const typeOnly = [{ kind: "update", name: "id", doc: "x" }] as const;
  assert.equal(mappingAfter(typeOnly), null);
  assert.equal(mappingAfter([{ kind: "drop", name: "region" }]), null);
  const broken = after([rename("id", "key")], { [NAME_MAPPING_PROPERTY]: "{" });
  assert.deepEqual(broken, { updates: {}, removals: [], nameMappingUnreadable: true });
});
