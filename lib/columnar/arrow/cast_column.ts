/**
 * Brings columns of other writers into the Arrow form of an Iceberg type: the promotions of schema
 * evolution (spec "Schema Evolution"), and the many ways to store one and the same value. Values
 * stay exact; one that does not fit is an error that names its row. What is cut are nanoseconds
 * of types that count microseconds, as the reference implementation does with INT96.
 */
import {
  type Data,
  type DataType,
  type Date_,
  DateUnit,
  type Decimal,
  type Float,
  type Int,
  Precision,
  type Time,
  type Timestamp,
  TimeUnit,
  Type as ArrowTypeId,
} from "apache-arrow";
import type { AppError } from "../../errors.ts";
import type { PrimitiveType } from "../../iceberg/spec/types.ts";
import { arrowType } from "./arrow_schema.ts";
import { castBytes, castUuid } from "./_cast_bytes.ts";
import { castDecimal, toFloats, toInts, toLongs } from "./_cast_numbers.ts";
import type { ColumnFault } from "./column_error.ts";
import { withValues } from "./layout.ts";
import { nullColumn } from "./null_column.ts";
import { plainColumn } from "./plain.ts";

const NANOS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400n;

/**
 * The column in the Arrow form of `type`, the same buffers where it has it already. Throws what
 * `fault` makes where column or value do not fit.
 */
export function castColumn(column: Data, type: PrimitiveType, fault: ColumnFault): Data {
  const source = plainColumn(column);
  const target = arrowType(type);
  if (type.kind === "unknown" || source.typeId === ArrowTypeId.Null) {
    return nullColumn(target, source.length);
  }
  switch (type.kind) {
    case "boolean":
      return source.typeId === ArrowTypeId.Bool ? source : mismatch();
    case "int":
      return source.typeId === ArrowTypeId.Int ? toInts(source, target, fault) : mismatch();
    case "long":
      return source.typeId === ArrowTypeId.Int ? toLongs(source, target, fault) : mismatch();
    case "float":
    case "double":
      return isFloat(source.type) || (type.kind === "double" && isSmallInt(source.type))
        ? toFloats(source, target, fault)
        : mismatch();
    case "decimal":
      return isDecimalOf(source.type, type.scale)
        ? castDecimal(source, { target, precision: type.precision, fault })
        : mismatch();
    case "date":
      return castDate(source, target) ?? mismatch();
    case "time":
      return castTime(source, target, fault) ?? mismatch();
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return castTimestamp(source, type, fault) ?? mismatch();
    case "uuid":
      return castUuid(source, target, fault) ?? mismatch();
    default:
      return castBytes(source, type, fault) ?? mismatch();
  }

  function mismatch(): never {
    const error: AppError = fault(`it holds ${source.type}, wanted ${type.kind}`, null);
    throw error;
  }
}

function isFloat(type: DataType): boolean {
  return type.typeId === ArrowTypeId.Float && (type as Float).precision !== Precision.HALF;
}

/** Integers that a double holds exactly. */
function isSmallInt(type: DataType): boolean {
  return type.typeId === ArrowTypeId.Int && (type as Int).bitWidth <= 32;
}

function isDecimalOf(type: DataType, scale: number): boolean {
  return type.typeId === ArrowTypeId.Decimal && (type as Decimal).scale === scale;
}

function castDate(source: Data, target: DataType): Data | null {
  if (source.typeId !== ArrowTypeId.Date) return null;
  if ((source.type as Date_).unit === DateUnit.DAY) return source;
  const millis: BigInt64Array = source.values;
  const days = Int32Array.from(millis, (value) => Math.floor(Number(value) / 86_400_000));
  return withValues(source, target, { values: days });
}

function castTime(source: Data, target: DataType, fault: ColumnFault): Data | null {
  if (source.typeId !== ArrowTypeId.Time) return null;
  const { unit } = source.type as Time;
  return unit === TimeUnit.MICROSECOND ? source : rescale(source, target, {
    from: perSecond(unit),
    to: perSecond(TimeUnit.MICROSECOND),
    fault,
  });
}

function castTimestamp(source: Data, type: PrimitiveType, fault: ColumnFault): Data | null {
  const target = arrowType(type);
  const unit = (target as Timestamp).unit;
  if (source.typeId === ArrowTypeId.Date) {
    // Dates become timestamps, but never instants (spec v3).
    if (type.kind === "timestamptz" || type.kind === "timestamptz_ns") return null;
    const days = castDate(source, source.type);
    if (days === null || days.values instanceof BigInt64Array) return null;
    const perDay = SECONDS_PER_DAY * perSecond(unit);
    return rescale(days, target, { from: 1n, to: perDay, fault });
  }
  if (source.typeId !== ArrowTypeId.Timestamp) return null;
  const own = source.type as Timestamp;
  // Whatever zone the file names, instants count from the epoch in UTC.
  if (own.unit === unit) return withValues(source, target, { values: source.values });
  return rescale(source, target, { from: perSecond(own.unit), to: perSecond(unit), fault });
}

/** Units that a second has. */
function perSecond(unit: TimeUnit): bigint {
  switch (unit) {
    case TimeUnit.SECOND:
      return 1n;
    case TimeUnit.MILLISECOND:
      return 1_000n;
    case TimeUnit.MICROSECOND:
      return 1_000_000n;
    default:
      return NANOS_PER_SECOND;
  }
}

interface Rescale {
  readonly from: bigint;
  readonly to: bigint;
  readonly fault: ColumnFault;
}

function rescale(source: Data, target: DataType, { from, to, fault }: Rescale): Data {
  const values: ArrayLike<number | bigint> = source.values;
  const scaled = new BigInt64Array(source.length);
  for (let row = 0; row < source.length; row++) {
    const value = BigInt(values[row]!);
    const wide = to >= from ? value * (to / from) : floorDivide(value, from / to);
    if (BigInt.asIntN(64, wide) !== wide && source.getValid(row)) {
      throw fault("it is beyond the range of its type", row);
    }
    scaled[row] = wide;
  }
  return withValues(source, target, { values: scaled });
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}
