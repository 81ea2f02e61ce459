import assert from "node:assert/strict";
import { readTask, type ReadTaskOptions } from "../../../../lib/columnar/mod.ts";
import { bind } from "../../../../lib/iceberg/expression/bind.ts";
import { lt } from "../../../../lib/iceberg/expression/expression.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import { ParquetTable } from "../../../support/maintenance/parquet_table.ts";
import { readyParquet } from "../../../support/parquet_module.ts";
import { field } from "../../../support/writable_tables.ts";

await readyParquet();

const schema = new Schema({ schemaId: 0, fields: [field(1, "id")], identifierFieldIds: [] });

async function tableOf(rows: number): Promise<ParquetTable> {
  const table = new ParquetTable({ schemas: [schema] });
  await table.append(Array.from({ length: rows }, (_, id) => [BigInt(id)]));
  return table;
}

/** How many rows come of those below a bound. */
async function rowsBelow(
  table: ParquetTable,
  bound: number,
  residual: NonNullable<ReadTaskOptions["residual"]>,
): Promise<number> {
  let found = 0;
  const options = { io: table.store.io, metadata: table.metadata, schema, residual };
  for (const task of await table.tasks()) {
    const filtered = { ...task, residual: bind(lt("id", bound), schema) };
    for await (const { numRows } of readTask(filtered, options)) found += numRows;
  }
  return found;
}

Deno.test("readTask() leaves out rows where that is asked for, and others where it pays", async () => {
  const table = await tableOf(100);
  assert.equal(await rowsBelow(table, 90, "rows"), 90);
  assert.equal(await rowsBelow(table, 90, "most_rows"), 100);
  assert.equal(await rowsBelow(table, 20, "most_rows"), 20);
  assert.equal(await rowsBelow(table, 20, "row_groups"), 100);
  assert.equal(await rowsBelow(table, 0, "most_rows"), 0);
});

Deno.test("readTask() brings no deleted row, however many match", async () => {
  const table = await tableOf(100);
  await table.deleteWhere(([id]) => id === 7n);
  assert.equal(await rowsBelow(table, 90, "most_rows"), 89);
});
