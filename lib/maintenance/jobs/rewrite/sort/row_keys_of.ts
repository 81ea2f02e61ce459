/** The keys that rows of a group are laid out by. */
import {
  type KeyMaker,
  type RowKeys,
  sortOrderKeys,
  zOrderKeys,
} from "../../../../columnar/mod.ts";
import type { PartitionSpec } from "../../../../iceberg/spec/partition_spec.ts";
import type { Schema } from "../../../../iceberg/spec/schema.ts";
import type { SortField, SortOrder } from "../../../../iceberg/spec/sort_order.ts";
import type { RowOrder } from "../../compaction/row_order.ts";

/** Options of {@linkcode rowKeysOf}. */
export interface RowKeysOptions {
  readonly schema: Schema;
  /** The spec whose partitions are told apart first; null where all rows are of one. */
  readonly partitionedBy: PartitionSpec | null;
}

/**
 * Keys by partition, where there are several, and then by the order: whoever writes rows that come so
 * has one file open at a time. Errors: `unsupported` for columns that have no order.
 */
export function rowKeysOf(order: RowOrder, { schema, partitionedBy }: RowKeysOptions): KeyMaker {
  const partition = partitionedBy === null ? [] : partitionFields(partitionedBy);
  if (order.kind === "zorder") {
    const curve = zOrderKeys(order.columns, schema, order.options);
    return partition.length === 0 ? curve : joined(keysBy(partition, schema), curve);
  }
  return keysBy([...partition, ...order.kind === "sort" ? order.order.fields : []], schema);
}

function keysBy(fields: readonly SortField[], schema: Schema): KeyMaker {
  const order: SortOrder = { orderId: 0, fields };
  return sortOrderKeys(order, schema);
}

function partitionFields({ fields }: PartitionSpec): readonly SortField[] {
  return fields.filter(({ transform }) => transform.kind !== "void")
    .map(({ sourceIds, transform }) => ({
      sourceIds,
      transform,
      direction: "asc",
      nullOrder: "nulls-first",
    }));
}

/** No key is the beginning of another, so that keys sort one after the other as they would together. */
function joined(first: KeyMaker, second: KeyMaker): KeyMaker {
  return (batch): RowKeys => {
    const [a, b] = [first(batch), second(batch)];
    const { length } = a;
    const bytes = new Uint8Array(a.bytes.length + b.bytes.length);
    const offsets = new Uint32Array(length + 1);
    let at = 0;
    for (let row = 0; row < length; row++) {
      for (const { bytes: own, offsets: places } of [a, b]) {
        const key = own.subarray(places[row], places[row + 1]);
        bytes.set(key, at);
        at += key.length;
      }
      offsets[row + 1] = at;
    }
    return { length, bytes, offsets };
  };
}
