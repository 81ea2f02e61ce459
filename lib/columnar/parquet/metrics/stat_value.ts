/** Values of Parquet statistics, which are encoded as in PLAIN pages, in Iceberg's memory form. */
import type { IcebergValue, PrimitiveType } from "../../../iceberg/spec/types.ts";
import { bigintFromBytes, uuidFromBytes } from "../../../iceberg/spec/values.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A minimum or maximum of a column that was written as `type`; null where the bytes are no such
 * value.
 */
export function statValue(type: PrimitiveType, bytes: Uint8Array): IcebergValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type.kind) {
    case "boolean":
      return bytes.length === 1 ? bytes[0] !== 0 : null;
    case "int":
    case "date":
      return bytes.length === 4 ? view.getInt32(0, true) : null;
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return bytes.length === 8 ? view.getBigInt64(0, true) : null;
    case "float":
      return bytes.length === 4 ? view.getFloat32(0, true) : null;
    case "double":
      return bytes.length === 8 ? view.getFloat64(0, true) : null;
    case "decimal":
      return decimal(type.precision, bytes, view);
    case "string":
      return text(bytes);
    case "uuid":
      return bytes.length === 16 ? uuidFromBytes(bytes) : null;
    case "fixed":
    case "binary":
      return bytes.slice();
    default:
      return null;
  }
}

function decimal(precision: number, bytes: Uint8Array, view: DataView): IcebergValue {
  if (precision <= 9) return bytes.length === 4 ? BigInt(view.getInt32(0, true)) : null;
  if (precision <= 18) return bytes.length === 8 ? view.getBigInt64(0, true) : null;
  return bytes.length > 0 && bytes.length <= 16 ? bigintFromBytes(bytes) : null;
}

function text(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return null;
  }
}
