import assert from "node:assert/strict";
import { openParquetFile } from "../../../../lib/columnar/parquet/mod.ts";
import { evolveSchemaAction } from "../../../../lib/iceberg/evolve/evolve_action.ts";
import { fastAppend } from "../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import type { FileScanTask } from "../../../../lib/iceberg/scan/plan_files.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField } from "../../../../lib/iceberg/spec/types.ts";
import { PipelineOptions } from "../../../../lib/pipelines/contract/options.ts";
import { CopyableFiles } from "../../../../lib/pipelines/tick/copyable_files.ts";
import { NO_CHANGES } from "../../../../lib/pipelines/tick/plan_batch.ts";
import { stageRows } from "../../../../lib/pipelines/tick/stage_rows.ts";
import { testJobHost } from "../../../support/maintenance/job_host.ts";
import { ParquetTable, rowSet } from "../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { field } from "../../../support/writable_tables.ts";

await readyParquet();

const { signal } = new AbortController();
/** Row groups of 4 MiB and more are of a good size. */
const properties = { "write.parquet.row-group-size-bytes": String(32 * 1024 * 1024) };
const LARGE = 250_000;

const tags = (id: number, elementId: number): NestedField => ({
  ...field(id, "tags"),
  type: { kind: "list", elementId, elementRequired: false, element: { kind: "string" } },
});
const FIELDS = [
  field(1, "id"),
  field(2, "amount", { kind: "double" }),
  field(3, "text", { kind: "string" }),
  tags(4, 5),
];
/** The same columns in another order, with other ids. */
const TURNED = [
  tags(11, 12),
  field(13, "text", { kind: "string" }),
  field(14, "id"),
  field(15, "amount", { kind: "double" }),
];

function tableOf(fields: readonly NestedField[], more: Record<string, string> = {}): ParquetTable {
  const schema = new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
  return new ParquetTable({ schemas: [schema], properties: { ...properties, ...more } });
}

/** Values that do not compress. */
function rows(count: number): readonly IcebergValue[][] {
  return Array.from({ length: count }, (_, at) => [
    BigInt(Math.imul(at, 2654435761)),
    at % 9 === 0 ? null : Math.sin(at),
    `text ${Math.imul(at, 40503)}`,
    at % 3 === 0 ? null : [`tag ${at % 5}`],
  ]);
}

function filesOf(source: ParquetTable, sink: ParquetTable): CopyableFiles {
  const tables = { source: source.store.table, sink: sink.store.table };
  return new CopyableFiles({ ...tables, schema: source.schema, signal });
}

async function kinds(source: ParquetTable, sink: ParquetTable): Promise<readonly string[]> {
  const parts = await Array.fromAsync(filesOf(source, sink).parts(await source.tasks()));
  return parts.map((part) => part.kind === "read" ? `read ${part.tasks.length}` : part.kind);
}

/** All rows of the source, staged for the sink and committed to it. */
async function flow(source: ParquetTable, sink: ParquetTable): Promise<readonly DataFile[]> {
  const tasks: readonly FileScanTask[] = await source.tasks();
  const position = { snapshot_id: null, files_read: null, scan_all_files: false };
  const { files, outputRows } = await stageRows(
    { tasks, changes: null, position, counts: NO_CHANGES, more: false },
    {
      source: source.store.table,
      schema: source.schema,
      sink: { ...sink.store.table, io: source.store.io },
      transform: null,
      options: PipelineOptions.parse({}),
      host: testJobHost(source.store, { tasks: [], io: source.store.io, width: 1 }),
    },
  );
  assert.equal(outputRows, tasks.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0));
  for (const { filePath } of files) {
    await sink.store.io.createIfAbsent(filePath, await source.store.io.read(filePath));
  }
  await sink.commit(fastAppend({ files }));
  return files;
}

Deno.test("large files are copied, small ones beside them read, into columns of other ids in another order", async () => {
  const source = tableOf(FIELDS);
  const all = [rows(LARGE), rows(1_000), rows(10)];
  for (const some of all) await source.append(some);
  const sink = tableOf(TURNED);
  assert.deepEqual((await kinds(source, sink)).toSorted(), ["copy", "read 2"]);
  const files = await flow(source, sink);
  const turned = all.flat().map(([id, amount, text, tags]) => [tags, text, id, amount]);
  assert.deepEqual(rowSet(await sink.rows()), rowSet(turned as IcebergValue[][]));
  const [file, ...others] = files;
  assert.ok(file !== undefined);
  assert.deepEqual(others, []);
  // One as it was, and one of the rows of both small files.
  const { rowGroups } = await openParquetFile(source.store.io, { location: file.filePath });
  assert.deepEqual(rowGroups.map(({ rowCount }) => rowCount).toSorted(), [1_010, LARGE]);
  // Facts are those of the columns that they are of now.
  assert.equal(
    file.nullValueCounts?.get(15),
    all.flat().filter(([, amount]) => amount === null).length,
  );
});

Deno.test("files are read whose row groups would be other ones in the sink", async () => {
  const source = tableOf(FIELDS);
  await source.append(rows(LARGE));
  const [id, amount, text, list] = FIELDS;
  const others: readonly (readonly [string, ParquetTable])[] = [
    ["another codec", tableOf(FIELDS, { "write.parquet.compression-codec": "snappy" })],
    ["larger row groups", tableOf(FIELDS, { "write.parquet.row-group-size-bytes": "1000000000" })],
    ["smaller row groups", tableOf(FIELDS, { "write.parquet.row-group-size-bytes": "1000000" })],
    ["another type", tableOf([id!, amount!, field(3, "text", { kind: "binary" }), list!])],
    ["a column more", tableOf([...FIELDS, field(9, "more")])],
    ["a required column", tableOf([{ ...id!, required: true }, amount!, text!, list!])],
  ];
  assert.deepEqual(await kinds(source, tableOf(FIELDS)), ["copy"]);
  for (const [what, sink] of others) {
    assert.deepEqual(await kinds(source, sink), ["read 1"], what);
  }
});

Deno.test("columns of the source go by the names that they have now", async () => {
  const source = tableOf(FIELDS);
  await source.append(rows(LARGE));
  const sink = tableOf(FIELDS);
  await source.commit(evolveSchemaAction([{ kind: "rename", name: "text", newName: "words" }]));
  assert.deepEqual(await kinds(source, sink), ["read 1"]);
  await sink.commit(evolveSchemaAction([{ kind: "rename", name: "text", newName: "words" }]));
  assert.deepEqual(await kinds(source, sink), ["copy"]);
  await source.deleteWhere(([row]) => row === 0n);
  assert.deepEqual(await kinds(source, sink), ["read 1"]);
});
