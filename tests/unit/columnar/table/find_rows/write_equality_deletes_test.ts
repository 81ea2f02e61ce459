/** How far equality deletes reach in tables whose partitions change. */
import assert from "node:assert/strict";
import {
  deleteRows,
  type PreparedDeletes,
} from "../../../../../lib/columnar/table/find_rows/delete_rows.ts";
import { KeyBag } from "../../../../../lib/columnar/table/keys/key_bag.ts";
import { deleteFiles } from "../../../../../lib/iceberg/commit/snapshot/delete_files.ts";
import { rowDelta } from "../../../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { manifestSource } from "../../../../../lib/iceberg/scan/manifest_source.ts";
import type { PartitionSpec } from "../../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import { currentSnapshot } from "../../../../../lib/iceberg/spec/table_metadata.ts";
import { parseTransform } from "../../../../../lib/iceberg/spec/transform.ts";
import { ParquetTable, type Row, rowSet } from "../../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../../support/parquet_module.ts";
import { batchOfRows } from "../../../../support/rows.ts";
import { field } from "../../arrow/_columns.ts";

await readyParquet();

const PAIRS = new Schema({
  schemaId: 0,
  fields: [field(1, "k", { kind: "long" }), field(2, "v", { kind: "string" })],
  identifierFieldIds: [],
});

const BY_TEXT: PartitionSpec = specOf(2, "identity");
const BY_BUCKET: PartitionSpec = { ...specOf(1, "bucket[4]"), specId: 1 };

function specOf(column: number, transform: string): PartitionSpec {
  const partitions = { sourceIds: [column], fieldId: 1000, name: "p" };
  return { specId: 0, fields: [{ ...partitions, transform: parseTransform(transform) }] };
}

let operations = 0;

/** Equality deletes for rows, by the columns with these ids. */
async function prepare(
  { metadata, store: { io } }: ParquetTable,
  { ids, rows }: { readonly ids: readonly number[]; readonly rows: readonly Row[] },
): Promise<PreparedDeletes> {
  const keys = new KeyBag({ schema: PAIRS, ids, holdsRows: true });
  keys.add(batchOfRows(PAIRS.fields, rows));
  const manifests = manifestSource(io, metadata);
  const snapshot = currentSnapshot(metadata) ?? null;
  const operationId = `op-${++operations}`;
  return await deleteRows({ metadata, io, manifests, snapshot }, {
    keys,
    deletes: "equality",
    operationId,
  });
}

/** From now on rows are written in another spec. */
function evolve(table: ParquetTable, spec: PartitionSpec): void {
  table.store.replace((metadata) => ({
    ...metadata,
    partitionSpecs: [...metadata.partitionSpecs, spec],
    defaultSpecId: spec.specId,
  }));
}

const ROWS: readonly Row[] = [[0n, "x0"], [1n, "x1"], [2n, "x2"]];
const UNSUPPORTED = { kind: "unsupported", code: "equality_deletes_unsupported" };

Deno.test("equality deletes are refused where they would not reach every row", async () => {
  const table = new ParquetTable({ schemas: [PAIRS], partitionSpecs: [BY_TEXT] });
  await table.append(ROWS);
  const byKey = { ids: [1], rows: [[1n, ""]] };
  await assert.rejects(prepare(table, byKey), UNSUPPORTED);
  const prepared = await prepare(table, { ids: [1, 2], rows: [[1n, "x1"], [2n, "else"]] });
  await table.commit(rowDelta(prepared.delta));
  assert.deepEqual(rowSet(await table.rows()), rowSet([[0n, "x0"], [2n, "x2"]]));
  // Files of an older spec would be out of their reach.
  evolve(table, BY_BUCKET);
  await assert.rejects(prepare(table, byKey), UNSUPPORTED);
});

Deno.test("the commit of equality deletes of a partition notices files of another spec", async () => {
  const key = { ids: [1, 2], rows: [[1n, "x1"]] };
  for (const other of [BY_BUCKET, { specId: 1, fields: [] }]) {
    const table = new ParquetTable({ schemas: [PAIRS], partitionSpecs: [BY_TEXT] });
    await table.append(ROWS);
    const prepared = await prepare(table, key);
    evolve(table, other);
    const [late] = await table.append([[1n, "x1"]]);
    assert.equal(late?.specId, 1);
    const refused = { kind: "conflict", code: "spec_conflict" };
    await assert.rejects(table.commit(rowDelta(prepared.delta)), refused);
    await prepared.abort();
    const again = prepare(table, key);
    if (other === BY_BUCKET) {
      await assert.rejects(again, UNSUPPORTED);
      continue;
    }
    // In a spec without partitions there are deletes that reach all.
    await table.commit(rowDelta((await again).delta));
    assert.deepEqual(rowSet(await table.rows()), rowSet([[0n, "x0"], [2n, "x2"]]));
  }
});

Deno.test("equality deletes of a partition go through where files of another spec are gone", async () => {
  const table = new ParquetTable({ schemas: [PAIRS], partitionSpecs: [BY_TEXT] });
  const [old] = await table.append([[1n, "x1"]]);
  evolve(table, BY_BUCKET);
  await table.append(ROWS);
  await table.commit(deleteFiles({ paths: [old?.filePath ?? ""] }));
  await table.commit(rowDelta((await prepare(table, { ids: [1], rows: [[1n, ""]] })).delta));
  assert.deepEqual(rowSet(await table.rows()), rowSet([[0n, "x0"], [2n, "x2"]]));
});
