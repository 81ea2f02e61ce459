/**
 * Partition transforms on whole columns (spec "Partition Transforms"): what
 * `lib/iceberg/spec/apply_transform.ts` does value by value, on typed arrays.
 */
import { type Data, type DataType, Type as ArrowTypeId } from "apache-arrow";
import { AppError } from "../../errors.ts";
import { applyTransform } from "../../iceberg/spec/apply_transform.ts";
import {
  canTransform,
  formatTransform,
  type Transform,
  transformResultType,
} from "../../iceberg/spec/transform.ts";
import type { Type } from "../../iceberg/spec/types.ts";
import { arrowType } from "../arrow/arrow_schema.ts";
import { columnBuilder } from "../arrow/column_builder.ts";
import { withValues } from "../arrow/layout.ts";
import { nullColumn } from "../arrow/null_column.ts";
import { valueReader } from "../arrow/value_reader.ts";
import { bucketNumbers } from "./_bucket_column.ts";
import {
  floorUnits,
  monthsOf,
  truncateInts,
  truncateLongs,
  yearsOf,
} from "./_number_transforms.ts";

/** Options of {@linkcode transformColumn}. */
export interface TransformColumnOptions {
  /** The column's Iceberg type. */
  readonly type: Type;
  /** Name of the column, for messages. */
  readonly column: string;
}

/**
 * The transformed values of a column in the Arrow form of its type. A transform that is unknown or
 * not defined for the type is `unsupported`.
 */
export function transformColumn(
  column: Data,
  transform: Transform,
  options: TransformColumnOptions,
): Data {
  const { type } = options;
  const target = arrowType(transformResultType(transform, type));
  if (transform.kind === "void") return nullColumn(target, column.length);
  if (!canTransform(transform, type)) throw notDefined(transform, options);
  switch (transform.kind) {
    case "identity":
      return column;
    case "bucket":
      return withValues(column, target, {
        values: bucketNumbers(column, { type, numBuckets: transform.numBuckets }),
      });
    case "truncate":
      return truncateColumn(column, transform.width, options);
    case "year":
      return ints(column, target, yearsOf(daysIn(column, type), column.length));
    case "month":
      return ints(column, target, monthsOf(daysIn(column, type), column.length));
    case "day":
      return ints(column, target, daysIn(column, type));
    case "hour":
      return ints(
        column,
        target,
        floorUnits(column.values, { length: column.length, perUnit: perHour(type) }),
      );
    case "unknown":
      throw notDefined(transform, options);
  }
}

function truncateColumn(column: Data, width: number, options: TransformColumnOptions): Data {
  const { type } = options;
  const { length } = column;
  switch (type.kind) {
    case "int":
      return withValues(column, column.type, {
        values: truncateInts(column.values, { length, width }),
      });
    case "long":
      return withValues(column, column.type, {
        values: truncateLongs(column.values, { length, width }),
      });
    case "decimal":
      return withValues(column, column.type, { values: truncateDecimals(column, { type, width }) });
    default:
      return byValue(column, { kind: "truncate", width }, options);
  }
}

/** Rounded down, which may take a digit more than the type has: manifests have room for it. */
function truncateDecimals(
  column: Data,
  { type, width }: { readonly type: Type; readonly width: number },
): Uint32Array {
  const read = valueReader(column, type);
  const words = new Uint32Array(4 * column.length);
  for (let row = 0; row < column.length; row++) {
    let rest = applyTransform({ kind: "truncate", width }, type, read(row));
    if (typeof rest !== "bigint") continue;
    for (let word = 0; word < 4; word++, rest >>= 32n) {
      words[4 * row + word] = Number(rest & 0xffff_ffffn);
    }
  }
  return words;
}

/** Text and bytes. */
function byValue(
  column: Data,
  transform: Transform,
  { type, column: name }: TransformColumnOptions,
) {
  const read = valueReader(column, type);
  const builder = columnBuilder(transformResultType(transform, type), { column: name });
  for (let row = 0; row < column.length; row++) {
    builder.append(applyTransform(transform, type, read(row)));
  }
  return builder.finish();
}

function daysIn(column: Data, type: Type): Int32Array {
  if (column.typeId === ArrowTypeId.Date) return column.values;
  const perUnit = 24 * perHour(type);
  return floorUnits(column.values, { length: column.length, perUnit });
}

function ints(column: Data, target: DataType, values: Int32Array): Data {
  return withValues(column, target, { values });
}

/** Units of a timestamp type in an hour. */
function perHour(type: Type): number {
  const nanos = type.kind === "timestamp_ns" || type.kind === "timestamptz_ns";
  return nanos ? 3_600_000_000_000 : 3_600_000_000;
}

function notDefined(transform: Transform, { type, column }: TransformColumnOptions): AppError {
  return new AppError(
    "unsupported",
    "transform_unsupported",
    `Cannot apply ${
      formatTransform(transform).slice(0, 64)
    } to column "${column}" of type ${type.kind}`,
  );
}
