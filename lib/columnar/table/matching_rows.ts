/** Rows that match a predicate. */
import type { RecordBatch } from "apache-arrow";
import { type BoundExpression, referencedFieldIds } from "../../iceberg/expression/bound.ts";
import { rowMatcher } from "../../iceberg/expression/match_row.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { filterRows } from "../arrow/batch.ts";
import { newBitmap, setBit } from "../arrow/bitmap.ts";
import { type ValueReader, valueReader } from "../arrow/value_reader.ts";
import { columnReader } from "./column_reader.ts";

/** The rows of batches of this schema that match, batch by batch. */
export function matchingRows(
  expression: BoundExpression,
  schema: Schema,
): (batch: RecordBatch) => RecordBatch {
  const columns = [...referencedFieldIds(expression)].map((id) => {
    const path = schema.findById(id);
    if (path === undefined) throw new TypeError(`Cannot find column ${id} of a filter`);
    return { id, type: path.field.type, columnOf: columnReader(path, schema) };
  });
  return (batch) => {
    const readers = new Map<number, ValueReader>();
    for (const { id, type, columnOf } of columns) {
      readers.set(id, valueReader(columnOf(batch), type));
    }
    const matches = rowMatcher<number>(
      expression,
      (row, { fieldId }) => readers.get(fieldId)?.(row) ?? null,
    );
    const bits = newBitmap(batch.numRows);
    for (let row = 0; row < batch.numRows; row++) if (matches(row)) setBit(bits, row);
    return filterRows(batch, { bits });
  };
}
