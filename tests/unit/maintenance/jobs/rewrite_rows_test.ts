import assert from "node:assert/strict";
import { evolveSchemaAction } from "../../../../lib/iceberg/evolve/evolve_action.ts";
import type { FormatVersion } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { column } from "../../../support/commit_fixture.ts";
import { ParquetTable, rowSet } from "../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { assertSettled, columnOf, compactFiles, schemaOf, strayFiles } from "./_rewriting.ts";

await readyParquet();

const SCHEMA = schemaOf(column(1, "id"), column(2, "name", { kind: "string" }));

type Id = readonly [id: bigint, name: string];

const rowsFrom = (first: number, count: number): Id[] =>
  Array.from({ length: count }, (_, at) => [BigInt(first + at), `name-${first + at}`]);

/** Files of ten rows each, one for each snapshot. */
async function tableOf(formatVersion: FormatVersion, files = 6): Promise<ParquetTable> {
  const table = new ParquetTable({ formatVersion, schemas: [SCHEMA] });
  for (let file = 0; file < files; file++) await table.append(rowsFrom(file * 10, 10));
  return table;
}

for (const formatVersion of [1, 2, 3] as const) {
  Deno.test(`v${formatVersion}: binpack makes one file of the rows in their order`, async () => {
    const table = await tableOf(formatVersion);
    const before = await table.rows();
    const receipt = await compactFiles(table, { options: {} });
    assert.deepEqual([receipt.rewritten_files, receipt.new_files], [6, 1]);
    assert.deepEqual(await table.rows(), before);
    const [task, ...others] = await table.tasks();
    assert.equal(others.length, 0);
    assert.equal(task?.dataFile.recordCount, 60);
    assert.equal(task?.dataFile.sortOrderId, null);
    assert.deepEqual(await strayFiles(table), []);
    await assertSettled(table);
  });
}

Deno.test("v3: rows keep their ids and the numbers of their last change, file after file", async () => {
  const table = await tableOf(3);
  const before = await table.rows();
  // What identifies rows is behind them: here ids are the rows' own, and numbers their snapshots'.
  for (const [id, , rowId, changed] of before) {
    assert.deepEqual([rowId, changed], [id, BigInt(id as bigint) / 10n + 1n]);
  }
  await compactFiles(table);
  assert.deepEqual(await table.rows(), before);
  await table.append(rowsFrom(60, 5));
  await compactFiles(table, { options: { "rewrite-all": true } });
  const after = await table.rows();
  const isNew = (row: readonly IcebergValue[]) => Number(row[0]) >= 60;
  assert.deepEqual(rowSet(after.filter((row) => !isNew(row))), rowSet(before));
  // The append came after the first compaction.
  assert.deepEqual(after.filter(isNew).map((row) => row[3]), Array(5).fill(8n));
  assert.equal(new Set(after.map((row) => row[2])).size, 65);
});

Deno.test("v3: rows keep what identifies them where they are sorted", async () => {
  const table = await tableOf(3);
  const before = await table.rows();
  await compactFiles(table, { strategy: "sort", sortOrder: "id desc" });
  const descending = before.toSorted(([a], [b]) => Number(b as bigint) - Number(a as bigint));
  assert.deepEqual(await table.rows(), descending);
});

Deno.test("v2: position deletes and equality deletes are applied, and no row comes back", async () => {
  const table = await tableOf(2);
  await table.deleteWhere(([id]) => Number(id) % 7 === 0);
  await table.deleteEqual(SCHEMA.fields.slice(0, 1), [[11n], [12n], [59n]]);
  await table.append([[11n, "again"]]);
  const before = await table.rows();
  assert.equal(before.length, 60 - 9 - 3 + 1);
  await compactFiles(table);
  assert.deepEqual(rowSet(await table.rows()), rowSet(before));
  await table.deleteEqual(SCHEMA.fields.slice(1), [["again"]]);
  await compactFiles(table, { options: { "rewrite-all": true, "remove-dangling-deletes": true } });
  assert.deepEqual(
    rowSet(await table.rows()),
    rowSet(before.filter(([, name]) => name !== "again")),
  );
  for (const { deletes } of await table.tasks()) assert.deepEqual(deletes, []);
});

Deno.test("v3: deletion vectors are applied, and the rows that are left keep their ids", async () => {
  const table = await tableOf(3);
  await table.deleteWhere(([id]) => Number(id) % 3 === 0);
  await table.deleteWhere(([id]) => Number(id) % 5 === 0);
  const before = await table.rows();
  assert.equal(before.length, 32);
  await compactFiles(table);
  assert.deepEqual(await table.rows(), before);
  for (const { deletes } of await table.tasks()) assert.deepEqual(deletes, []);
});

Deno.test("a group whose rows are all deleted becomes no file", async () => {
  const table = await tableOf(2, 3);
  await table.deleteWhere(() => true);
  const receipt = await compactFiles(table);
  assert.deepEqual([receipt.rewritten_files, receipt.new_files], [3, 0]);
  assert.deepEqual(await table.tasks(), []);
});

Deno.test("files of older schemas are rewritten in the current one", async () => {
  const table = new ParquetTable({
    formatVersion: 3,
    schemas: [schemaOf(
      column(1, "id", { kind: "int" }),
      column(2, "gone"),
      column(3, "ratio", { kind: "float" }),
      column(4, "price", { kind: "decimal", precision: 4, scale: 2 }),
      column(5, "place", {
        kind: "struct",
        fields: [column(6, "x", { kind: "int" }), column(7, "y", { kind: "int" })],
      }),
    )],
  });
  await table.append([[1, 10n, 0.5, 125n, [1, 2]], [2, null, null, null, null]]);
  await table.commit(evolveSchemaAction([
    { kind: "update", name: "id", type: { kind: "long" } },
    { kind: "update", name: "ratio", type: { kind: "double" } },
    { kind: "update", name: "price", type: { kind: "decimal", precision: 20, scale: 2 } },
    { kind: "rename", name: "id", newName: "key" },
    { kind: "drop", name: "gone" },
    { kind: "drop", name: "place.x" },
    { kind: "add", name: "place.z", type: { kind: "string" }, required: false, doc: null },
    {
      kind: "add",
      name: "state",
      type: { kind: "string" },
      required: true,
      doc: null,
      defaultValue: "new",
    },
  ]));
  await table.append([[3n, 1.5, 10n ** 18n, [3, "z"], "old"]]);
  const before = await table.rows();
  await compactFiles(table);
  assert.deepEqual(rowSet(await table.rows()), rowSet(before));
  const [one, ...others] = await table.tasks();
  assert.equal(others.length, 0);
  assert.equal(one?.dataFile.recordCount, 3);
});

Deno.test("rows of an older partition spec are sorted out by the current one", async () => {
  const schema = schemaOf(column(1, "id"), column(2, "region", { kind: "string" }));
  const old = { specId: 0, fields: [] };
  const byRegion = {
    specId: 1,
    fields: [
      { sourceIds: [2], fieldId: 1000, name: "region", transform: { kind: "identity" } },
    ],
  } as const;
  const table = new ParquetTable({
    schemas: [schema],
    partitionSpecs: [old],
    lastPartitionId: 999,
  });
  const rows = Array.from({ length: 90 }, (_, at) => [BigInt(at), ["eu", "us", null][at % 3]!]);
  await table.append(rows.slice(0, 60));
  await table.commit({
    name: "partition by region",
    apply: () =>
      Promise.resolve({
        requirements: [],
        updates: [{ action: "add-spec", spec: byRegion }, {
          action: "set-default-spec",
          specId: -1,
        }],
      }),
  });
  await table.append(rows.slice(60));
  await compactFiles(table);
  assert.deepEqual(rowSet(await table.rows()), rowSet(rows as IcebergValue[][]));
  for (const { dataFile } of await table.tasks()) {
    assert.equal(dataFile.specId, 1);
    const [region = null] = dataFile.partition;
    for (const row of (await table.rowsByFile()).get(dataFile.filePath)!) {
      assert.equal(row[1], region);
    }
  }
  await compactFiles(table);
  assert.equal((await table.tasks()).length, 3);
});

Deno.test("a column that old files lack comes from their partition", async () => {
  const schema = schemaOf(column(1, "id"), column(2, "region", { kind: "string" }));
  const spec = {
    specId: 0,
    fields: [
      { sourceIds: [2], fieldId: 1000, name: "region", transform: { kind: "identity" } },
    ],
  } as const;
  const table = new ParquetTable({
    schemas: [schema],
    partitionSpecs: [spec],
    lastPartitionId: 1000,
  });
  for (let at = 0; at < 4; at++) await table.append([[BigInt(at), "eu"], [BigInt(at), "us"]]);
  const before = await table.rows();
  const receipt = await compactFiles(table);
  assert.equal(receipt.new_files, 2);
  assert.deepEqual(rowSet(await table.rows()), rowSet(before));
});

Deno.test("sort lays rows out with nulls and NaN where the order puts them", async () => {
  const schema = schemaOf(column(1, "id"), column(2, "v", { kind: "double" }));
  const values = [1.5, null, NaN, -Infinity, 0, Infinity, -0, null, NaN, -2];
  const orders: readonly (readonly [string, readonly (number | null)[]])[] = [
    ["v asc nulls first", [null, null, -Infinity, -2, -0, 0, 1.5, Infinity, NaN, NaN]],
    ["v asc nulls last", [-Infinity, -2, -0, 0, 1.5, Infinity, NaN, NaN, null, null]],
    ["v desc nulls first", [null, null, NaN, NaN, Infinity, 1.5, 0, -0, -2, -Infinity]],
    ["v desc nulls last", [NaN, NaN, Infinity, 1.5, 0, -0, -2, -Infinity, null, null]],
  ];
  for (const [sortOrder, expected] of orders) {
    const table = new ParquetTable({ schemas: [schema] });
    for (const [at, value] of values.entries()) await table.append([[BigInt(at), value]]);
    await compactFiles(table, { strategy: "sort", sortOrder });
    assert.deepEqual(await columnOf(table, 1), expected, sortOrder);
  }
});

Deno.test("sort by the table's own order records that order, and by another one none", async () => {
  const own = {
    orderId: 4,
    fields: [
      {
        sourceIds: [1],
        transform: { kind: "identity" },
        direction: "desc",
        nullOrder: "nulls-last",
      },
    ],
  } as const;
  const table = new ParquetTable({
    schemas: [SCHEMA],
    sortOrders: [{ orderId: 0, fields: [] }, own],
    defaultSortOrderId: 4,
  });
  for (let file = 0; file < 3; file++) await table.append(rowsFrom(file * 10, 10));
  const orderIds = async () => (await table.tasks()).map(({ dataFile }) => dataFile.sortOrderId);
  await compactFiles(table, { strategy: "sort" });
  assert.deepEqual(await orderIds(), [4]);
  assert.deepEqual((await columnOf(table, 0)).slice(0, 2), [29n, 28n]);
  await compactFiles(table, { strategy: "sort", sortOrder: "name asc" });
  assert.deepEqual(await orderIds(), [0]);
  await compactFiles(table, { strategy: "sort", sortOrder: "id desc nulls last" });
  assert.deepEqual(await orderIds(), [4]);
});

Deno.test("zorder keeps every row, and puts near each other what is near in both columns", async () => {
  const schema = schemaOf(column(1, "x", { kind: "int" }), column(2, "y", { kind: "int" }));
  const table = new ParquetTable({ schemas: [schema] });
  const rows = Array.from({ length: 256 }, (_, at) => [at % 16, Math.floor(at / 16)] as const);
  for (let file = 0; file < 4; file++) await table.append(rows.filter((_, at) => at % 4 === file));
  await compactFiles(table, { strategy: "zorder", sortOrder: "zorder(x, y)" });
  const found = await table.rows() as [number, number][];
  assert.deepEqual(rowSet(found), rowSet(rows));
  // Every sixteenth of the curve is a square of four by four.
  for (let at = 0; at < 256; at += 16) {
    const square = found.slice(at, at + 16);
    const spread = (place: 0 | 1) => {
      const values = square.map((row) => row[place]);
      return Math.max(...values) - Math.min(...values);
    };
    assert.deepEqual([spread(0), spread(1)], [3, 3]);
  }
});
