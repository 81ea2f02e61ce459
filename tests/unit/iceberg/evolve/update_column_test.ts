import assert from "node:assert/strict";
import { parseSqlType } from "../../../../lib/iceberg/ddl/parse_sql_type.ts";
import type { UpdateColumn } from "../../../../lib/iceberg/evolve/schema_change.ts";
import { updateSchema } from "../../../../lib/iceberg/evolve/update_schema.ts";
import type { FormatVersion } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { schemaOf } from "../ddl/_schema.ts";
import { add, type Around, columnsOf, refuses, tableAround } from "./_evolve.ts";

const TABLE = schemaOf({
  "id!": "int",
  ts: "timestamp",
  day: "date",
  ratio: "float",
  amount: "decimal(9,2)",
  nothing: "unknown",
  place: "struct<lat:float not null,zip:string>",
  tags: "array<int not null>",
  props: "map<int,float not null>",
  "keys!": "struct<tenant:int not null>",
}, ["id", "keys.tenant"]);

type Part = Omit<UpdateColumn, "kind" | "name">;
const update = (name: string, part: Part) => [{ kind: "update", name, ...part }] as const;
const to = (name: string, type: string) => update(name, { type: parseSqlType(type) });
const typeAfter = (name: string, type: string, around: Around = { version: 3 }) =>
  updateSchema(TABLE, to(name, type), tableAround(TABLE, around)).schema.findByName(name)?.field
    .type;

Deno.test("update promotes exactly what each version of the specification allows", () => {
  const types = [
    ...["boolean", "int", "bigint", "float", "double", "date", "time", "timestamp"],
    ...["timestamp_ntz", "timestamp_ns", "timestamptz_ns", "string", "binary", "uuid"],
    ...["decimal(9,2)", "decimal(10,2)", "decimal(9,3)", "decimal(8,2)", "decimal(12,4)"],
    ...["fixed(4)", "unknown", "variant", "geometry", "struct<a:int>", "array<int>"],
  ];
  const allowed: Readonly<Record<string, readonly string[]>> = {
    int: ["bigint"],
    float: ["double"],
    "decimal(9,2)": ["decimal(10,2)"],
    "decimal(8,2)": ["decimal(9,2)", "decimal(10,2)"],
    "decimal(9,3)": [],
  };
  const since3: Readonly<Record<string, readonly string[]>> = {
    date: ["timestamp_ntz", "timestamp_ns"],
    unknown: types.filter((type) => type !== "unknown"),
  };
  for (const version of [2, 3] as const satisfies readonly FormatVersion[]) {
    for (const from of types) {
      const schema = schemaOf({ c: from, other: "int" });
      const reached = types.filter((type) => {
        if (type === from) return false;
        try {
          return updateSchema(schema, to("c", type), tableAround(schema, { version })).changed;
        } catch {
          return false;
        }
      });
      const expected = [...allowed[from] ?? [], ...(version === 3 ? since3[from] ?? [] : [])];
      assert.deepEqual(reached, expected, `${from} in v${version}`);
    }
  }
});

Deno.test("update gives what an unknown column becomes fresh ids", () => {
  const { schema } = updateSchema(
    TABLE,
    to("nothing", "struct<a:int,b:array<int>>"),
    tableAround(TABLE, { version: 3 }),
  );
  const last = TABLE.highestFieldId();
  assert.deepEqual(columnsOf(schema).filter((column) => column.includes("nothing")), [
    "6 nothing struct",
    `${last + 1} nothing.a int`,
    `${last + 2} nothing.b list`,
    `${last + 3} nothing.b.element int`,
  ]);
});

Deno.test("update promotes elements and values, and keeps what is around them", () => {
  assert.deepEqual(typeAfter("tags.element", "bigint"), { kind: "long" });
  assert.deepEqual(typeAfter("props.value", "double"), { kind: "double" });
  assert.deepEqual(typeAfter("place.lat", "double"), { kind: "double" });
  refuses(TABLE, to("props.key", "bigint"), { code: "map_key_change", message: /keys of a map/ });
});

Deno.test("update refuses a promotion, and says what is possible", () => {
  const expected = { code: "type_change_refused", part: "type" };
  refuses(TABLE, to("id", "string"), {
    ...expected,
    message: /int does not become string; it can become bigint$/,
  });
  refuses(TABLE, to("amount", "decimal(9,3)"), {
    ...expected,
    message: /more digits and scale 2$/,
  });
  refuses(TABLE, to("day", "timestamp_ntz"), {
    ...expected,
    message: /in format version 3 it could/,
  });
  refuses(TABLE, to("day", "timestamp"), {
    ...expected,
    message: /timestamp_ntz or timestamp_ns$/,
    around: { version: 3 },
  });
  refuses(TABLE, to("ts", "string"), {
    ...expected,
    message: /add a column of the new type instead$/,
  });
  refuses(TABLE, to("place", "struct<lat:double not null,zip:string>"), {
    ...expected,
    message: /add a column/,
  });
});

Deno.test("update refuses to promote a date that files are bucketed or split by, in any spec", () => {
  const expected = { code: "type_change_refused", part: "type", message: /another value for/ };
  for (const field of ["bucket(4, day)", "day"]) {
    refuses(TABLE, to("day", "timestamp_ntz"), {
      ...expected,
      around: { version: 3, specs: [[field]] },
    });
    refuses(TABLE, to("day", "timestamp_ntz"), {
      ...expected,
      around: { version: 3, specs: [[field], []] },
    });
  }
  for (const field of ["year(day)", "month(day)", "day(day)"]) {
    assert.deepEqual(typeAfter("day", "timestamp_ntz", { version: 3, specs: [[field]] }), {
      kind: "timestamp",
    });
  }
});

Deno.test("update promotes what hashes and splits alike", () => {
  for (const field of ["id", "bucket(4, id)", "truncate(10, id)"]) {
    assert.deepEqual(typeAfter("id", "bigint", { specs: [[field]] }), { kind: "long" });
  }
  for (const field of ["bucket(4, amount)", "amount"]) {
    assert.equal(typeAfter("amount", "decimal(20,2)", { specs: [[field]] })?.kind, "decimal");
  }
});

Deno.test("update carries defaults over to the new type", () => {
  const defaults = updateSchema(TABLE, [
    add("d", "date", { defaultValue: "1970-01-02" }),
    add("n", "int", { defaultValue: 7 }),
    add("f", "float", { defaultValue: 1.5 }),
    add("m", "decimal(4,2)", { defaultValue: "1.25" }),
    ...to("d", "timestamp_ns"),
    ...to("n", "bigint"),
    ...to("f", "double"),
    ...to("m", "decimal(10,2)"),
  ], tableAround(TABLE, { version: 3 })).schema.fields.slice(-4);
  assert.deepEqual(defaults.map(({ initialDefault }) => initialDefault), [
    86_400_000_000_000n,
    7n,
    1.5,
    125n,
  ]);
  assert.deepEqual(
    defaults.map(({ writeDefault }) => writeDefault),
    defaults.map(({ initialDefault }) => initialDefault),
  );
});

Deno.test("update refuses a promotion that a default does not survive", () => {
  const change = [add("d", "date", { defaultValue: "9999-12-31" }), ...to("d", "timestamp_ns")];
  refuses(TABLE, change, {
    code: "type_change_refused",
    message: /its default is out of the range of timestamp_ns$/,
    around: { version: 3 },
  });
});

Deno.test("update makes columns, elements and values nullable, never required", () => {
  const names = ["place.lat", "tags.element", "props.value"];
  for (const name of names) {
    const after = updateSchema(TABLE, update(name, { required: false }), tableAround(TABLE));
    assert.equal(after.schema.findByName(name)?.field.required, false, name);
    assert.equal(TABLE.findByName(name)?.field.required, true, name);
  }
  refuses(TABLE, update("ts", { required: true }), {
    code: "optional_to_required",
    part: "nullable",
    message: /rows that exist may have no value/,
  });
});

Deno.test("update keeps columns required that identify rows, and the structs around them", () => {
  const expected = { kind: "conflict", code: "column_in_use", part: "nullable" } as const;
  for (const name of ["id", "keys.tenant", "keys"]) {
    refuses(TABLE, update(name, { required: false }), { ...expected, message: /identifies rows$/ });
  }
});

Deno.test("update sets and takes away comments", () => {
  const table = tableAround(TABLE);
  const { schema } = updateSchema(TABLE, update("place.zip", { doc: "postal code" }), table);
  assert.equal(schema.findByName("place.zip")?.field.doc, "postal code");
  const without = updateSchema(schema, update("place.zip", { doc: null }), table);
  assert.equal(without.schema.findByName("place.zip")?.field.doc, null);
});

Deno.test("update changes the default of later rows, and not that of earlier ones", () => {
  const table = tableAround(TABLE, { version: 3 });
  const added = updateSchema(TABLE, [add("n", "int", { defaultValue: 1 })], table).schema;
  const changed = updateSchema(added, update("n", { writeDefault: 2 }), table).schema;
  const field = changed.findByName("n")?.field;
  assert.deepEqual([field?.initialDefault, field?.writeDefault], [1, 2]);
  const cleared = updateSchema(changed, update("n", { writeDefault: null }), table).schema;
  assert.deepEqual(cleared.findByName("n")?.field.writeDefault, undefined);
  assert.deepEqual(cleared.findByName("n")?.field.initialDefault, 1);
});

Deno.test("update refuses defaults before v3, and none for a required column", () => {
  refuses(TABLE, update("ts", { writeDefault: "2024-01-01T00:00:00Z" }), {
    code: "default_needs_v3",
    part: "default",
    message: /takes format version 3, the table has 2$/,
  });
  const change = [
    add("n", "int", { required: true, defaultValue: 1 }),
    ...update("n", { writeDefault: null }),
  ];
  refuses(TABLE, change, {
    code: "required_without_default",
    message: /a required column keeps one$/,
    around: { version: 3 },
  });
});

Deno.test("update applies a default to the type it changes to", () => {
  const change = update("id", { type: parseSqlType("bigint"), writeDefault: "5000000000" });
  const { schema } = updateSchema(TABLE, change, tableAround(TABLE, { version: 3 }));
  assert.equal(schema.findByName("id")?.field.writeDefault, 5_000_000_000n);
});

Deno.test("update moves a column within its struct", () => {
  const order = (name: string, position: UpdateColumn["position"]) =>
    updateSchema(TABLE, update(name, { position }), tableAround(TABLE)).schema.fields
      .map((field) => field.name).slice(0, 4);
  assert.deepEqual(order("day", { kind: "first" }), ["day", "id", "ts", "ratio"]);
  assert.deepEqual(order("id", { kind: "after", column: "day" }), ["ts", "day", "id", "ratio"]);
  assert.deepEqual(order("ratio", { kind: "before", column: "ts" }), ["id", "ratio", "ts", "day"]);
  const nested = update("place.zip", { position: { kind: "first" } });
  const { schema } = updateSchema(TABLE, nested, tableAround(TABLE));
  const place = schema.findByName("place")?.field.type;
  assert.deepEqual(place?.kind === "struct" && place.fields.map(({ name }) => name), [
    "zip",
    "lat",
  ]);
});

Deno.test("update refuses moves to another struct, and beside itself", () => {
  const after = (name: string, column: string) =>
    update(name, { position: { kind: "after", column } });
  const expected = { code: "invalid_position", part: "after" };
  refuses(TABLE, after("id", "place.lat"), { ...expected, message: /not in the table/ });
  refuses(TABLE, after("place.lat", "id"), { ...expected, message: /not in struct place/ });
  refuses(TABLE, after("id", "id"), { ...expected, message: /cannot come after itself$/ });
});

Deno.test("update gives elements and values no comment, default or place", () => {
  const expected = { code: "not_a_column", message: /a type and a nullability only$/ };
  refuses(TABLE, update("tags.element", { doc: "x" }), { ...expected, part: "comment" });
  refuses(TABLE, update("tags.element", { writeDefault: 1 }), { ...expected, part: "default" });
  refuses(TABLE, update("props.value", { position: { kind: "first" } }), {
    ...expected,
    part: "first",
  });
});

Deno.test("update changes nothing where everything is as asked", () => {
  const same = [
    ...to("amount", "DECIMAL(9, 2)"),
    ...to("place", "struct<lat:float not null,zip:string>"),
    ...update("id", { required: true, doc: null, position: { kind: "first" } }),
    ...update("ts", { required: false, position: { kind: "after", column: "id" } }),
    ...update("tags.element", { required: true, type: parseSqlType("int") }),
  ];
  const { schema, changed } = updateSchema(TABLE, same, tableAround(TABLE));
  assert.equal(changed, false);
  assert.equal(schema, TABLE);
});
