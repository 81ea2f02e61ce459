/** Splits batches by partition: the spec's transforms run on whole columns, rows are told by key. */
import type { Data, RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { PartitionSpec } from "../../../iceberg/spec/partition_spec.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import {
  canTransform,
  formatTransform,
  type Transform,
  transformResultType,
} from "../../../iceberg/spec/transform.ts";
import type { IcebergValue, Type } from "../../../iceberg/spec/types.ts";
import { gatherRows } from "../../arrow/batch.ts";
import { encodeRowKeys } from "../../arrow/row_keys.ts";
import { valueReader } from "../../arrow/value_reader.ts";
import { type ColumnOf, columnReader } from "../column_reader.ts";
import { transformColumn } from "../transform_column.ts";
import { KeyMap } from "./key_map.ts";

/** Rows of one partition. */
export interface PartitionRows {
  /** Number of the partition, from 0 on in the order of first appearance. */
  readonly partition: number;
  readonly rows: RecordBatch;
}

interface RoutedField {
  readonly name: string;
  readonly transform: Transform;
  readonly sourceType: Type;
  readonly resultType: Type;
  readonly columnOf: ColumnOf;
}

/** Splits batches of one schema by one spec. */
export class PartitionRouter {
  readonly #fields: readonly RoutedField[];
  readonly #keys = new KeyMap();
  readonly #tuples: (readonly IcebergValue[])[] = [];

  /** A spec with unknown transforms, or whose source column is gone, is `unsupported`. */
  constructor(spec: PartitionSpec, schema: Schema) {
    this.#fields = spec.fields.map(({ sourceIds, transform, name }): RoutedField => {
      const [sourceId, ...others] = sourceIds;
      const path = sourceId === undefined ? undefined : schema.findById(sourceId);
      const isVoid = transform.kind === "void";
      // Void partitions outlive their columns.
      const type: Type = isVoid ? UNKNOWN : path?.field.type ?? UNKNOWN;
      if (!isVoid && (path === undefined || others.length > 0 || !canTransform(transform, type))) {
        throw notWritable(name, transform);
      }
      return {
        name,
        transform,
        sourceType: type,
        resultType: transformResultType(transform, type),
        columnOf: path === undefined || isVoid ? (batch) => batch.data : columnReader(path, schema),
      };
    });
  }

  /** Partitions seen so far. */
  get size(): number {
    return this.#tuples.length;
  }

  /** The values of a partition, in the order of the spec. */
  tupleOf(partition: number): readonly IcebergValue[] {
    const tuple = this.#tuples[partition];
    if (tuple === undefined) throw new RangeError(`Cannot find partition ${partition}`);
    return tuple;
  }

  /** The rows of each partition in the batch, in their order; the batch itself where it is one. */
  split(batch: RecordBatch): readonly PartitionRows[] {
    if (batch.numRows === 0) return [];
    const columns = this.#fields.map(({ columnOf, transform, sourceType, name }) =>
      transformColumn(columnOf(batch), transform, { type: sourceType, column: name })
    );
    const partitionOf = this.#partitionsOf(columns, batch.numRows);
    const [first = 0] = partitionOf;
    if (partitionOf.every((partition) => partition === first)) {
      return [{ partition: first, rows: batch }];
    }
    return groupRows(partitionOf).map(({ partition, rows }) => ({
      partition,
      rows: gatherRows([batch], { rows, chunkOf: null }),
    }));
  }

  #partitionsOf(columns: readonly Data[], length: number): Int32Array {
    const keys = encodeRowKeys(
      columns.map((column, at) => ({ column, type: this.#fields[at]?.resultType ?? UNKNOWN })),
      { length },
    );
    const partitionOf = this.#keys.numbersOf(keys);
    for (let row = 0; this.#tuples.length < this.#keys.size; row++) {
      if (partitionOf[row] !== this.#tuples.length) continue;
      this.#tuples.push(
        columns.map((column, at) =>
          valueReader(column, this.#fields[at]?.resultType ?? UNKNOWN)(row)
        ),
      );
    }
    return partitionOf;
  }
}

const UNKNOWN: Type = { kind: "unknown" };

/** Rows by partition, partitions in the order of their first row. */
function groupRows(partitionOf: Int32Array): { partition: number; rows: Int32Array }[] {
  const counts = new Map<number, number>();
  for (const partition of partitionOf) counts.set(partition, (counts.get(partition) ?? 0) + 1);
  const groups = new Map<number, { rows: Int32Array; used: number }>();
  for (const [partition, count] of counts) {
    groups.set(partition, { rows: new Int32Array(count), used: 0 });
  }
  for (let row = 0; row < partitionOf.length; row++) {
    const group = groups.get(partitionOf[row]!);
    if (group !== undefined) group.rows[group.used++] = row;
  }
  return [...groups].map(([partition, { rows }]) => ({ partition, rows }));
}

function notWritable(name: string, transform: Transform): AppError {
  return new AppError(
    "unsupported",
    "partition_unsupported",
    `Cannot write partition field "${name}": ${formatTransform(transform).slice(0, 64)} is not a ` +
      "transform of a column that the rows have",
  );
}
