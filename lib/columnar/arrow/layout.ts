/**
 * How Arrow lays out the values of each type in memory: what kernels tell apart. Other kinds of
 * Arrow data (unions, runs) do not come up in Iceberg tables and are `unsupported`.
 *
 * In apache-arrow, `Data.offset` shifts bitmaps only: the validity bitmap and the values of
 * booleans. Other buffers and the children of structs are cut to the slice already.
 */
import { Data, type DataType, type Decimal, type FixedSizeBinary, Type } from "apache-arrow";
import { AppError } from "../../errors.ts";

/** Memory layouts. */
export type Layout =
  | "null"
  /** One bit a value. */
  | "bits"
  /** A known number of bytes a value. */
  | "fixed"
  /** Offsets into bytes. */
  | "bytes"
  /** Offsets into one child. */
  | "list"
  | "fixed_list"
  | "struct"
  /** Indices into a dictionary; `plain.ts` writes it out. */
  | "dictionary"
  /** 16 bytes a value that hold or point to its bytes; `plain.ts` writes it out. */
  | "views";

/** Any typed array that values lie in. */
export type ValueArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** The layout of a type's values. */
export function layoutOf(type: DataType): Layout {
  switch (type.typeId) {
    case Type.Null:
      return "null";
    case Type.Bool:
      return "bits";
    case Type.Int:
    case Type.Float:
    case Type.Decimal:
    case Type.Date:
    case Type.Time:
    case Type.Timestamp:
    case Type.Duration:
    case Type.Interval:
    case Type.FixedSizeBinary:
      return "fixed";
    case Type.Binary:
    case Type.Utf8:
    case Type.LargeBinary:
    case Type.LargeUtf8:
      return "bytes";
    case Type.List:
    case Type.LargeList:
    case Type.Map:
      return "list";
    case Type.FixedSizeList:
      return "fixed_list";
    case Type.Struct:
      return "struct";
    case Type.Dictionary:
      return "dictionary";
    case Type.BinaryView:
    case Type.Utf8View:
      return "views";
  }
  throw new AppError("unsupported", "arrow_type_unsupported", `Cannot hold ${type} values in rows`);
}

/** Whether offsets of the type's values take 64 bits. */
export function hasLargeOffsets(type: DataType): boolean {
  return type.typeId === Type.LargeBinary || type.typeId === Type.LargeUtf8 ||
    type.typeId === Type.LargeList;
}

/** The validity bitmap, to be read from bit `data.offset` on; null where no value is null. */
export function validityOf(data: Data): Uint8Array | null {
  return data.nullCount > 0 ? data.nullBitmap : null;
}

/** How many values are null; of the type `null`, all. */
export function nullsOf(data: Data): number {
  return data.typeId === Type.Null ? data.length : Math.max(0, data.nullCount);
}

/** Parts of {@linkcode makeColumn}; what a layout has not is left out. */
export interface ColumnParts {
  readonly length: number;
  readonly values?: ValueArray;
  readonly offsets?: Int32Array | BigInt64Array;
  /** Null or absent where no value is null. */
  readonly validity?: Uint8Array | null;
  /** Counted from `validity` where absent. */
  readonly nullCount?: number;
  readonly children?: readonly Data[];
}

/** Arrow data from its buffers, which start at its first value. */
export function makeColumn<T extends DataType>(type: T, parts: ColumnParts): Data<T> {
  const { length, values, offsets, validity = null, children = [] } = parts;
  if (type.typeId === Type.Null) return new Data(type, 0, length, length);
  const nullCount = validity === null ? 0 : parts.nullCount ?? -1;
  const buffers = [offsets, values, nullCount === 0 ? undefined : validity];
  return new Data(type, 0, length, nullCount, buffers as never, [...children]);
}

/** The same column, nulls included, with another type and other values of fixed width. */
export function withValues(
  source: Data,
  type: DataType,
  parts: Required<Pick<ColumnParts, "values">>,
): Data {
  const { offset, length, nullBitmap } = source;
  const buffers = [undefined, parts.values, nullBitmap, undefined];
  return source.clone(type, offset, length, Math.max(-1, source.nullCount), buffers as never);
}

/** A typed array for `length` values of a fixed-width type, zeroed. */
export function newValues(type: DataType, length: number): ValueArray {
  const values: ValueArray = new type.ArrayType(length * strideOf(type));
  return values;
}

/** Elements of the value array per value. */
export function strideOf(type: DataType): number {
  switch (type.typeId) {
    case Type.Decimal:
      return (type as Decimal).bitWidth / 32;
    case Type.FixedSizeBinary:
      return (type as FixedSizeBinary).byteWidth;
    default:
      return 1;
  }
}

/** Offsets as numbers, whichever width they have. */
export function offsetsOf(data: Data): Int32Array | Float64Array {
  const offsets: Int32Array | BigInt64Array = data.valueOffsets;
  return offsets instanceof Int32Array ? offsets : Float64Array.from(offsets, Number);
}

/** Room for the offsets of `length` values, in numbers that hold what the type can. */
export function newOffsets(type: DataType, length: number): Int32Array | Float64Array {
  return hasLargeOffsets(type) ? new Float64Array(length + 1) : new Int32Array(length + 1);
}

/** Offsets as Arrow stores them for `type`. */
export function storedOffsets(offsets: Int32Array | Float64Array): Int32Array | BigInt64Array {
  return offsets instanceof Int32Array ? offsets : BigInt64Array.from(offsets, BigInt);
}

/** Refuses (`too_large`) what 32-bit offsets cannot reach, before they wrap around. */
export function checkOffset(type: DataType, offset: number): void {
  if (offset <= MAX_OFFSET || hasLargeOffsets(type)) return;
  throw new AppError(
    "too_large",
    "batch_too_large",
    `Cannot hold one column of a batch in ${offset} bytes or items: at most ${MAX_OFFSET} fit`,
  );
}

/** Largest 32-bit offset. */
export const MAX_OFFSET = 2 ** 31 - 1;
