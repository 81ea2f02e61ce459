/** Transforms over batches in memory, run in one engine. */
import assert from "node:assert/strict";
import type { RecordBatch } from "apache-arrow";
import { arrowSchema } from "../../../lib/columnar/arrow/arrow_schema.ts";
import { Schema } from "../../../lib/iceberg/spec/schema.ts";
import type { IcebergValue, NestedField, Type } from "../../../lib/iceberg/spec/types.ts";
import { openTransform, type Transform, type TransformOptions } from "../../../lib/sql/mod.ts";
import { NOW_MS, openEngine } from "../../support/query_table.ts";
import { batchOfRows, rowsOfBatch } from "../../support/rows.ts";

/** The engine of this test file. */
export const db = await openEngine();
/** Never fires. */
export const never = new AbortController().signal;
/** How the source is called. */
export const NAMES = ["db.events", "drls.db.events"];

/** A schema of these columns, ids from 1 on. */
export function schemaOf(columns: Readonly<Record<string, Type>>): Schema {
  const fields = Object.entries(columns).map(([name, type], i): NestedField => ({
    id: i + 1,
    name,
    required: false,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  }));
  return new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
}

/** Opens a transform over a schema. */
export function open(
  schema: Schema,
  options: Partial<Omit<TransformOptions, "schema">>,
): Promise<Transform> {
  return openTransform(db, {
    schema,
    names: NAMES,
    where: null,
    transform: null,
    nowMs: NOW_MS,
    ...options,
  });
}

/** Batches one after the other, each as its columns are asked for. */
export async function* feed(
  schema: Schema,
  ...batches: readonly (readonly (readonly IcebergValue[])[])[]
): AsyncGenerator<RecordBatch> {
  for (const rows of batches) {
    await Promise.resolve();
    yield batchOfRows(schema.fields, rows);
  }
}

/** The rows that come out, of batches that a writer of files would take. */
export async function collect(
  transform: Transform,
  batches: AsyncIterable<RecordBatch>,
): Promise<IcebergValue[][]> {
  const rows: IcebergValue[][] = [];
  const { fields } = transform.outputSchema;
  const wanted = arrowSchema(transform.outputSchema).fields.map(({ type }) => String(type));
  for await (const batch of transform.run(batches, never)) {
    assert.deepEqual(batch.schema.fields.map(({ type }) => String(type)), wanted);
    assert.deepEqual(batch.schema.fields.map(({ name }) => name), fields.map(({ name }) => name));
    rows.push(...rowsOfBatch(batch, fields));
  }
  return rows;
}
