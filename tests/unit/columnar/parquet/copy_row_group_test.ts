import assert from "node:assert/strict";
import fc from "fast-check";
import {
  copyRowGroup,
  type EncodedMetadata,
  fileMetrics,
  isCopyable,
  metricsConfig,
  openParquetFile,
  ParquetAssembler,
  type ParquetSource,
  planTranscode,
  type TranscodePlan,
  writeSettings,
} from "../../../../lib/columnar/parquet/mod.ts";
import { offsetIndexCodec } from "../../../../lib/columnar/parquet/footer/offset_index.ts";
import { CompactReader } from "../../../../lib/columnar/parquet/thrift/compact_reader.ts";
import type { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { rejectsWith } from "../../../support/rejects.ts";
import { field } from "../arrow/_columns.ts";
import { batchOfColumns, readAll, schemaOf, valuesAt, writeFile, writtenFile } from "./_files.ts";
import { tables } from "./_tables.ts";

await readyParquet();

const SCHEMA = schemaOf(field(1, "id", { kind: "long" }), field(2, "t", { kind: "string" }));
const COLUMNS = [[1n, null, 3n], ["a", "b", null]];

function planned(source: ParquetSource, schema: Schema): TranscodePlan {
  const plan = planTranscode(source, { schema });
  assert.ok(plan !== null);
  return plan;
}

function copyable(
  source: ParquetSource,
  schema: Schema,
  properties: Readonly<Record<string, string>> = {},
): boolean {
  const settings = writeSettings(properties);
  const metrics = metricsConfig({ schema, properties });
  return isCopyable(planned(source, schema), 0, { schema, settings, metrics });
}

/** Copies all row groups, behind one that was encoded, and opens the result. */
async function copied(io: MemoryFileIo, source: ParquetSource, schema: Schema) {
  const location = "/w/copied.parquet";
  const assembler = new ParquetAssembler(await io.openWriter(location), { schema });
  for (const at of source.rowGroups.keys()) {
    await assembler.appendCopy(await copyRowGroup(planned(source, schema), at, { schema }));
  }
  const file = await assembler.finish();
  return { file, source: await openParquetFile(io, { location }) };
}

/** Ids of columns that have a row group with values of which no statistics tell bounds. */
function unboundedFields({ rowGroups, schema }: ParquetSource): Set<number | null> {
  const ids = rowGroups.flatMap(({ chunks }) =>
    chunks.map(({ metaData: { numValues, statistics } }, at) => {
      const isNull = statistics?.nullCount === numValues;
      return isNull || (statistics?.minValue ?? null) !== null
        ? null
        : schema.leaves[at]!.node.fieldId;
    })
  );
  return new Set(ids);
}

Deno.test("copyRowGroup() keeps every value, and its metrics are those of the file", async () => {
  await fc.assert(
    fc.asyncProperty(tables({ maxColumns: 3, maxRows: 30 }), async ({ schema, columns, rows }) => {
      const io = new MemoryFileIo();
      const cut = Math.ceil(rows / 2);
      const groups = [columns.map((c) => c.slice(0, cut)), columns.map((c) => c.slice(cut))]
        .filter(([first]) => first!.length > 0).map((part) => [batchOfColumns(schema, part)]);
      const written = await writeFile(io, groups, { schema, location: "/w/a.parquet" });
      const original = await openParquetFile(io, { location: "/w/a.parquet" });
      const { file, source } = await copied(io, original, schema);
      const read = await readAll(source);
      for (const [at, { type }] of schema.fields.entries()) {
        assert.deepEqual(valuesAt(read, { at, type }), columns[at]);
      }
      const config = metricsConfig({ schema, properties: {} });
      // Whoever does not look at values cannot count which of them are NaN.
      const { nanValueCounts, ...metrics } = fileMetrics(file.leafStats, config);
      const { nanValueCounts: _, ...expected } = fileMetrics(written.leafStats, config);
      // Nor say that a row group without bounds holds nothing but NaN.
      const unbounded = unboundedFields(original);
      const bounded = (bounds: ReadonlyMap<number, unknown>) =>
        new Map([...bounds].filter(([fieldId]) => !unbounded.has(fieldId)));
      assert.deepEqual(metrics, {
        ...expected,
        lowerBounds: bounded(expected.lowerBounds),
        upperBounds: bounded(expected.upperBounds),
      });
      assert.equal(nanValueCounts.size, 0);
    }),
    { numRuns: 60 },
  );
});

Deno.test("copyRowGroup() brings page indexes along, which say where pages are now", async () => {
  const io = new MemoryFileIo();
  const location = "/w/a.parquet";
  const group = [batchOfColumns(SCHEMA, COLUMNS)];
  await writeFile(io, [group, group], { schema: SCHEMA, location });
  const { source } = await copied(io, await openParquetFile(io, { location }), SCHEMA);
  assert.equal(source.rowGroups.length, 2);
  for (const { chunks } of source.rowGroups) {
    for (const { columnIndex, offsetIndex, metaData } of chunks) {
      assert.ok(columnIndex !== null && offsetIndex !== null);
      const reader = new CompactReader(await source.read(offsetIndex), { location });
      const { pageLocations } = offsetIndexCodec.read(reader);
      assert.deepEqual(pageLocations.map(({ offset }) => offset), [metaData.dataPageOffset]);
    }
  }
});

Deno.test("copyRowGroup() gives columns the names and the order that they have now", async () => {
  const { io, source } = await writtenFile(batchOfColumns(SCHEMA, COLUMNS), { schema: SCHEMA });
  const renamed = schemaOf(field(2, "text", { kind: "string" }), field(1, "key", { kind: "long" }));
  assert(copyable(source, renamed));
  const { source: copy } = await copied(io, source, renamed);
  assert.deepEqual(copy.schema.leaves.map(({ path }) => path), [["text"], ["key"]]);
  const read = await readAll(copy);
  assert.deepEqual(valuesAt(read, { at: 0, type: { kind: "string" } }), COLUMNS[1]);
  assert.deepEqual(valuesAt(read, { at: 1, type: { kind: "long" } }), COLUMNS[0]);
});

Deno.test("isCopyable() refuses what would be written another way", async () => {
  const { source } = await writtenFile(batchOfColumns(SCHEMA, COLUMNS), { schema: SCHEMA });
  assert(copyable(source, SCHEMA));
  assert(!copyable(source, SCHEMA, { "write.parquet.compression-codec": "snappy" }));
  const { fields } = SCHEMA;
  assert(!copyable(source, schemaOf(...fields, field(3, "added", { kind: "int" }))));
  assert(!copyable(source, schemaOf(fields[0]!)));
});

Deno.test("isCopyable() refuses chunks whose statistics say less than metrics need", async () => {
  const long = [["x".repeat(100), "y".repeat(100), null]];
  const schema = schemaOf(field(2, "t", { kind: "string" }));
  const { source } = await writtenFile(batchOfColumns(schema, long), { schema });
  const mode = (text: string) => ({ "write.metadata.metrics.default": text });
  assert(copyable(source, schema, mode("truncate(16)")));
  assert(copyable(source, schema, mode("counts")));
  assert(!copyable(source, schema, mode("full")));
  assert(!copyable(source, schema, mode("truncate(40)")));
  const { source: bare } = await writtenFile(batchOfColumns(schema, long), {
    schema,
    properties: { "write.parquet.stats-enabled.column.t": "false" },
  });
  assert(!copyable(bare, schema));
  assert(copyable(bare, schema, mode("none")));
});

Deno.test("appendCopy() refuses a row group whose pages are not all there", async () => {
  const { io, source } = await writtenFile(batchOfColumns(SCHEMA, COLUMNS), { schema: SCHEMA });
  const copy = await copyRowGroup(planned(source, SCHEMA), 0, { schema: SCHEMA });
  const assembler = new ParquetAssembler(await io.openWriter("/w/b.parquet"), { schema: SCHEMA });
  const pagesLength = copy.metadata.pagesLength + 1;
  const metadata: EncodedMetadata = { ...copy.metadata, pagesLength };
  await assert.rejects(assembler.appendCopy({ ...copy, metadata }), TypeError);
});

Deno.test("copyRowGroup() stops where it is told to", async () => {
  const { io, source } = await writtenFile(batchOfColumns(SCHEMA, COLUMNS), { schema: SCHEMA });
  const stop = new AbortController();
  const { signal } = stop;
  const copy = await copyRowGroup(planned(source, SCHEMA), 0, { schema: SCHEMA, signal });
  stop.abort();
  const assembler = new ParquetAssembler(await io.openWriter("/w/b.parquet"), { schema: SCHEMA });
  await rejectsWith(assembler.appendCopy(copy), { kind: "cancelled", code: "cancelled" });
});
