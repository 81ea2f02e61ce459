import assert from "node:assert/strict";
import fc from "fast-check";
import { sliceBatch } from "../../../../lib/columnar/arrow/batch.ts";
import { fieldIdOf } from "../../../../lib/columnar/arrow/arrow_schema.ts";
import { openParquetFile } from "../../../../lib/columnar/parquet/mod.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { field, LEAF_TYPES } from "../arrow/_columns.ts";
import { batchOfColumns, LOCATION, readAll, schemaOf, valuesAt, writeFile } from "./_files.ts";
import { tables } from "./_tables.ts";

await readyParquet();

Deno.test("a file gives back every value of every type, nulls, NaN and -0 included", async () => {
  await fc.assert(
    fc.asyncProperty(
      tables({ maxColumns: 4, maxRows: 40 }),
      fc.array(fc.nat(40), { maxLength: 3 }),
      async ({ schema, columns, rows }, cuts) => {
        const whole = batchOfColumns(schema, columns);
        // Row groups of batches that are slices, as readers and filters make them.
        const bounds = [...new Set([0, ...cuts.map((cut) => cut % rows), rows])]
          .sort((a, b) => a - b);
        const slices = bounds.slice(1).map((end, at) =>
          sliceBatch(whole, { at: bounds[at]!, length: end - bounds[at]! })
        );
        const groups = [slices.slice(0, 2), slices.slice(2)].filter(({ length }) => length > 0);
        const io = new MemoryFileIo();
        const file = await writeFile(io, groups, { schema });
        assert.equal(file.recordCount, rows);
        const source = await openParquetFile(io, { location: LOCATION });
        assert.equal(source.rowCount, rows);
        assert.deepEqual(
          source.arrowSchema().fields.map(fieldIdOf),
          schema.fields.map((f) => f.id),
        );
        const read = await readAll(source, { batchSize: 7 });
        for (const [at, { type }] of schema.fields.entries()) {
          assert.deepEqual(valuesAt(read, { at, type }), columns[at], `column ${at}`);
          const only = await readAll(source, { columns: [source.schema.columns[at]!] });
          assert.deepEqual(valuesAt(only, { at: 0, type }), columns[at], `column ${at} alone`);
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("a file of required columns gives back every value of every leaf type", async () => {
  for (const { type, value } of LEAF_TYPES.filter((leaf) => leaf.type.kind !== "unknown")) {
    const [values = []] = fc.sample(fc.array(value, { minLength: 300, maxLength: 300 }), 1);
    const schema = schemaOf(field(1, "c", type, true));
    const io = new MemoryFileIo();
    await writeFile(io, [[batchOfColumns(schema, [values])]], { schema });
    const source = await openParquetFile(io, { location: LOCATION });
    assert.equal(source.schema.columns[0]?.repetition, "required");
    assert.deepEqual(valuesAt(await readAll(source), { at: 0, type }), values, type.kind);
  }
});

Deno.test("a file without rows has its schema and no row group", async () => {
  const schema = schemaOf(field(1, "a", { kind: "long" }), field(2, "b", { kind: "string" }));
  const io = new MemoryFileIo();
  const file = await writeFile(io, [], { schema });
  assert.equal(file.recordCount, 0);
  assert.deepEqual(file.splitOffsets, []);
  const source = await openParquetFile(io, { location: LOCATION });
  assert.deepEqual(source.rowGroups, []);
  assert.deepEqual(source.arrowSchema().fields.map((f) => f.name), ["a", "b"]);
});
