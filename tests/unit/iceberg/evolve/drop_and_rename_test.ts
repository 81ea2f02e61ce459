import assert from "node:assert/strict";
import { updateSchema } from "../../../../lib/iceberg/evolve/update_schema.ts";
import { schemaOf } from "../ddl/_schema.ts";
import { add, columnsOf, evolve, refuses, tableAround } from "./_evolve.ts";

const TABLE = schemaOf({
  "id!": "bigint",
  ts: "timestamp",
  region: "string",
  place: "struct<lat:double,lon:double>",
  only: "struct<a:int>",
  points: "array<struct<x:int,y:int>>",
  props: "map<struct<k:int,l:int>,struct<v:int,w:int>>",
  "keys!": "struct<tenant:int not null,shard:int>",
}, ["id", "keys.tenant"]);

const drop = (name: string) => [{ kind: "drop", name }] as const;
const rename = (name: string, newName: string) => [{ kind: "rename", name, newName }] as const;

Deno.test("drop takes a column out with all that is in it, and keeps its ids used", () => {
  const { schema, lastColumnId } = updateSchema(TABLE, drop("place"), tableAround(TABLE));
  assert(!columnsOf(schema).some((column) => column.includes("place")));
  assert.equal(lastColumnId, TABLE.highestFieldId());
  const again = evolve(TABLE, [...drop("place"), add("place", "int")]);
  assert.equal(again.at(-1), `${TABLE.highestFieldId() + 1} place int`);
});

Deno.test("drop reaches into structs, elements and values", () => {
  const columns = evolve(TABLE, [
    ...drop("place.lat"),
    ...drop("points.x"),
    ...drop("props.value.v"),
    ...drop("REGION"),
  ]);
  for (const gone of ["place.lat", "points.element.x", "props.value.v", "region"]) {
    assert(!columns.some((column) => column.includes(` ${gone} `)), gone);
  }
});

Deno.test("drop refuses a column that is not there", () => {
  refuses(TABLE, drop("nope"), {
    kind: "not_found",
    code: "column_not_found",
    part: "name",
    message: /Cannot drop column "nope": there is no such column$/,
  });
});

Deno.test("drop refuses what new files are partitioned or sorted by, and what holds it", () => {
  const expected = { kind: "conflict", code: "column_in_use", part: "name" } as const;
  refuses(TABLE, drop("ts"), {
    ...expected,
    message: /the table is partitioned by ts_day, which comes from it$/,
    around: { specs: [["day(ts)"]] },
  });
  refuses(TABLE, drop("place"), {
    ...expected,
    message: /partitioned by place\.lat, which/,
    around: { specs: [["place.lat"]] },
  });
  refuses(TABLE, drop("region"), {
    ...expected,
    message: /the table is sorted by region$/,
    around: { sortOrder: ["ts desc", "truncate(2, region)"] },
  });
  refuses(TABLE, drop("place"), {
    ...expected,
    message: /sorted by/,
    around: { sortOrder: ["place.lon"] },
  });
});

Deno.test("drop lets the source of an earlier spec go, and of a field that v1 voided", () => {
  assert.equal(
    evolve(TABLE, drop("ts"), { specs: [["day(ts)"], ["region"]] }).length,
    columnsOf(TABLE).length - 1,
  );
  const table = tableAround(TABLE, { version: 1, specs: [["day(ts)"]] });
  const [spec] = table.partitionSpecs;
  const voided = {
    specId: 0,
    fields: spec?.fields.map((field) => ({ ...field, transform: { kind: "void" } as const })) ?? [],
  };
  const { changed } = updateSchema(TABLE, drop("ts"), { ...table, partitionSpecs: [voided] });
  assert(changed);
});

Deno.test("drop refuses columns that identify rows, and what holds them", () => {
  const expected = { kind: "conflict", code: "column_in_use" } as const;
  refuses(TABLE, drop("id"), { ...expected, message: /id identifies rows$/ });
  refuses(TABLE, drop("keys.tenant"), { ...expected, message: /keys\.tenant identifies rows$/ });
  refuses(TABLE, drop("keys"), { ...expected, message: /keys\.tenant identifies rows$/ });
  assert.equal(evolve(TABLE, drop("keys.shard")).length, columnsOf(TABLE).length - 1);
});

Deno.test("drop leaves no struct without fields, and no table without columns", () => {
  const expected = { code: "last_column", part: "name" };
  refuses(TABLE, drop("only.a"), { ...expected, message: /the only one of struct only$/ });
  refuses(schemaOf({ a: "int" }), drop("a"), { ...expected, message: /only one of the table$/ });
});

Deno.test("drop and rename leave elements, keys and values to their collections", () => {
  refuses(TABLE, drop("points.element"), { code: "fixed_name", message: /keeps its elements/ });
  refuses(TABLE, drop("props.value"), { code: "fixed_name", message: /keeps its elements/ });
  refuses(TABLE, drop("props.key"), { code: "map_key_change", message: /keys of a map/ });
  refuses(TABLE, drop("props.key.k"), { code: "map_key_change", message: /keys of a map/ });
  const names = { code: "fixed_name", part: "old_name", message: /have fixed names$/ };
  refuses(TABLE, rename("points.element", "item"), names);
  refuses(TABLE, rename("props.key.k", "kk"), { code: "map_key_change", message: /keys of a map/ });
});

Deno.test("rename changes the name and nothing else", () => {
  const { schema } = updateSchema(TABLE, rename("region", "area"), tableAround(TABLE));
  const before = TABLE.findByName("region");
  assert.deepEqual(schema.findByName("area")?.field, { ...before?.field, name: "area" });
  assert.equal(schema.findByName("region"), undefined);
  assert.deepEqual(schema.identifierFieldIds, TABLE.identifierFieldIds);
});

Deno.test("rename keeps identifiers, partition sources and sort columns, which go by id", () => {
  const around = { specs: [["day(ts)"]], sortOrder: ["region"] };
  const changes = [...rename("id", "key"), ...rename("ts", "at"), ...rename("region", "area")];
  const { schema } = updateSchema(TABLE, changes, tableAround(TABLE, around));
  assert.deepEqual(schema.identifierFieldIds, TABLE.identifierFieldIds);
  assert.deepEqual(schema.fields.slice(0, 3).map(({ name }) => name), ["key", "at", "area"]);
});

Deno.test("rename takes a nested column by its own name or in full", () => {
  assert(evolve(TABLE, rename("place.lat", "y")).includes("9 place.y double"));
  assert(evolve(TABLE, rename("place.lat", "place.y")).includes("9 place.y double"));
  assert(
    evolve(TABLE, rename("points.x", "points.element.z")).some((c) => c.includes("element.z")),
  );
  assert(evolve(TABLE, rename("points.x", "points.z")).some((c) => c.includes("element.z")));
});

Deno.test("rename puts a dot into a name only where it is quoted", () => {
  assert(evolve(TABLE, rename("region", "`re.gion`")).includes("3 re.gion string"));
  const expected = { code: "invalid_column_name", part: "new_name" };
  const message = /columns do not move from one struct to another; quote the name in backticks/;
  refuses(TABLE, rename("region", "re.gion"), { ...expected, message });
  refuses(TABLE, rename("region", "place.region"), { ...expected, message });
  refuses(TABLE, rename("place.lat", "only.lat"), { ...expected, message });
});

Deno.test("rename may change the case of a name, and no more than that of its own", () => {
  assert(evolve(TABLE, rename("region", "Region")).includes("3 Region string"));
  const expected = { kind: "already_exists", code: "column_exists", part: "new_name" } as const;
  refuses(TABLE, rename("region", "TS"), { ...expected, message: /there is "ts" already$/ });
  refuses(TABLE, rename("region", "ts"), { ...expected, message: /there is one already$/ });
});

Deno.test("rename to the same name changes nothing", () => {
  const table = tableAround(TABLE);
  const { schema, changed } = updateSchema(TABLE, rename("region", "region"), table);
  assert.equal(changed, false);
  assert.equal(schema, TABLE);
});

Deno.test("rename refuses the name of another column's partition field", () => {
  refuses(TABLE, rename("region", "ts_day"), {
    kind: "conflict",
    code: "partition_name_taken",
    message: /a partition field has that name/,
    around: { specs: [["day(ts)"]] },
  });
});

Deno.test("names can be swapped through a third", () => {
  const changes = [...rename("ts", "t"), ...rename("region", "ts"), ...rename("t", "region")];
  const columns = evolve(TABLE, changes);
  assert.deepEqual(columns.slice(1, 3), ["2 region timestamptz", "3 ts string"]);
});
