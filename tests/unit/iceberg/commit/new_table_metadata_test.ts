import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import {
  type NewTable,
  newTableMetadata,
  newTableUpdates,
} from "../../../../lib/iceberg/commit/new_table_metadata.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { Type } from "../../../../lib/iceberg/spec/types.ts";
import { column, NOW_MS } from "../../../support/commit_fixture.ts";

const options = {
  location: "/warehouse/db/t",
  tableUuid: "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10",
  nowMs: NOW_MS,
};
const point: Type = { kind: "struct", fields: [column(71, "x"), column(72, "y")] };

/** Ids as a parser might give them: any, as long as each is there once. */
const schema = new Schema({
  schemaId: 7,
  identifierFieldIds: [30],
  fields: [
    {
      ...column(50, "points", {
        kind: "map",
        keyId: 60,
        key: { kind: "string" },
        valueId: 61,
        valueRequired: false,
        value: point,
      }),
    },
    { ...column(30, "id"), required: true },
    column(40, "tags", {
      kind: "list",
      elementId: 80,
      elementRequired: true,
      element: { kind: "string" },
    }),
    column(9, "ts", { kind: "timestamp" }),
  ],
});

const table: NewTable = {
  schema,
  spec: {
    specId: 5,
    fields: [
      { sourceIds: [9], fieldId: 1017, name: "ts_day", transform: { kind: "day" } },
      { sourceIds: [30], fieldId: 1, name: "id", transform: { kind: "identity" } },
    ],
  },
  sortOrder: {
    orderId: 9,
    fields: [{
      sourceIds: [9],
      transform: { kind: "identity" },
      direction: "desc",
      nullOrder: "nulls-last",
    }],
  },
  properties: { a: "1" },
  formatVersion: 2,
};

function without(part: Partial<NewTable>): NewTable {
  return { ...table, ...part };
}

Deno.test("newTableMetadata() numbers a struct's fields before what is inside them", () => {
  const { schemas: [fresh], lastColumnId } = newTableMetadata(table, options);
  const ids = [...fresh?.allFields() ?? []].map(({ name, field }) => [name, field.id]);
  assert.deepEqual(ids, [
    ["points", 1],
    ["points.key", 5],
    ["points.value", 6],
    ["points.value.x", 7],
    ["points.value.y", 8],
    ["id", 2],
    ["tags", 3],
    ["tags.element", 9],
    ["ts", 4],
  ]);
  assert.equal(lastColumnId, 9);
  assert.deepEqual(fresh?.identifierFieldIds, [2]);
});

Deno.test("newTableMetadata() makes spec and order follow the columns", () => {
  const metadata = newTableMetadata(table, options);
  assert.deepEqual(metadata.partitionSpecs[0]?.fields.map((one) => [one.fieldId, one.sourceIds]), [
    [1000, [4]],
    [1001, [2]],
  ]);
  assert.deepEqual([metadata.defaultSpecId, metadata.lastPartitionId], [0, 1001]);
  assert.deepEqual(metadata.sortOrders.map((one) => [one.orderId, one.fields[0]?.sourceIds]), [
    [1, [4]],
  ]);
  assert.equal(metadata.defaultSortOrderId, 1);
});

Deno.test("newTableMetadata() leaves a table without spec and order with those that do nothing", () => {
  const none = without({ spec: { specId: 0, fields: [] }, sortOrder: { orderId: 0, fields: [] } });
  const metadata = newTableMetadata(none, options);
  assert.deepEqual(metadata.partitionSpecs, [{ specId: 0, fields: [] }]);
  assert.deepEqual(metadata.sortOrders, [{ orderId: 0, fields: [] }]);
  assert.equal(metadata.lastPartitionId, 999);
});

Deno.test("newTableMetadata() counts rows from 0 in v3, and not at all before", () => {
  for (const [formatVersion, nextRowId] of [[1, null], [2, null], [3, 0n]] as const) {
    const metadata = newTableMetadata(without({ formatVersion }), options);
    assert.deepEqual([metadata.formatVersion, metadata.nextRowId], [formatVersion, nextRowId]);
  }
});

const columnX = [{ ...column(1, "x", { kind: "variant" }) }];
const refused: Readonly<Record<string, readonly [Partial<NewTable>, RegExp]>> = {
  "a reserved property": [{ properties: { "current-snapshot-id": "1" } }, /is reserved/],
  "a partition of a column that is not there": [
    {
      spec: {
        specId: 0,
        fields: [{ sourceIds: [99], fieldId: 1, name: "p", transform: { kind: "identity" } }],
      },
    },
    /no column of its schema has the id 99/,
  ],
  "a transform that does not take the type": [
    {
      spec: {
        specId: 0,
        fields: [{ sourceIds: [30], fieldId: 1, name: "p", transform: { kind: "day" } }],
      },
    },
    /does not take type long/,
  ],
  "a partition inside a list": [
    {
      spec: {
        specId: 0,
        fields: [{ sourceIds: [80], fieldId: 1, name: "p", transform: { kind: "identity" } }],
      },
    },
    /inside a list or map/,
  ],
  "a partition field that takes a column's name": [
    {
      spec: {
        specId: 0,
        fields: [{ sourceIds: [9], fieldId: 1, name: "id", transform: { kind: "day" } }],
      },
    },
    /has the name of a column/,
  ],
  "two columns of one id": [
    {
      schema: new Schema({
        schemaId: 0,
        identifierFieldIds: [],
        fields: [column(30, "a"), column(9, "b"), column(9, "c")],
      }),
    },
    /same id/,
  ],
  "two columns of one name": [
    {
      schema: new Schema({
        schemaId: 0,
        identifierFieldIds: [],
        fields: [column(30, "a"), column(9, "a", { kind: "timestamp" })],
      }),
    },
    /name/,
  ],
  "a type of a later version": [
    {
      schema: new Schema({ schemaId: 0, identifierFieldIds: [], fields: columnX }),
      spec: { specId: 0, fields: [] },
      sortOrder: { orderId: 0, fields: [] },
    },
    /have no type variant/,
  ],
};

for (const [what, [part, message]] of Object.entries(refused)) {
  Deno.test(`newTableMetadata() refuses ${what}`, () => {
    assert.throws(() => newTableMetadata(without(part), options), (error) => {
      assert.ok(error instanceof AppError);
      assert.deepEqual([error.kind, error.code], ["invalid", "table_definition_invalid"]);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("newTableUpdates() says all that the metadata says", () => {
  const metadata = newTableMetadata(without({ formatVersion: 3 }), options);
  assert.deepEqual(newTableUpdates(metadata), [
    { action: "assign-uuid", uuid: options.tableUuid },
    { action: "upgrade-format-version", formatVersion: 3 },
    { action: "add-schema", schema: metadata.schemas[0] },
    { action: "set-current-schema", schemaId: -1 },
    { action: "add-spec", spec: metadata.partitionSpecs[0] },
    { action: "set-default-spec", specId: -1 },
    { action: "add-sort-order", sortOrder: metadata.sortOrders[0] },
    { action: "set-default-sort-order", sortOrderId: -1 },
    { action: "set-location", location: options.location },
    { action: "set-properties", updates: metadata.properties },
  ]);
});
