/** Rows deleted by key through real commits, against a model that compares values one by one. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  deleteRows,
  type DeleteRowsOptions,
} from "../../../../../lib/columnar/table/find_rows/delete_rows.ts";
import {
  findRows,
  type TableState,
} from "../../../../../lib/columnar/table/find_rows/find_rows.ts";
import { KeyBag } from "../../../../../lib/columnar/table/keys/key_bag.ts";
import { fastAppend } from "../../../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { rewriteFiles } from "../../../../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { manifestSource } from "../../../../../lib/iceberg/scan/manifest_source.ts";
import type { PartitionSpec } from "../../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import {
  currentSnapshot,
  type TableMetadata,
} from "../../../../../lib/iceberg/spec/table_metadata.ts";
import { parseTransform } from "../../../../../lib/iceberg/spec/transform.ts";
import type { IcebergValue } from "../../../../../lib/iceberg/spec/types.ts";
import { ParquetTable, type Row, rowSet } from "../../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../../support/parquet_module.ts";
import { batchOfRows } from "../../../../support/rows.ts";
import { field } from "../../arrow/_columns.ts";
import { exactText, ODD_FIELDS, ODD_KEY_IDS, oddRow } from "../_odd_columns.ts";
import { valueAt } from "../_table_model.ts";

await readyParquet();

const ODD = new Schema({ schemaId: 0, fields: ODD_FIELDS, identifierFieldIds: [] });

const partitioned = (column: number, transform: string): PartitionSpec => ({
  specId: 0,
  fields: [{
    sourceIds: [column],
    fieldId: 1000,
    name: "p",
    transform: parseTransform(transform),
  }],
});

function stateOf(table: ParquetTable): TableState {
  const { metadata, store: { io } } = table;
  const manifests = manifestSource(io, metadata);
  return { metadata, io, manifests, snapshot: currentSnapshot(metadata) ?? null };
}

function bagOf(schema: Schema, ids: readonly number[] | null, rows: readonly Row[]): KeyBag {
  const keys = new KeyBag({ schema, ids, holdsRows: true });
  for (const row of rows) keys.add(batchOfRows(schema.fields, [row]));
  return keys;
}

let operations = 0;

async function prepare(table: ParquetTable, options: Omit<DeleteRowsOptions, "operationId">) {
  return await deleteRows(stateOf(table), { operationId: `op-${++operations}`, ...options });
}

/** What a table of values holds after such a deletion. */
function without(
  rows: readonly Row[],
  gone: readonly Row[],
  { ids, match }: { readonly ids: readonly number[] | null; readonly match: "all" | "as_often" },
): { readonly kept: readonly Row[]; readonly found: number } {
  const keyOf = (row: Row) =>
    (ids ?? ODD_FIELDS.map(({ id }) => id)).map((id) => exactText(valueAt(row, ODD_FIELDS, id)))
      .join();
  const left = new Map<string, number>();
  for (const row of gone) left.set(keyOf(row), (left.get(keyOf(row)) ?? 0) + 1);
  const found = new Set<string>();
  const kept = rows.filter((row) => {
    const key = keyOf(row);
    const count = left.get(key) ?? 0;
    if (count === 0) return true;
    found.add(key);
    if (match === "as_often") left.set(key, count - 1);
    return false;
  });
  return { kept, found: found.size };
}

const step = fc.record({
  rows: fc.array(oddRow, { minLength: 1, maxLength: 10 }),
  gone: fc.array(oddRow, { maxLength: 3 }),
  absent: fc.array(oddRow, { maxLength: 2 }),
  ids: fc.oneof(
    fc.uniqueArray(fc.constantFrom(...ODD_KEY_IDS), { minLength: 1, maxLength: 3 }),
    fc.constant(null),
  ),
  match: fc.constantFrom("all" as const, "as_often" as const),
});

for (
  const [name, more] of [
    ["v2, unpartitioned", { formatVersion: 2 }],
    ["v2, deletes by file", {
      formatVersion: 2,
      partitionSpecs: [partitioned(3, "identity")],
      properties: { "write.delete.granularity": "file" },
    }],
    ["v2, by bucket", { formatVersion: 2, partitionSpecs: [partitioned(1, "bucket[2]")] }],
    ["v3, by identity", { formatVersion: 3, partitionSpecs: [partitioned(2, "identity")] }],
    ["v3, by truncation", { formatVersion: 3, partitionSpecs: [partitioned(3, "truncate[1]")] }],
  ] as const satisfies readonly (readonly [string, Partial<TableMetadata>])[]
) {
  Deno.test(`deleteRows() deletes the rows with the keys, and no others: ${name}`, async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 4 }),
      async (steps) => {
        const table = new ParquetTable({ schemas: [ODD], ...more });
        for (const { rows, gone, absent, ids, match } of steps) {
          await table.append(rows);
          const before = await table.read(ODD_FIELDS);
          const wanted = [...gone, ...rows.slice(0, 1), ...absent];
          const keys = bagOf(ODD, ids, wanted);
          const prepared = await prepare(table, { keys, match });
          const { kept, found } = without(before, wanted, { ids, match });
          assert.equal(prepared.deletedRows, before.length - kept.length);
          assert.equal(prepared.keysFound, found);
          await table.commit(rowDelta(prepared.delta));
          assert.deepEqual(texts(await table.read(ODD_FIELDS)), texts(kept));
        }
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });
}

/** Which of equal rows goes does not matter. */
function texts(rows: readonly Row[]): readonly string[] {
  return rows.map((row) => exactText(row)).sort();
}

Deno.test("deleteRows() by equality leaves the same rows", async () => {
  const property = fc.asyncProperty(
    fc.array(oddRow, { minLength: 1, maxLength: 10 }),
    fc.array(oddRow, { minLength: 1, maxLength: 3 }),
    fc.uniqueArray(fc.constantFrom(...ODD_KEY_IDS), { minLength: 1, maxLength: 3 }),
    async (rows, gone, ids) => {
      const table = new ParquetTable({ schemas: [ODD] });
      await table.append(rows);
      const prepared = await prepare(table, { keys: bagOf(ODD, ids, gone), deletes: "equality" });
      assert.equal(prepared.deletedRows, null);
      await table.commit(rowDelta(prepared.delta));
      const { kept } = without(rows, gone, { ids, match: "all" });
      assert.deepEqual(texts(await table.read(ODD_FIELDS)), texts(kept));
    },
  );
  await fc.assert(property, { numRuns: 25 });
});

const PAIRS = new Schema({
  schemaId: 0,
  fields: [field(1, "k", { kind: "long" }), field(2, "v", { kind: "string" })],
  identifierFieldIds: [],
});

function pairs(from: number, count: number, text = "x"): [bigint, string][] {
  return Array.from({ length: count }, (_, at) => [BigInt(from + at), `${text}${from + at}`]);
}

Deno.test("findRows() opens only files whose bounds and partitions may hold a key", async () => {
  const table = new ParquetTable({ schemas: [PAIRS] });
  const files: string[] = [];
  for (const from of [0, 100, 200, 300]) {
    files.push(...(await table.append(pairs(from, 50))).map((file) => file.filePath));
  }
  const { io } = table.store;
  const opened: string[] = [];
  const watched = new Proxy(io, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (location: string, ...rest: unknown[]) => {
        if (location.includes("/data/")) opened.push(location);
        return Reflect.apply(member, target, [location, ...rest]);
      };
    },
  });
  // One key between files, one in the second, one in the last.
  const keys = bagOf(PAIRS, [1], [[75n, ""], [120n, ""], [349n, ""]]);
  const search = findRows({ ...stateOf(table), io: watched }, { keys });
  const found = await Array.fromAsync(search);
  assert.deepEqual(
    new Map(found.map(({ task, positions }) => [task.dataFile.filePath, positions])),
    new Map([[files[1], [20]], [files[3], [49]]]),
  );
  assert.deepEqual(new Set(opened), new Set([files[1], files[3]]));
  assert.equal(search.rows, 2);
  assert.equal(search.keysFound, 2);
});

Deno.test("deleteRows() replaces vectors, and takes over what they held", async () => {
  const table = new ParquetTable({ schemas: [PAIRS], formatVersion: 3 });
  await table.append(pairs(0, 10));
  for (const key of [1n, 2n]) {
    const prepared = await prepare(table, { keys: bagOf(PAIRS, [1], [[key, ""]]) });
    await table.commit(rowDelta(prepared.delta));
  }
  const [task, ...others] = await table.tasks();
  assert.equal(others.length, 0);
  assert.deepEqual(task?.deletes.map(({ dataFile }) => dataFile.recordCount), [2]);
  assert.equal(table.snapshot.summary["total-delete-files"], "1");
  // Rows that are dead already match no key.
  const again = await prepare(table, { keys: bagOf(PAIRS, [1], [[1n, ""], [2n, ""]]) });
  assert.equal(again.deletedRows, 0);
  assert.deepEqual(again.delta.deletes, []);
});

Deno.test("deleteRows() refuses tables that know no deletes, and says what to do", async () => {
  const table = new ParquetTable({ schemas: [PAIRS], formatVersion: 1 });
  await assert.rejects(prepare(table, { keys: bagOf(PAIRS, [1], [[1n, ""]]) }), {
    kind: "unsupported",
    code: "row_deletes_unsupported",
    message: /upgrade the table to v2 or v3/,
  });
});

Deno.test("deleteRows() refuses keys of other types than the table has by now", async () => {
  const table = new ParquetTable({ schemas: [PAIRS] });
  await table.append(pairs(0, 3));
  const older = new Schema({
    schemaId: 0,
    fields: [field(1, "k", { kind: "int" }), field(2, "v", { kind: "string" })],
    identifierFieldIds: [],
  });
  const code = { kind: "conflict", code: "key_columns_changed" };
  await assert.rejects(prepare(table, { keys: bagOf(older, [1], [[1, ""]]) }), code);
  await assert.rejects(prepare(table, { keys: bagOf(older, null, [[1, ""]]) }), code);
  const narrow = new Schema({
    schemaId: 0,
    fields: PAIRS.fields.slice(0, 1),
    identifierFieldIds: [],
  });
  await assert.rejects(prepare(table, { keys: bagOf(narrow, null, [[1n]]) }), code);
  assert.equal((await prepare(table, { keys: bagOf(narrow, [1], [[1n]]) })).deletedRows, 1);
});

Deno.test("deleteRows() ends beyond its bound of rows, and leaves nothing behind", async () => {
  const table = new ParquetTable({ schemas: [PAIRS] });
  await table.append([[1n, "a"], [1n, "b"], [1n, "c"]]);
  const before = table.store.io.locations().length;
  await assert.rejects(prepare(table, { keys: bagOf(PAIRS, [1], [[1n, ""]]), maxRows: 2 }), {
    kind: "too_large",
    code: "deletes_too_many",
  });
  assert.equal(table.store.io.locations().length, before);
});

Deno.test("deleteRows() takes back what it prepared", async () => {
  for (const formatVersion of [2, 3] as const) {
    const table = new ParquetTable({ schemas: [PAIRS], formatVersion });
    await table.append(pairs(0, 3));
    const before = table.store.io.locations();
    for (const deletes of ["positions", "equality"] as const) {
      const prepared = await prepare(table, { keys: bagOf(PAIRS, [1], [[1n, ""]]), deletes });
      assert.equal(table.store.io.locations().length, before.length + 1);
      await prepared.abort();
      assert.deepEqual(table.store.io.locations(), before);
    }
  }
});

/** What comes between the look-up and the commit, and what the commit then says. */
async function overtaken(
  between: (table: ParquetTable) => Promise<void>,
  formatVersion: 2 | 3 = 3,
): Promise<string | null> {
  const table = new ParquetTable({ schemas: [PAIRS], formatVersion });
  await table.append(pairs(0, 10));
  const keys = bagOf(PAIRS, [1], [[4n, ""], [5n, ""]]);
  const prepared = await prepare(table, { keys });
  await between(table);
  const rows = rowSet(await table.read(PAIRS.fields));
  try {
    await table.commit(rowDelta(prepared.delta));
  } catch (error) {
    // Looked up again in what the table is by then.
    await prepared.abort();
    const again = await prepare(table, { keys });
    await table.commit(rowDelta(again.delta));
    await expectKeysGone(table, rows);
    return (error as { code: string }).code;
  }
  await expectKeysGone(table, rows);
  return null;
}

async function expectKeysGone(table: ParquetTable, before: readonly string[]): Promise<void> {
  const expected = before.filter((text) => !/^\["[45]n"/.test(text));
  assert.deepEqual(rowSet(await table.read(PAIRS.fields)), expected);
}

Deno.test("the commit of prepared deletes notices what came first", async () => {
  for (const formatVersion of [2, 3] as const) {
    const compaction = async (table: ParquetTable) => {
      const replaced = await table.tasks();
      const rows = await table.read(PAIRS.fields);
      const added = await table.write(rows);
      const startingSnapshotId = table.snapshot.snapshotId;
      await table.commit(rewriteFiles({ replaced, added, startingSnapshotId }));
    };
    assert.equal(await overtaken(compaction, formatVersion), "files_missing");
    const sameKey = async (table: ParquetTable) => void await table.append([[5n, "late"]]);
    assert.equal(await overtaken(sameKey, formatVersion), "data_conflict");
    const otherKey = async (table: ParquetTable) => void await table.append([[500n, "late"]]);
    assert.equal(await overtaken(otherKey, formatVersion), null);
    const nothing = (table: ParquetTable) => table.commit(fastAppend({ files: [] }));
    assert.equal(await overtaken(nothing, formatVersion), null);
    const deletion = (table: ParquetTable) =>
      table.deleteWhere(([key]) => key === 4n || key === 9n);
    assert.equal(await overtaken(deletion, formatVersion), "delete_conflict");
  }
});

Deno.test("an upsert replaces the rows with its keys, in a single snapshot", async () => {
  for (const formatVersion of [2, 3] as const) {
    const table = new ParquetTable({ schemas: [PAIRS], formatVersion });
    await table.append(pairs(0, 4));
    const news: [bigint, IcebergValue][] = [[2n, "new"], [7n, "new"]];
    const rows = await table.write(news);
    const prepared = await prepare(table, { keys: bagOf(PAIRS, [1], news) });
    await table.commit(rowDelta({ rows, ...prepared.delta }));
    assert.equal(table.snapshot.summary["operation"], "overwrite");
    assert.deepEqual(
      rowSet(await table.read(PAIRS.fields)),
      rowSet([[0n, "x0"], [1n, "x1"], [2n, "new"], [3n, "x3"], [7n, "new"]]),
    );
    assert.equal(prepared.keysFound, 1);
  }
});
