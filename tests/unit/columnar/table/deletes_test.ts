/** Deletes of every kind, written by the writers and applied by the reader, against plain rows. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { DeleteLoader } from "../../../../lib/columnar/table/deletes/delete_loader.ts";
import { PositionDeleteWriter } from "../../../../lib/columnar/table/position_delete_writer.ts";
import { DeletionVectorWriter } from "../../../../lib/columnar/table/deletion_vector_writer.ts";
import { AppError } from "../../../../lib/errors.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField } from "../../../../lib/iceberg/spec/types.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { field } from "../arrow/_columns.ts";
import { TableModel, type TableModelOptions } from "./_table_model.ts";

await readyParquet();

const TEXTS = ["", "a", "b", "é"];
const bytes = (...values: number[]) => Uint8Array.from(values);

/** Few values for each column, so that deletes meet rows; all that compare in odd ways. */
const COLUMNS: readonly (readonly [NestedField, readonly IcebergValue[]])[] = [
  [field(1, "id", { kind: "long" }), [null, -1n, 0n, 2n ** 62n]],
  [field(2, "f", { kind: "double" }), [null, NaN, 0, -0, 1.5, -Infinity]],
  [field(3, "t", { kind: "string" }), [null, ...TEXTS]],
  [
    field(4, "s", {
      kind: "struct",
      fields: [field(5, "x", { kind: "int" }), field(6, "y", { kind: "boolean" })],
    }),
    [null, [null, true], [1, null], [1, false]],
  ],
  [field(7, "d", { kind: "decimal", precision: 20, scale: 2 }), [null, 5n, -5n, 10n ** 19n]],
  [field(8, "b", { kind: "binary" }), [null, bytes(), bytes(0), bytes(0, 1), bytes(1)]],
  [field(9, "u", { kind: "uuid" }), [
    null,
    "00000000-0000-0000-0000-000000000001",
    "f79c3e09-677c-4bbd-a479-3f349cb785e7",
  ]],
  [field(10, "n", { kind: "date" }), [null, 0, 19_000]],
];
const FIELDS = COLUMNS.map(([column]) => column);
const SCHEMA = new Schema({ schemaId: 0, fields: FIELDS, identifierFieldIds: [] });
const KEY_IDS = [1, 2, 3, 5, 6, 7, 8, 9, 10];
const SPEC: PartitionSpec = {
  specId: 1,
  fields: [{ sourceIds: [3], fieldId: 1000, name: "t", transform: { kind: "identity" } }],
};

const row = fc.tuple(...COLUMNS.map(([, values]) => fc.constantFrom(...values)));
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(row, { minLength: 1, maxLength: 12 }).map((rows) => ({ rows })),
  },
  { weight: 2, arbitrary: fc.func(fc.boolean()).map((which) => ({ which })) },
  {
    weight: 3,
    arbitrary: fc.record({
      ids: fc.uniqueArray(fc.constantFrom(...KEY_IDS), { minLength: 1, maxLength: 3 }),
      keys: fc.array(row, { minLength: 1, maxLength: 4 }),
      isGlobal: fc.boolean(),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function run(
  steps: readonly Step[],
  options: Omit<TableModelOptions, "schema">,
): Promise<TableModel> {
  const table = new TableModel({ schema: SCHEMA, ...options });
  for (const one of steps) {
    if ("rows" in one) await table.append(one.rows);
    else if ("which" in one) await table.deletePositions((at) => one.which(at));
    else await table.deleteEqual(one.ids, one.keys, { isGlobal: one.isGlobal });
  }
  return table;
}

function sorted(rows: readonly (readonly IcebergValue[])[]): string[] {
  return rows.map((values) =>
    JSON.stringify(
      values,
      (_, value) =>
        typeof value === "bigint"
          ? `${value}n`
          : Object.is(value, -0)
          ? "-0"
          : Number.isNaN(value)
          ? "NaN"
          : value === -Infinity
          ? "-inf"
          : value instanceof Uint8Array
          ? value.toHex()
          : value,
    )
  ).sort();
}

for (
  const [name, options] of [
    ["v2, unpartitioned", {}],
    ["v2, partitioned", { spec: SPEC }],
    ["v2, deletes by file", { spec: SPEC, properties: { "write.delete.granularity": "file" } }],
    ["v3, with deletion vectors", { spec: SPEC, formatVersion: 3 }],
  ] as const
) {
  Deno.test(`readTask() leaves out what was deleted, and nothing else: ${name}`, async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 6 }),
      async (steps) => {
        const table = await run(steps, options);
        assert.deepEqual(sorted(await table.read()), sorted(table.liveRows()));
        // Columns that are compared and not asked for are read and dropped.
        const fields = FIELDS.slice(0, 1);
        const ids = await table.read({ fields, batchRows: 3 });
        assert.deepEqual(sorted(ids), sorted(table.liveRows().map((values) => values.slice(0, 1))));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
}

Deno.test("deletes are read once for all data files that share them, within the budget", async () => {
  const table = new TableModel({ schema: SCHEMA });
  const values = COLUMNS.map(([, all]) => all[1] ?? null);
  for (let i = 0; i < 5; i++) await table.append([[BigInt(i), ...values.slice(1)], values]);
  await table.deletePositions((at) => at % 4 === 0);
  await table.deleteEqual([1], [[3n, ...values.slice(1)]]);
  const reads = async (deletes: DeleteLoader) => {
    const before = table.io.calls.length;
    assert.deepEqual(sorted(await table.read({ deletes })), sorted(table.liveRows()));
    const paths = new Set(table.deleteFiles.map(({ dataFile }) => dataFile.filePath));
    return table.io.calls.slice(before).filter(({ location }) => paths.has(location)).length;
  };
  const kept = await reads(new DeleteLoader({ io: table.io }));
  const none = await reads(new DeleteLoader({ io: table.io, maxBytes: 0 }));
  assert.equal(table.deleteFiles.length, 2);
  assert(kept <= 4, `${kept} reads`);
  assert(none >= 2 * kept, `${none} reads without a budget, ${kept} with one`);
});

Deno.test("equality deletes go on to apply after their column was renamed, widened or dropped", async () => {
  const v0 = new Schema({
    schemaId: 0,
    fields: [
      field(1, "id", { kind: "int" }),
      field(2, "k", { kind: "int" }),
      field(3, "f", { kind: "float" }),
    ],
    identifierFieldIds: [],
  });
  const table = new TableModel({ schema: v0 });
  await table.append([[1, 10, 0.5], [2, 20, 1.5], [3, null, 2.5], [4, 40, NaN]]);
  await table.deleteEqual([2], [[0, 20, 0], [0, null, 0]]);
  await table.deleteEqual([3], [[0, 0, NaN]]);
  const v1 = new Schema({
    schemaId: 1,
    fields: [field(1, "id", { kind: "long" }), field(3, "wide", { kind: "double" })],
    identifierFieldIds: [],
  });
  table.metadata = { ...table.metadata, schemas: [v0, v1], currentSchemaId: 1 };
  assert.deepEqual(await table.read({ schema: v1 }), [[1n, 0.5]]);
});

Deno.test("a delete file by a column that the table never had is refused", async () => {
  const table = new TableModel({ schema: SCHEMA });
  const values = COLUMNS.map(([, all]) => all[1] ?? null);
  await table.append([values]);
  await table.deleteEqual([1], [values]);
  const [file] = table.deleteFiles;
  assert(file !== undefined);
  const tasks = (equalityIds: readonly number[]) =>
    table.tasks().map((task) => ({
      ...task,
      deletes: [{ ...file, dataFile: { ...file.dataFile, equalityIds } }],
    }));
  await assert.rejects(table.read({}, tasks([99])), /compares a column that no schema/);
  await assert.rejects(table.read({}, tasks([])), /names no columns/);
  await assert.rejects(table.read({}, tasks([4])), /column "s" of type struct/);
});

Deno.test("a deletion vector of another size than its manifest says is refused", async () => {
  const table = new TableModel({ schema: SCHEMA, formatVersion: 3 });
  const values = COLUMNS.map(([, all]) => all[1] ?? null);
  await table.append([values, values, values]);
  await table.deletePositions((at) => at === 1);
  const tasks = table.tasks().map((task) => ({
    ...task,
    deletes: task.deletes.map((file) => ({
      ...file,
      dataFile: { ...file.dataFile, recordCount: 2 },
    })),
  }));
  await assert.rejects(
    table.read({}, tasks),
    (error) => error instanceof AppError && error.code === "delete_file_malformed",
  );
});

Deno.test("a new vector takes over what was deleted before, and says what it replaces", async () => {
  const table = new TableModel({ schema: SCHEMA, formatVersion: 3 });
  const values = COLUMNS.map(([, all]) => all[1] ?? null);
  await table.append(Array.from({ length: 10 }, () => values));
  await table.deletePositions((at) => at < 2);
  const [first] = table.deleteFiles;
  await table.deletePositions((at) => at === 5 || at === 1);
  const [second, ...others] = table.deleteFiles;
  assert.equal(others.length, 0);
  assert.notEqual(first, second);
  assert.equal(second?.dataFile.recordCount, 3);
  assert.equal((await table.read()).length, 7);
});

Deno.test("each format version has its own kind of deletes by position", () => {
  const v2 = new TableModel({ schema: SCHEMA });
  const v3 = new TableModel({ schema: SCHEMA, formatVersion: 3 });
  const options = (table: TableModel) => ({
    io: table.io,
    metadata: table.metadata,
    operationId: "o",
  });
  assert.throws(() => new PositionDeleteWriter(options(v3)), /takes deletion vectors/);
  const deletes = new DeleteLoader({ io: v2.io });
  assert.throws(() => new DeletionVectorWriter({ ...options(v2), deletes }), /before format v3/);
});
