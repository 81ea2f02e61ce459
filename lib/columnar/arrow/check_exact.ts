/**
 * What a cast would cut from values: fractions of a second, times of day, digits of a double, a zone.
 * Reading a table takes what is there; rows that somebody hands in are refused instead.
 */
import {
  type Data,
  type Date_,
  DateUnit,
  type Float,
  Precision,
  type Time,
  type Timestamp,
  TimeUnit,
  Type as ArrowTypeId,
} from "apache-arrow";
import type { PrimitiveType } from "../../iceberg/spec/types.ts";
import type { ColumnFault } from "./column_error.ts";
import { plainColumn } from "./plain.ts";

const MILLIS_PER_DAY = 86_400_000n;
const NANOS_PER_MICRO = 1_000n;

/**
 * Cut what does not fit; refuse it; refuse also times with a zone for times without, or the reverse.
 * `values_in_utc` takes times without a zone for instants in UTC, and refuses the reverse.
 */
export type Exactness = "none" | "values" | "values_in_utc" | "values_and_zones";

/** Options of {@linkcode checkExact}. */
export interface CheckExactOptions {
  readonly exactness: Exactness;
  readonly fault: ColumnFault;
}

/** Throws what `fault` makes where `castColumn` to `type` would lose a part of a value. */
export function checkExact(column: Data, type: PrimitiveType, options: CheckExactOptions): void {
  const { exactness, fault } = options;
  if (exactness === "none") return;
  switch (column.typeId) {
    case ArrowTypeId.Dictionary:
      return checkExact(plainColumn(column), type, options);
    case ArrowTypeId.Timestamp:
      if (exactness !== "values") checkZone(column, type, options);
      if (isNanos(column) && type.kind.startsWith("timestamp") && !type.kind.endsWith("_ns")) {
        checkMultiples(column, NANOS_PER_MICRO, fault);
      }
      return;
    case ArrowTypeId.Time:
      if (isNanos(column) && type.kind === "time") checkMultiples(column, NANOS_PER_MICRO, fault);
      return;
    case ArrowTypeId.Date:
      if ((column.type as Date_).unit !== DateUnit.DAY && type.kind === "date") {
        checkMultiples(column, MILLIS_PER_DAY, fault);
      }
      return;
    case ArrowTypeId.Float:
      if ((column.type as Float).precision === Precision.DOUBLE && type.kind === "float") {
        checkSingles(column, fault);
      }
  }
}

function isNanos(column: Data): boolean {
  return (column.type as Timestamp | Time).unit === TimeUnit.NANOSECOND;
}

/** An instant is no time on a wall, nor the other way round. */
function checkZone(
  column: Data,
  type: PrimitiveType,
  { exactness, fault }: CheckExactOptions,
): void {
  const hasZone = Boolean((column.type as Timestamp).timezone);
  const isInstant = type.kind === "timestamptz" || type.kind === "timestamptz_ns";
  if (hasZone && (type.kind === "timestamp" || type.kind === "timestamp_ns")) {
    throw fault(`it holds times with a zone, wanted ${type.kind}, which has none`, null);
  }
  if (!hasZone && isInstant && exactness === "values_and_zones") {
    throw fault(`it holds times without a zone, wanted ${type.kind}, which has one`, null);
  }
}

function checkMultiples(column: Data, divisor: bigint, fault: ColumnFault): void {
  const values: BigInt64Array = column.values;
  for (let row = 0; row < column.length; row++) {
    if (values[row]! % divisor === 0n || !column.getValid(row)) continue;
    throw fault("it is finer than its type can hold", row);
  }
}

function checkSingles(column: Data, fault: ColumnFault): void {
  const values: Float64Array = column.values;
  for (let row = 0; row < column.length; row++) {
    const value = values[row]!;
    if (Math.fround(value) === value || Number.isNaN(value) || !column.getValid(row)) continue;
    throw fault("a float would not hold it exactly", row);
  }
}
