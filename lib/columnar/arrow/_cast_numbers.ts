/** Numbers of one width as numbers of another. */
import type { Data, DataType, Decimal, Int } from "apache-arrow";
import type { ColumnFault } from "./column_error.ts";
import { withValues } from "./layout.ts";

/** Integers of 32 bits. */
export function toInts(source: Data, target: DataType, fault: ColumnFault): Data {
  const { bitWidth, isSigned } = source.type as Int;
  if (bitWidth === 32 && isSigned) return source;
  const values: ArrayLike<number | bigint> = source.values;
  const ints = new Int32Array(source.length);
  for (let row = 0; row < source.length; row++) {
    const value = Number(values[row]);
    ints[row] = value;
    if (ints[row] !== value && source.getValid(row)) throw fault("it is beyond 32 bits", row);
  }
  return withValues(source, target, { values: ints });
}

/** Integers of 64 bits. */
export function toLongs(source: Data, target: DataType, fault: ColumnFault): Data {
  const { bitWidth, isSigned } = source.type as Int;
  if (bitWidth === 64 && isSigned) return source;
  const longs = new BigInt64Array(source.length);
  if (bitWidth === 64) {
    const values: BigUint64Array = source.values;
    for (let row = 0; row < source.length; row++) {
      longs[row] = values[row]!;
      if (longs[row]! < 0n && source.getValid(row)) throw fault("it is beyond 64 bits", row);
    }
    return withValues(source, target, { values: longs });
  }
  // The commonest promotion, int to long: words instead of bigints.
  const values: ArrayLike<number> = source.values;
  const words = new Int32Array(longs.buffer);
  for (let row = 0; row < source.length; row++) {
    const value = values[row]!;
    words[2 * row] = value;
    words[2 * row + 1] = value < 0 ? -1 : 0;
  }
  return withValues(source, target, { values: longs });
}

/** Floats of either width; finite ones stay finite. */
export function toFloats(source: Data, target: DataType, fault: ColumnFault): Data {
  const values: Float32Array | Float64Array = source.values;
  if (values instanceof target.ArrayType) return source;
  const floats: Float32Array | Float64Array = new target.ArrayType(source.length);
  for (let row = 0; row < source.length; row++) {
    floats[row] = values[row]!;
    if (!Number.isFinite(floats[row]) && Number.isFinite(values[row]) && source.getValid(row)) {
      throw fault("it is beyond the range of its type", row);
    }
  }
  return withValues(source, target, { values: floats });
}

/** Options of {@linkcode castDecimal}. */
export interface CastDecimalOptions {
  readonly target: DataType;
  /** Digits that fit. */
  readonly precision: number;
  readonly fault: ColumnFault;
}

/** Decimals in 128 bits, of another precision. */
export function castDecimal(source: Data, { target, precision, fault }: CastDecimalOptions): Data {
  const own = source.type as Decimal;
  const sourceWords = own.bitWidth / 32;
  const from: Uint32Array = source.values;
  if (own.precision > precision) checkDigits(source, precision, fault);
  if (sourceWords === 4) return withValues(source, target, { values: from });
  const to = new Uint32Array(4 * source.length);
  for (let row = 0; row < source.length; row++) {
    const sign = from[sourceWords * (row + 1) - 1]! >>> 31 === 0 ? 0 : 0xffff_ffff;
    for (let word = 0; word < 4; word++) {
      to[4 * row + word] = word < sourceWords ? from[sourceWords * row + word]! : sign;
    }
  }
  return withValues(source, target, { values: to });
}

function checkDigits(source: Data, precision: number, fault: ColumnFault): void {
  const words = (source.type as Decimal).bitWidth / 32;
  const values: Uint32Array = source.values;
  const bound = 10n ** BigInt(precision);
  for (let row = 0; row < source.length; row++) {
    let value = 0n;
    for (let word = words - 1; word >= 0; word--) {
      value = value << 32n | BigInt(values[words * row + word]!);
    }
    value = BigInt.asIntN(32 * words, value);
    if ((value >= bound || value <= -bound) && source.getValid(row)) {
      throw fault(`it has more than ${precision} digits`, row);
    }
  }
}
