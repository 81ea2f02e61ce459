import assert from "node:assert/strict";
import fc from "fast-check";
import {
  fileMetrics,
  metricsConfig,
  openParquetFile,
  ParquetAssembler,
  type ParquetSource,
  planTranscode,
  type TranscodePlan,
  transcodeRowGroups,
  writeSettings,
} from "../../../../lib/columnar/parquet/mod.ts";
import type { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { NestedField, PrimitiveType, Type } from "../../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { rejectsWith } from "../../../support/rejects.ts";
import { field } from "../arrow/_columns.ts";
import { batchOfColumns, readAll, schemaOf, valuesAt, writeFile } from "./_files.ts";
import { tables } from "./_tables.ts";

await readyParquet();

const settings = writeSettings({});

/** Writes each list of columns as a file of its own and opens it. */
async function filesOf(
  io: MemoryFileIo,
  schema: Schema,
  tables: readonly (readonly (readonly unknown[])[])[],
): Promise<ParquetSource[]> {
  const sources: ParquetSource[] = [];
  for (const [at, columns] of tables.entries()) {
    const location = `/w/in-${at}.parquet`;
    await writeFile(io, [[batchOfColumns(schema, columns as never)]], { schema, location });
    sources.push(await openParquetFile(io, { location }));
  }
  return sources;
}

function planned(source: ParquetSource, schema: Schema): TranscodePlan {
  const plan = planTranscode(source, { schema });
  assert.ok(plan !== null);
  return plan;
}

/** Transcodes into one file and opens it. */
async function transcoded(io: MemoryFileIo, plans: readonly TranscodePlan[], schema: Schema) {
  const assembler = new ParquetAssembler(await io.openWriter("/w/out.parquet"), { schema });
  await assembler.append(
    await transcodeRowGroups(plans.map((plan) => ({ plan })), { schema, settings }),
  );
  const file = await assembler.finish();
  return { file, source: await openParquetFile(io, { location: "/w/out.parquet" }) };
}

Deno.test("transcodeRowGroups() keeps every value, and its metrics are those of encoding", async () => {
  await fc.assert(
    fc.asyncProperty(tables({ maxColumns: 3, maxRows: 30 }), async ({ schema, columns, rows }) => {
      const io = new MemoryFileIo();
      const cut = Math.ceil(rows / 2);
      const parts = [columns.map((c) => c.slice(0, cut)), columns.map((c) => c.slice(cut))]
        .filter(([first]) => first!.length > 0);
      const sources = await filesOf(io, schema, parts);
      const { file, source } = await transcoded(
        io,
        sources.map((s) => planned(s, schema)),
        schema,
      );
      const read = await readAll(source);
      for (const [at, { type }] of schema.fields.entries()) {
        assert.deepEqual(valuesAt(read, { at, type }), columns[at]);
      }
      const config = metricsConfig({ schema, properties: {} });
      const encoded = await writeFile(io, [[batchOfColumns(schema, columns)]], { schema });
      const { columnSizes: _, ...metrics } = fileMetrics(file.leafStats, config);
      const { columnSizes: __, ...expected } = fileMetrics(encoded.leafStats, config);
      assert.deepEqual(metrics, expected);
    }),
    { numRuns: 60 },
  );
});

const STRUCT: Type = { kind: "struct", fields: [field(11, "x", { kind: "int" })] };
const LIST: Type = {
  kind: "list",
  elementId: 12,
  elementRequired: false,
  element: { kind: "string" },
};

Deno.test("transcodeRowGroups() fills columns that a file does not have with nulls", async () => {
  const io = new MemoryFileIo();
  const old = schemaOf(field(1, "id", { kind: "long" }), field(2, "gone", { kind: "string" }));
  const ids = [1n, null, 3n];
  const [source] = await filesOf(io, old, [[ids, ["a", "b", "c"]]]);
  const added = [
    field(5, "s", STRUCT),
    field(6, "l", LIST),
    field(7, "t", { kind: "string" }),
    field(8, "d", { kind: "double" }),
  ];
  const schema = schemaOf(
    ...added.slice(0, 2),
    field(1, "id", { kind: "long" }),
    ...added.slice(2),
  );
  const [newer] = await filesOf(new MemoryFileIo(), schema, [[
    [[7], null],
    [["x"], []],
    [4n, 5n],
    ["t", null],
    [NaN, 1],
  ]]);
  const plans = [planned(source!, schema), planned(newer!, schema)];
  const { source: out, file } = await transcoded(io, plans, schema);
  const read = await readAll(out);
  const values = schema.fields.map(({ type }, at) => valuesAt(read, { at, type }));
  assert.deepEqual(values, [
    [null, null, null, [7], null],
    [null, null, null, ["x"], []],
    [1n, null, 3n, 4n, 5n],
    [null, null, null, "t", null],
    [null, null, null, NaN, 1],
  ]);
  const stats = new Map(file.leafStats.map((stat) => [stat.leaf.fieldId, stat]));
  assert.equal(stats.get(8)?.nanCount, 1);
  assert.equal(stats.get(11)?.nullCount, 4);
});

/** A file's column and the table's, with whether pages fit. */
const FITS: readonly (readonly [string, NestedField, NestedField, boolean])[] = [
  ["the same", field(1, "a", { kind: "int" }), field(1, "a", { kind: "int" }), true],
  ["renamed", field(1, "a", { kind: "int" }), field(1, "b", { kind: "int" }), true],
  ["promoted int", field(1, "a", { kind: "int" }), field(1, "a", { kind: "long" }), false],
  ["promoted float", field(1, "a", { kind: "float" }), field(1, "a", { kind: "double" }), false],
  ["made optional", field(1, "a", { kind: "int" }, true), field(1, "a", { kind: "int" }), false],
  ["wider decimal", decimal(5, 2), decimal(9, 2), true],
  ["decimal of other storage", decimal(9, 2), decimal(10, 2), false],
  ["decimal of other bytes", decimal(20, 2), decimal(30, 2), false],
  ["decimal of other scale", decimal(9, 2), decimal(9, 3), false],
  ["narrower decimal", decimal(9, 2), decimal(8, 2), false],
  ["timestamps of other zones", column("timestamp"), column("timestamptz"), false],
  ["timestamps of other units", column("timestamp"), column("timestamp_ns"), false],
  ["text for bytes", column("string"), column("binary"), true],
  ["bytes for text", column("binary"), column("string"), true],
  ["a date for an int", column("date"), column("int"), false],
  ["an int for a date", column("int"), column("date"), false],
  ["fixed for uuid", field(1, "a", { kind: "fixed", length: 16 }), column("uuid"), true],
  ["uuid for fixed", column("uuid"), field(1, "a", { kind: "fixed", length: 16 }), false],
  ["a new field inside of a struct", struct(2), struct(3), false],
  ["a field dropped from a struct", struct(3), struct(2), true],
];

function column(
  kind: Exclude<PrimitiveType["kind"], "decimal" | "fixed" | "geometry" | "geography">,
) {
  return field(1, "a", { kind });
}

function decimal(precision: number, scale: number): NestedField {
  return field(1, "a", { kind: "decimal", precision, scale });
}

function struct(size: number): NestedField {
  const fields = [1, 2, 3].slice(0, size).map((n) => field(10 + n, `f${n}`, { kind: "int" }));
  return field(1, "a", { kind: "struct", fields });
}

Deno.test("planTranscode() takes only files whose pages are those of the schema", async () => {
  for (const [what, given, wanted, fits] of FITS) {
    const io = new MemoryFileIo();
    const id = field(99, "id", { kind: "long" });
    await writeFile(io, [], { schema: schemaOf(id, given), location: "/w/a.parquet" });
    const source = await openParquetFile(io, { location: "/w/a.parquet" });
    assert.equal(planTranscode(source, { schema: schemaOf(id, wanted) }) !== null, fits, what);
  }
});

Deno.test("planTranscode() refuses what is missing and not null, and files without any column", async () => {
  const io = new MemoryFileIo();
  const id = field(1, "id", { kind: "long" });
  await writeFile(io, [], { schema: schemaOf(id), location: "/w/a.parquet" });
  const source = await openParquetFile(io, { location: "/w/a.parquet" });
  const plan = (...fields: NestedField[]) => planTranscode(source, { schema: schemaOf(...fields) });
  const added = field(2, "b", { kind: "int" });
  assert.notEqual(plan(id, added), null);
  assert.equal(plan(id, { ...added, required: true }), null);
  assert.equal(plan(id, { ...added, initialDefault: 0 }), null);
  assert.notEqual(plan(id, { ...added, initialDefault: null }), null);
  assert.equal(plan(added), null);
});

Deno.test("planTranscode() takes ids by name from the caller, and refuses one id twice", async () => {
  const io = new MemoryFileIo();
  const schema = schemaOf(field(1, "a", { kind: "int" }), field(2, "b", { kind: "int" }));
  await writeFile(io, [], { schema, location: "/w/a.parquet" });
  const source = await openParquetFile(io, { location: "/w/a.parquet" });
  const swapped = planTranscode(source, {
    schema,
    fieldIdOf: ({ path }) => path[0] === "a" ? 2 : 1,
  });
  assert.deepEqual(swapped?.leaves, [1, 0]);
  assert.equal(planTranscode(source, { schema, fieldIdOf: () => 1 }), null);
});

Deno.test("transcodeRowGroups() takes only the row groups that are asked for", async () => {
  const io = new MemoryFileIo();
  const schema = schemaOf(field(1, "a", { kind: "int" }));
  const groups = [[1, 2], [3], [4, 5]].map((values) => [batchOfColumns(schema, [values])]);
  await writeFile(io, groups, { schema, location: "/w/a.parquet" });
  const plan = planned(await openParquetFile(io, { location: "/w/a.parquet" }), schema);
  const encoded = await transcodeRowGroups([{ plan, rowGroups: [2, 0] }], { schema, settings });
  assert.equal(encoded.metadata.rowCount, 4);
  const assembler = new ParquetAssembler(await io.openWriter("/w/b.parquet"), { schema });
  await assembler.append(encoded);
  await assembler.finish();
  const read = await readAll(await openParquetFile(io, { location: "/w/b.parquet" }));
  assert.deepEqual(valuesAt(read, { at: 0, type: { kind: "int" } }), [4, 5, 1, 2]);
});

Deno.test("transcodeRowGroups() names the file whose bytes are no text where text is wanted", async () => {
  const io = new MemoryFileIo();
  const schema = schemaOf(field(1, "a", { kind: "binary" }));
  const values = [Uint8Array.of(65), Uint8Array.of(0xff, 0xfe), Uint8Array.of(66)];
  const sources = await filesOf(io, schema, values.map((value) => [[value]]));
  const wanted = schemaOf(field(1, "a", { kind: "string" }));
  const plans = sources.map((source) => ({ plan: planned(source, wanted) }));
  const error = await rejectsWith(transcodeRowGroups(plans, { schema: wanted, settings }), {
    kind: "corrupt_data",
    code: "parquet_corrupt",
  });
  assert.match(error.message, /in-1\.parquet/);
});
