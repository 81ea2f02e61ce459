/** Keys of rows by an Iceberg sort order (spec "Sorting"), transforms included. */
import type { RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { SortOrder } from "../../../iceberg/spec/sort_order.ts";
import {
  canTransform,
  formatTransform,
  transformResultType,
} from "../../../iceberg/spec/transform.ts";
import { canMakeKeys, encodeRowKeys, type KeyColumn, type RowKeys } from "../../arrow/row_keys.ts";
import { columnReader } from "../column_reader.ts";
import { transformColumn } from "../transform_column.ts";

/** Makes the keys of a batch's rows. Batches have the Arrow form of the schema at hand. */
export type KeyMaker = (batch: RecordBatch) => RowKeys;

/**
 * The keys that sort rows of `schema` by `order`. A sort field whose column is gone, whose transform
 * is unknown or whose type has no order is `unsupported`.
 */
export function sortOrderKeys(order: SortOrder, schema: Schema): KeyMaker {
  const fields = order.fields.map((field) => {
    const [sourceId, ...others] = field.sourceIds;
    const path = sourceId === undefined ? undefined : schema.findById(sourceId);
    if (path === undefined || others.length > 0) {
      throw unsupported(`Cannot sort by field ${sourceId}: the table has no such column`);
    }
    const { transform } = field;
    const { type } = path.field;
    if (!canTransform(transform, type) || !canMakeKeys(transformResultType(transform, type))) {
      const text = formatTransform(transform).slice(0, 64);
      throw unsupported(`Cannot sort by ${text} of column "${path.name}" of type ${type.kind}`);
    }
    const columnOf = columnReader(path, schema);
    const resultType = transformResultType(transform, type);
    return (batch: RecordBatch): KeyColumn => ({
      column: transformColumn(columnOf(batch), transform, { type, column: path.name }),
      type: resultType,
      direction: field.direction,
      nullOrder: field.nullOrder,
    });
  });
  return (batch) => encodeRowKeys(fields.map((field) => field(batch)), { length: batch.numRows });
}

function unsupported(message: string): AppError {
  return new AppError("unsupported", "sort_unsupported", message);
}
