import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import {
  type ColumnDefinition,
  defineTable,
  type TableTexts,
} from "../../../../lib/iceberg/ddl/define_table.ts";
import { newTableMetadata } from "../../../../lib/iceberg/commit/new_table_metadata.ts";

const column = (name: string, type: string, more: Partial<ColumnDefinition> = {}) => ({
  name,
  type,
  nullable: true,
  comment: null,
  default: null,
  ...more,
});

const EVENTS: TableTexts = {
  schema: [
    column("id", "BIGINT", { nullable: false }),
    column("ts", "TIMESTAMP", { comment: "when" }),
    column("region", "STRING"),
    column("place", "STRUCT<lat: DOUBLE, lon: DOUBLE>"),
  ],
  partition_by: [],
  sort_order: [],
  identifier_columns: [],
  properties: {},
  format_version: 2,
};

/** The paths of everything that is wrong with a definition, with a piece of each message. */
function issuesOf(more: Partial<TableTexts>): Readonly<Record<string, string>> {
  try {
    defineTable({ ...EVENTS, ...more });
  } catch (error) {
    assert(error instanceof AppError);
    assert.deepEqual([error.kind, error.code], ["invalid", "table_definition_invalid"]);
    return Object.fromEntries(error.issues.map(({ path, message }) => [path, message]));
  }
  assert.fail("It was accepted");
}

function refuses(more: Partial<TableTexts>, expected: Readonly<Record<string, RegExp>>): void {
  const issues = issuesOf(more);
  assert.deepEqual(Object.keys(issues), Object.keys(expected));
  for (const [path, message] of Object.entries(expected)) assert.match(issues[path] ?? "", message);
}

Deno.test("defineTable() makes schema, spec and order with the ids that metadata will have", () => {
  const defined = defineTable({
    ...EVENTS,
    partition_by: ["day(ts)", "bucket(16, id)"],
    sort_order: ["ts desc nulls last", "place.lat"],
    identifier_columns: ["id"],
  });
  const ids = [...defined.schema.allFields()].map(({ field, name }) => `${field.id} ${name}`);
  assert.deepEqual(ids, ["1 id", "2 ts", "3 region", "4 place", "5 place.lat", "6 place.lon"]);
  assert.deepEqual(defined.spec.fields.map(({ name, sourceIds }) => [name, ...sourceIds]), [
    ["ts_day", 2],
    ["id_bucket", 1],
  ]);
  assert.deepEqual(defined.sortOrder.fields.map(({ sourceIds }) => sourceIds[0]), [2, 5]);
  const metadata = newTableMetadata(defined, {
    location: "/w/db/events",
    tableUuid: "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10",
    nowMs: 0,
  });
  assert.deepEqual([...metadata.schemas[0]?.allFields() ?? []], [...defined.schema.allFields()]);
  assert.deepEqual(metadata.partitionSpecs, [defined.spec]);
  assert.deepEqual(metadata.sortOrders, [defined.sortOrder]);
  assert.deepEqual(metadata.schemas[0]?.identifierFieldIds, [1]);
});

Deno.test("defineTable() leaves a table unpartitioned and unsorted unless it is told", () => {
  const { spec, sortOrder } = defineTable(EVENTS);
  assert.deepEqual([spec, sortOrder], [{ specId: 0, fields: [] }, { orderId: 0, fields: [] }]);
});

Deno.test("defineTable() compresses with zstd as Spark's tables do, unless it is told", () => {
  const key = "write.parquet.compression-codec";
  assert.deepEqual(defineTable(EVENTS).properties, { [key]: "zstd" });
  const { properties } = defineTable({ ...EVENTS, properties: { [key]: "snappy", owner: "ann" } });
  assert.deepEqual(properties, { [key]: "snappy", owner: "ann" });
});

Deno.test("defineTable() names every field that is wrong, at once", () => {
  refuses({
    schema: [
      column("", "int"),
      column("a", "strng"),
      column("b", "variant"),
      column("B", "int"),
      column("_pos", "int"),
      column("c", "int", { default: 1 }),
    ],
    properties: { "format-version": "3", uuid: "x", "commit.retry.num-retries": "many" },
  }, {
    "schema.0.name": /the name is empty$/,
    "schema.1.type": /"strng" is no type, use/,
    "schema.2.type": /b is variant, which takes format version 3 and this is 2$/,
    "schema.3.name": /there is another column "b"$/,
    "schema.4.name": /engines show metadata under that name/,
    "schema.5.default": /in format version 2: that takes 3$/,
    "properties.format-version": /set format_version instead$/,
    "properties.uuid": /reserved property: leave it out$/,
    "properties.commit.retry.num-retries": /whole number, at least 0/,
  });
});

Deno.test("defineTable() names the partition fields and sort keys that are wrong", () => {
  refuses({
    partition_by: ["day(ts)", "day(region)", "nope"],
    sort_order: ["zorder(id, ts)", "ts up", "id"],
    identifier_columns: ["region"],
  }, {
    "partition_by.1": /day is not defined for region/,
    "partition_by.2": /there is no column nope/,
    "sort_order.0": /keeps no z-order/,
    "sort_order.1": /"up" follows/,
    "identifier_columns": /it is nullable$/,
  });
});

Deno.test("defineTable() refuses lists whose fields do not go together", () => {
  refuses({ partition_by: ["day(ts)", "hour(ts)"] }, {
    partition_by: /ts is split by day already/,
  });
  refuses({ sort_order: ["id", "id desc"] }, { sort_order: /it has id twice/ });
});

Deno.test("defineTable() gives v3 columns a default for later rows, as there are no earlier ones", () => {
  const { schema } = defineTable({
    ...EVENTS,
    format_version: 3,
    schema: [
      column("n", "decimal(9,2)", { nullable: false, default: "1.50" }),
      column("t", "timestamp_ns"),
      column("v", "variant"),
      column("u", "unknown"),
    ],
  });
  const [first] = schema.fields;
  assert.deepEqual([first?.writeDefault, first?.initialDefault], [150n, undefined]);
  refuses({ format_version: 3, schema: [column("u", "void", { nullable: false })] }, {
    "schema.0.type": /u is unknown, which is null always, and cannot be required$/,
  });
  refuses({ format_version: 3, schema: [column("v", "variant", { default: "x" })] }, {
    "schema.0.default": /columns of type variant default to null only$/,
  });
});

Deno.test("defineTable() lets only columns identify rows that can", () => {
  const schema = [
    column("id", "int", { nullable: false }),
    column("f", "double", { nullable: false }),
    column("s", "struct<a:int not null>", { nullable: false }),
    column("o", "struct<a:int not null>"),
    column("l", "array<int not null>", { nullable: false }),
    column("n", "int"),
  ];
  const ids = (...names: string[]) =>
    defineTable({ ...EVENTS, schema, identifier_columns: names }).schema.identifierFieldIds;
  assert.deepEqual(ids("id", "s.a", "ID"), [1, 7]);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["nope", /there is no such column$/],
    ["n", /it is nullable$/],
    ["f", /floating-point numbers identify nothing$/],
    ["s", /it has fields of its own$/],
    ["o.a", /o, which holds it, is nullable$/],
    ["l.element", /it lies in an array or a map$/],
  ];
  for (const [name, message] of wrong) {
    refuses({ schema, identifier_columns: [name] }, { identifier_columns: message });
  }
});

Deno.test("defineTable() refuses settings of columns that are not there", () => {
  const key = "write.metadata.metrics.column.nope";
  refuses({ properties: { [key]: "full" } }, { [`properties.${key}`]: /there is no such column/ });
  const known = { "write.metadata.metrics.column.place.lat": "none" };
  assert.equal(
    defineTable({ ...EVENTS, properties: known }).properties[Object.keys(known)[0] ?? ""],
    "none",
  );
});
