/**
 * Reads single values of Arrow columns in Iceberg's memory form (`IcebergValue`). Columns have the
 * Arrow form of their type (`arrow_schema.ts`); `cast_column.ts` brings others into it. For values
 * by the million use the buffers; this is for partition values, bounds, filters and tests.
 */
import type { Data } from "apache-arrow";
import { type AppError, corruptData } from "../../errors.ts";
import type {
  IcebergValue,
  ListType,
  MapType,
  StructType,
  Type,
} from "../../iceberg/spec/types.ts";
import { uuidFromBytes } from "../../iceberg/spec/values.ts";
import { getBit } from "./bitmap.ts";
import { offsetsOf, validityOf } from "./layout.ts";

/** Gives the value at a row; null where it is null. Rows are not checked. */
export type ValueReader = (row: number) => IcebergValue;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The reader of a column of `type` in its Arrow form. */
export function valueReader(column: Data, type: Type): ValueReader {
  if (type.kind === "unknown") return () => null;
  const read = presentReader(column, type);
  const validity = validityOf(column);
  if (validity === null) return read;
  const { offset } = column;
  return (row) => getBit(validity, offset + row) ? read(row) : null;
}

/** Reads values that are known not to be null. */
function presentReader(column: Data, type: Type): ValueReader {
  switch (type.kind) {
    case "boolean": {
      const { values, offset } = column;
      return (row) => getBit(values, offset + row);
    }
    case "int":
    case "date":
    case "float":
    case "double":
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns": {
      const values: ArrayLike<number | bigint> = column.values;
      return (row) => values[row]!;
    }
    case "decimal":
      return decimalReader(column);
    case "string": {
      const read = bytesReader(column);
      return (row) => decodeText(read(row));
    }
    case "uuid": {
      const read = fixedReader(column);
      return (row) => uuidFromBytes(read(row));
    }
    case "fixed": {
      const read = fixedReader(column);
      return (row) => read(row).slice();
    }
    case "struct":
      return structReader(column, type);
    case "list":
      return listReader(column, type);
    case "map":
      return mapReader(column, type);
    default: {
      const read = bytesReader(column);
      return (row) => read(row).slice();
    }
  }
}

/** Reads the bytes of values of a column of text or binary data, without a copy. */
export function bytesReader(column: Data): (row: number) => Uint8Array {
  const offsets = offsetsOf(column);
  const values: Uint8Array = column.values;
  return (row) => values.subarray(offsets[row]!, offsets[row + 1]!);
}

function fixedReader(column: Data): (row: number) => Uint8Array {
  const { stride } = column;
  const values: Uint8Array = column.values;
  return (row) => values.subarray(stride * row, stride * (row + 1));
}

/** 128 bits, two's complement, lowest word first. */
function decimalReader(column: Data): ValueReader {
  const words: Uint32Array = column.values;
  return (row) => {
    const at = 4 * row;
    const low = BigInt(words[at]!) | BigInt(words[at + 1]!) << 32n;
    const high = BigInt(words[at + 2]!) | BigInt(words[at + 3]!) << 32n;
    return BigInt.asIntN(64, high) << 64n | low;
  };
}

function structReader(column: Data, type: StructType): ValueReader {
  const readers = type.fields.map((field, at) => valueReader(childOf(column, at), field.type));
  return (row) => readers.map((read) => read(row));
}

function listReader(column: Data, type: ListType): ValueReader {
  const offsets = offsetsOf(column);
  const read = valueReader(childOf(column, 0), type.element);
  return (row) => readRange(read, offsets[row]!, offsets[row + 1]!);
}

function mapReader(column: Data, type: MapType): ValueReader {
  const offsets = offsetsOf(column);
  const entries = childOf(column, 0);
  const readKey = valueReader(childOf(entries, 0), type.key);
  const readValue = valueReader(childOf(entries, 1), type.value);
  const readEntry: ValueReader = (at) => [readKey(at), readValue(at)];
  return (row) => readRange(readEntry, offsets[row]!, offsets[row + 1]!);
}

function readRange(read: ValueReader, from: number, to: number): readonly IcebergValue[] {
  const values: IcebergValue[] = [];
  for (let at = from; at < to; at++) values.push(read(at));
  return values;
}

function childOf(column: Data, at: number): Data {
  const child = column.children[at];
  if (child === undefined) throw new TypeError(`Cannot find child ${at} of ${column.type}`);
  return child;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw notText(cause);
  }
}

function notText(cause: unknown): AppError {
  return corruptData("invalid_value", "Cannot read a string value: it is not valid UTF-8", {
    cause,
  });
}
