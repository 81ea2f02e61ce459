import assert from "node:assert/strict";
import { MAX_FIELD_ID } from "../../../../lib/iceberg/evolve/_draft.ts";
import { updateSchema } from "../../../../lib/iceberg/evolve/update_schema.ts";
import { parseSqlType } from "../../../../lib/iceberg/ddl/parse_sql_type.ts";
import { schemaOf } from "../ddl/_schema.ts";
import { add, evolve, refuses, tableAround } from "./_evolve.ts";

const TABLE = schemaOf({
  "id!": "bigint",
  ts: "timestamp",
  place: "struct<lat:double>",
  points: "array<struct<x:int>>",
  props: "map<struct<k:int>,struct<v:int>>",
});

Deno.test("add puts a column at the end, with the next id", () => {
  const columns = evolve(TABLE, [add("source", "STRING")]);
  assert.equal(columns.at(-1), "13 source string");
});

Deno.test("add never takes an id that was used before, whatever the schema holds now", () => {
  const columns = evolve(TABLE, [add("source", "string")], { lastColumnId: 90 });
  assert.equal(columns.at(-1), "91 source string");
  const low = evolve(TABLE, [add("source", "string")], { lastColumnId: 3 });
  assert.equal(low.at(-1), "13 source string");
});

Deno.test("add puts a column where it is asked to", () => {
  const first = (changes: Parameters<typeof add>[2]) =>
    evolve(schemaOf({ a: "int", b: "int", c: "int" }), [add("x", "int", changes)])
      .map((column) => column.split(" ")[1]);
  assert.deepEqual(first({ position: { kind: "first" } }), ["x", "a", "b", "c"]);
  assert.deepEqual(first({ position: { kind: "after", column: "a" } }), ["a", "x", "b", "c"]);
  assert.deepEqual(first({ position: { kind: "after", column: "C" } }), ["a", "b", "c", "x"]);
  assert.deepEqual(first({ position: { kind: "before", column: "c" } }), ["a", "b", "x", "c"]);
});

Deno.test("add reaches into structs, elements of lists and values of maps", () => {
  const columns = evolve(TABLE, [
    add("place.lon", "double"),
    add("points.y", "int"),
    add("points.element.z", "int"),
    add("props.w", "int", { position: { kind: "first" } }),
    add("place.alt", "double", { position: { kind: "after", column: "place.lat" } }),
  ]);
  assert.deepEqual(columns.filter((column) => /^1[3-9] /.test(column)), [
    "17 place.alt double",
    "13 place.lon double",
    "14 points.element.y int",
    "15 points.element.z int",
    "16 props.value.w int",
  ]);
  const names = columns.map((column) => column.split(" ")[1]);
  assert(names.indexOf("place.alt") === names.indexOf("place.lat") + 1);
  assert(names.indexOf("props.value.w") < names.indexOf("props.value.v"));
});

Deno.test("add numbers nested fields as the reference implementation does: outer ones first", () => {
  const type = "struct<a:array<int>,b:map<string,struct<c:int>>,d:int>";
  assert.deepEqual(evolve(schemaOf({ id: "int" }), [add("s", type)]).slice(1), [
    "2 s struct",
    "3 s.a list",
    "6 s.a.element int",
    "4 s.b map",
    "7 s.b.key! string",
    "8 s.b.value struct",
    "9 s.b.value.c int",
    "5 s.d int",
  ]);
});

Deno.test("add keeps everything else as it is, to the object", () => {
  const { schema } = updateSchema(TABLE, [add("place.lon", "double")], tableAround(TABLE));
  for (const [i, field] of TABLE.fields.entries()) {
    assert.equal(schema.fields[i] === field, field.name !== "place");
  }
});

Deno.test("add sets both defaults in v3, and lets a required column have one", () => {
  const { schema } = updateSchema(
    TABLE,
    [add("n", "bigint", { required: true, defaultValue: "9007199254740993", doc: "count" })],
    tableAround(TABLE, { version: 3 }),
  );
  assert.deepEqual(schema.findByName("n")?.field, {
    id: 13,
    name: "n",
    required: true,
    type: { kind: "long" },
    doc: "count",
    initialDefault: 9007199254740993n,
    writeDefault: 9007199254740993n,
  });
});

Deno.test("add refuses a required column without a default, in every version", () => {
  for (const version of [1, 2, 3] as const) {
    const expected = {
      code: "required_without_default",
      part: "nullable",
      message: /rows that exist have no value for it; make it nullable/,
      around: { version },
    };
    refuses(TABLE, [add("n", "int", { required: true })], expected);
    refuses(TABLE, [add("n", "int", { required: true, defaultValue: null })], expected);
  }
});

Deno.test("add refuses defaults before v3, and of types that have none", () => {
  const code = "default_needs_v3";
  const message = /takes format version 3, and the table has 2; leave the default out/;
  refuses(TABLE, [add("n", "int", { defaultValue: 1 })], { code, part: "default", message });
  for (const type of ["variant", "geometry", "struct<a:int>", "unknown"]) {
    const change = add("n", type, { defaultValue: "{}" });
    const expected = { code: "invalid_default", message: /default to null only/ };
    refuses(TABLE, [change], { ...expected, around: { version: 3 } });
  }
});

Deno.test("add refuses a name that is taken, whatever the case", () => {
  const expected = { kind: "already_exists", code: "column_exists", part: "name" } as const;
  refuses(TABLE, [add("ts", "int")], { ...expected, message: /there is one already$/ });
  refuses(TABLE, [add("TS", "int")], { ...expected, message: /there is "ts" already$/ });
  refuses(TABLE, [add("place.LAT", "int")], { ...expected, message: /there is "lat" already$/ });
  refuses(TABLE, [add("`place.lat`", "int")], {
    ...expected,
    message: /two columns would be called "place\.lat"$/,
  });
});

Deno.test("add refuses names that nobody could use", () => {
  const expected = { code: "invalid_column_name", part: "name" };
  refuses(TABLE, [add("a\nb", "int")], { ...expected, message: /control characters$/ });
  refuses(TABLE, [add("_pos", "int")], { ...expected, message: /engines show metadata/ });
  refuses(TABLE, [add("n".repeat(4_097), "int")], { ...expected, message: /longer than 4096/ });
  refuses(TABLE, [add("", "int")], {
    code: "invalid_column_name",
    message: /one of its levels is empty/,
  });
  assert.equal(evolve(TABLE, [add("place._pos", "int")]).length, 13);
});

Deno.test("add refuses parents that are not there or have no fields", () => {
  refuses(TABLE, [add("nope.x", "int")], {
    kind: "not_found",
    code: "column_not_found",
    part: "name",
    message: /there is no struct nope; quote the name in backticks if the dot is part of it$/,
  });
  refuses(TABLE, [add("ts.x", "int")], { code: "not_a_struct", message: /ts has no fields/ });
  assert.equal(evolve(TABLE, [add("`nope.x`", "int")]).at(-1), "13 nope.x int");
});

Deno.test("add refuses to change the keys of a map", () => {
  refuses(TABLE, [add("props.key.x", "int")], {
    code: "map_key_change",
    message: /the keys of a map cannot change$/,
  });
});

Deno.test("add refuses positions outside its struct", () => {
  const after = (column: string) => add("x", "int", { position: { kind: "after", column } });
  refuses(TABLE, [after("nope")], {
    kind: "not_found",
    code: "column_not_found",
    part: "after",
    message: /there is no such column in the table$/,
  });
  refuses(TABLE, [after("place.lat")], {
    code: "invalid_position",
    part: "after",
    message: /not in the table, and columns do not move from one struct to another$/,
  });
  refuses(TABLE, [after("x")], { code: "invalid_position", message: /cannot come after itself$/ });
});

Deno.test("add refuses types that the format version does not have, wherever they are", () => {
  for (const type of ["variant", "array<timestamp_ns>", "struct<a:map<int,unknown>>"]) {
    for (const version of [1, 2] as const) {
      refuses(TABLE, [add("x", type)], {
        code: "unsupported_type",
        part: "type",
        message: new RegExp(`takes format version 3 and this is ${version}$`),
        around: { version },
      });
    }
    assert.equal(
      evolve(TABLE, [add("x", type)], { version: 3 }).length > TABLE.fields.length,
      true,
    );
  }
});

Deno.test("add refuses unknown columns that are required inside a struct", () => {
  refuses(TABLE, [add("s", "struct<u:unknown not null>")], {
    code: "unsupported_type",
    message: /s\.u is unknown, which is null always, and cannot be required$/,
    around: { version: 3 },
  });
});

Deno.test("add refuses the name of a partition field, also of an earlier spec", () => {
  const expected = {
    kind: "conflict",
    code: "partition_name_taken",
    message: /a partition field has that name; choose another$/,
  } as const;
  const change = [add("ts_day", "int")];
  refuses(TABLE, change, { ...expected, around: { specs: [["day(ts)"]] } });
  refuses(TABLE, change, { ...expected, around: { specs: [["day(ts)"], []] } });
});

Deno.test("add refuses a schema that no reader would take back", () => {
  const deep = "struct<a:".repeat(59) + "int" + ">".repeat(59);
  const once = updateSchema(TABLE, [add("s", deep)], tableAround(TABLE)).schema;
  refuses(once, [
    add(`s.${"a.".repeat(58)}more`, "struct<b:struct<c:struct<d:struct<e:struct<f:int>>>>>"),
  ], {
    code: "schema_too_large",
    message: /nested deeper than 64/,
  });
});

Deno.test("add ends where field ids do", () => {
  const around = { lastColumnId: MAX_FIELD_ID - 1 };
  assert.equal(evolve(TABLE, [add("x", "int")], around).at(-1), `${MAX_FIELD_ID} x int`);
  refuses(TABLE, [add("x", "array<int>")], {
    code: "field_ids_exhausted",
    message: /all 2147483447 field ids are used up$/,
    around,
  });
});

Deno.test("changes build on one another", () => {
  const columns = evolve(TABLE, [
    add("s", "struct<a:int>"),
    { kind: "rename", name: "s", newName: "t" },
    add("t.b", "int", { position: { kind: "first" } }),
    { kind: "drop", name: "t.a" },
    { kind: "update", name: "t.b", type: parseSqlType("bigint") },
  ]);
  assert.deepEqual(columns.slice(-2), ["13 t struct", "15 t.b long"]);
});
