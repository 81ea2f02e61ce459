/** Columns that hold one value in every row: partition values, defaults, file names. */
import type { Data } from "apache-arrow";
import type { IcebergValue, Type } from "../../iceberg/spec/types.ts";
import { arrowType } from "./arrow_schema.ts";
import { columnBuilder } from "./column_builder.ts";
import { gather } from "./gather.ts";
import { nullColumn } from "./null_column.ts";

/** Options of {@linkcode constantColumn}. */
export interface ConstantColumnOptions {
  /** Rows. */
  readonly length: number;
  /** Name of the column, for messages. */
  readonly column: string;
}

/** `length` times the same value. */
export function constantColumn(
  type: Type,
  value: IcebergValue,
  options: ConstantColumnOptions,
): Data {
  const { length, column } = options;
  if (value === null) return nullColumn(arrowType(type), length);
  const builder = columnBuilder(type, { column });
  builder.append(value);
  return gather([builder.finish()], { rows: new Int32Array(length), chunkOf: null });
}
