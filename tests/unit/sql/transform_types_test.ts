import assert from "node:assert/strict";
import { DataFileWriter, readTask } from "../../../lib/columnar/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import { formatSqlType } from "../../../lib/iceberg/ddl/format_sql_type.ts";
import { alwaysTrue } from "../../../lib/iceberg/expression/expression.ts";
import type { IcebergValue, NestedField, Type } from "../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../lib/storage/mod.ts";
import { readyParquet } from "../../support/parquet_module.ts";
import { rowsOfBatch } from "../../support/rows.ts";
import { collect, feed, never, open, schemaOf } from "./_transforms.ts";

await readyParquet();

const MICROS = 1_767_225_600_123_456n;
const NANOS = MICROS * 1000n + 789n;
const BYTES = Uint8Array.of(0, 1, 127, 128, 255);
const UUID = "00112233-4455-6677-8899-aabbccddeeff";

function member(id: number, name: string, type: Type): NestedField {
  const absent = { doc: null, initialDefault: undefined, writeDefault: undefined };
  return { id, name, required: false, type, ...absent };
}

/** Name, type, a value, an expression over it that gives it back, and the type that comes out. */
const CASES: readonly (readonly [string, Type, IcebergValue, string, Type?])[] = [
  ["boolean", { kind: "boolean" }, true, "NOT (NOT v)"],
  ["int", { kind: "int" }, -2_147_483_648, "v::BIGINT::INTEGER"],
  ["long", { kind: "long" }, -9_223_372_036_854_775_808n, "coalesce(v, NULL)"],
  ["float", { kind: "float" }, 0.5, "(v * 2 / 2)::FLOAT"],
  ["double", { kind: "double" }, -1e308, "-(-v)"],
  ["nan", { kind: "double" }, NaN, "v + 1"],
  [
    "decimal",
    { kind: "decimal", precision: 38, scale: 10 },
    -(10n ** 38n - 1n),
    "coalesce(v, v)",
  ],
  ["small decimal", { kind: "decimal", precision: 4, scale: 2 }, -9999n, "(v + 0)::DECIMAL(4, 2)"],
  ["date", { kind: "date" }, -1, "make_date(year(v), month(v), day(v))"],
  ["time", { kind: "time" }, 86_399_999_999n, "v::VARCHAR::TIME"],
  ["timestamp", { kind: "timestamp" }, MICROS, "v + INTERVAL 1 HOUR - INTERVAL 1 HOUR"],
  ["timestamptz", { kind: "timestamptz" }, MICROS, "v + INTERVAL 1 HOUR - INTERVAL 1 HOUR"],
  ["timestamp_ns", { kind: "timestamp_ns" }, NANOS, "greatest(v, v)"],
  ["timestamptz_ns", { kind: "timestamptz_ns" }, NANOS, "greatest(v, v)"],
  ["string", { kind: "string" }, 'ü\u0000\n"', "v || ''"],
  ["uuid", { kind: "uuid" }, UUID, "v::VARCHAR::UUID"],
  ["binary", { kind: "binary" }, BYTES, "coalesce(v, v)"],
  // The engine has no bytes of a fixed length.
  ["fixed", { kind: "fixed", length: 5 }, BYTES, "coalesce(v, v)", { kind: "binary" }],
  [
    "list",
    { kind: "list", elementId: 9, elementRequired: false, element: { kind: "uuid" } },
    [UUID, null],
    "list_transform(v, x -> x)",
  ],
  [
    "struct",
    {
      kind: "struct",
      fields: [
        member(7, "a", { kind: "timestamptz" }),
        member(8, "b", {
          kind: "list",
          elementId: 9,
          elementRequired: false,
          element: { kind: "boolean" },
        }),
      ],
    },
    [MICROS, [true, null, false]],
    "CASE WHEN v IS NULL THEN NULL ELSE {'a': v.a, 'b': v.b} END",
  ],
  [
    "map",
    {
      kind: "map",
      keyId: 8,
      key: { kind: "string" },
      valueId: 9,
      valueRequired: false,
      value: { kind: "date" },
    },
    [["a", 0], ["b", null]],
    "map_from_entries(map_entries(v))",
  ],
];

for (const [name, type, value, expression, comesOut = type] of CASES) {
  Deno.test(`values of ${name} go through, as they are and through expressions`, async () => {
    const schema = schemaOf({ v: type });
    for (const text of ["SELECT * FROM batch", `SELECT ${expression} AS v FROM batch`]) {
      const transform = await open(schema, { transform: text });
      const [field] = transform.outputSchema.fields;
      assert.equal(formatSqlType(field!.type), formatSqlType(comesOut), text);
      assert.deepEqual(await collect(transform, feed(schema, [[value], [null]])), [[value], [
        null,
      ]]);
      const sorted = await open(schema, { transform: `${text} ORDER BY 1 NULLS LAST` });
      assert.deepEqual(await collect(sorted, feed(schema, [[null]], [[value]])), [[value], [null]]);
    }
    const filtered = await open(schema, { where: "random() < 2 AND v IS NOT NULL" });
    assert.equal(filtered.outputSchema, schema);
    assert.deepEqual(await collect(filtered, feed(schema, [[value], [null]])), [[value]]);
  });
}

Deno.test("a writer of files takes what comes out, and files hold it", async () => {
  const schema = schemaOf(Object.fromEntries(CASES.map(([name, type]) => [name, type])));
  const transform = await open(schema, { transform: "SELECT * FROM batch" });
  const rows = [CASES.map(([, , value]) => value), CASES.map(() => null)];
  const io = new MemoryFileIo();
  const metadata = { location: "/w/db/t", properties: {} };
  const spec = { specId: 0, fields: [] };
  const { outputSchema } = transform;
  const operationId = "0197f9d0-0000-7000-8000-000000000001";
  const writer = new DataFileWriter({ io, metadata, schema: outputSchema, spec, operationId });
  for await (const batch of transform.run(feed(schema, rows), never)) await writer.write(batch);
  const [dataFile] = await writer.finish();
  const task = {
    dataFile: dataFile!,
    sequenceNumber: 1n,
    residual: alwaysTrue,
    spec,
    deletes: [],
    equalityDeletes: [],
    positionDeletes: [],
    deletionVector: null,
  };
  const read: IcebergValue[][] = [];
  const table = {
    schemas: [outputSchema],
    currentSchemaId: 0,
    properties: {},
    formatVersion: 3,
  } as const;
  for await (
    const batch of readTask(task as never, { io, metadata: table, schema: outputSchema })
  ) {
    read.push(...rowsOfBatch(batch, outputSchema.fields));
  }
  assert.deepEqual(read, rows);
});

/** Types of the engine's own, and what tables get for them. */
const WIDENED: Readonly<Record<string, readonly [string, IcebergValue]>> = {
  "5::TINYINT": ["int", 5],
  "5::SMALLINT": ["int", 5],
  "255::UTINYINT": ["int", 255],
  "65535::USMALLINT": ["int", 65_535],
  "4294967295::UINTEGER": ["bigint", 4_294_967_295n],
  "18446744073709551615::UBIGINT": ["decimal(20,0)", 2n ** 64n - 1n],
  "sum(i) OVER ()": ["decimal(38,0)", 1n],
  "count(*) OVER ()": ["bigint", 1n],
  "'a'::ENUM('a', 'b')": ["string", "a"],
  "TIMESTAMP_S '2026-01-01 00:00:00'": ["timestamp_ntz", 1_767_225_600_000_000n],
  "TIMESTAMP_MS '2026-01-01 00:00:00.5'": ["timestamp_ntz", 1_767_225_600_500_000n],
  "[1::TINYINT, NULL]": ["array<int>", [1, null]],
  "array_value(1, 2)": ["array<int>", [1, 2]],
  "{'x': 1::UBIGINT}": ["struct<x:decimal(20,0)>", [1n]],
  "to_timestamp(1)": ["timestamp", 1_000_000n],
  "i = 1": ["boolean", true],
  // What the engine makes of a null without a type.
  "NULL": ["int", null],
  "{'a': NULL, 'b': 'x'}": ["struct<a:int,b:string>", [null, "x"]],
  "avg(i) OVER ()": ["double", 1],
};
for (const [expression, [type, value]] of Object.entries(WIDENED)) {
  Deno.test(`a column of ${expression} is ${type}`, async () => {
    const schema = schemaOf({ i: { kind: "long" } });
    const transform = await open(schema, { transform: `SELECT ${expression} AS c FROM batch` });
    assert.equal(formatSqlType(transform.outputSchema.fields[0]!.type), type);
    assert.deepEqual(await collect(transform, feed(schema, [[1n]])), [[value]]);
  });
}

/** Columns that no table can have, and the remedy. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "INTERVAL 1 DAY AS c": /column "c".*INTERVAL.*::VARCHAR/,
  "'101'::BIT AS c": /BIT.*::VARCHAR/,
  "1::UHUGEINT AS c": /UHUGEINT.*DECIMAL\(38, 0\)/,
  "[INTERVAL 1 DAY] AS c": /INTERVAL/,
  "'12:00:00+01'::TIMETZ AS c": /TIME WITH TIME ZONE.*::TIME/,
  "union_value(k := 1) AS c": /UNION/,
  "i, i": /two columns/,
  'i, 1 AS "I"': /two columns/,
  "a.*, b.i FROM batch a JOIN": /two columns/,
};
for (const [columns, problem] of Object.entries(REFUSED)) {
  Deno.test(`a result with ${columns} is refused by name`, async () => {
    const schema = schemaOf({ i: { kind: "long" } });
    const end = columns.endsWith("JOIN") ? " batch b ON true" : " FROM batch";
    await assert.rejects(open(schema, { transform: `SELECT ${columns}${end}` }), (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "transform_column_invalid");
      assert.match(error.issues[0]!.message, problem);
      return true;
    });
  });
}

Deno.test("columns named as types are are no problem", async () => {
  const schema = schemaOf({ interval: { kind: "int" } });
  const transform = await open(schema, {
    transform: `SELECT "interval", {'interval': 1, 'bit': 2} AS "union" FROM batch`,
  });
  assert.deepEqual(await collect(transform, feed(schema, [[5]])), [[5, [1, 2]]]);
});

Deno.test("columns of types that the engine does not know are refused where they are read", async () => {
  const schema = schemaOf({ i: { kind: "int" }, v: { kind: "geometry", crs: null } });
  await assert.rejects(open(schema, { transform: "SELECT * FROM batch" }), {
    code: "column_type_unsupported",
  });
  const transform = await open(schema, { transform: "SELECT i FROM batch", where: "i > 1.5" });
  assert.deepEqual(transform.columns, ["i"]);
});
