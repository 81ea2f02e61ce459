/**
 * Columns of any type as columns that keys can be made of, so that whole rows compare: structs, lists
 * and maps become bytes that are equal where their values are. They have no order; entries of maps
 * count in the order in which they are stored.
 */
import { Binary, type Data } from "apache-arrow";
import type { IcebergValue, Type } from "../../iceberg/spec/types.ts";
import { GrowableBytes, GrowableNumbers } from "./_growable.ts";
import { getBit, newBitmap, setBit } from "./bitmap.ts";
import { makeColumn, validityOf } from "./layout.ts";
import { canMakeKeys, type KeyColumn } from "./row_keys.ts";
import { valueReader } from "./value_reader.ts";

/** The column itself where keys can be made of it, else one of bytes that stand for its values. */
export function comparableColumn(column: Data, type: Type): KeyColumn {
  if (canMakeKeys(type)) return { column, type };
  const { length } = column;
  const read = valueReader(column, type);
  const validity = validityOf(column);
  const valid = newBitmap(length);
  const ends = new GrowableNumbers((size) => new Int32Array(size));
  const bytes = new GrowableBytes();
  ends.extend(length + 1);
  for (let row = 0; row < length; row++) {
    if (validity === null || getBit(validity, column.offset + row)) {
      setBit(valid, row);
      writeValue(bytes, type, read(row));
    }
    ends.extend(0)[row + 1] = bytes.length;
  }
  const values = bytes.take();
  const data = makeColumn(new Binary(), { length, values, offsets: ends.take(), validity: valid });
  return { column: data, type: { kind: "binary" } };
}

/** Every value tells where it ends, so that no two rows of values read alike. */
function writeValue(to: GrowableBytes, type: Type, value: IcebergValue): void {
  if (value === null) return writeByte(to, 0);
  writeByte(to, 1);
  switch (type.kind) {
    case "struct":
      type.fields.forEach((field, at) => writeValue(to, field.type, itemsOf(value)[at] ?? null));
      return;
    case "list":
      writeNumber(to, itemsOf(value).length);
      for (const item of itemsOf(value)) writeValue(to, type.element, item);
      return;
    case "map":
      writeNumber(to, itemsOf(value).length);
      for (const entry of itemsOf(value)) {
        const [key = null, item = null] = itemsOf(entry);
        writeValue(to, type.key, key);
        writeValue(to, type.value, item);
      }
      return;
    default:
      writeLeaf(to, value);
  }
}

function writeLeaf(to: GrowableBytes, value: IcebergValue): void {
  switch (typeof value) {
    case "boolean":
      return writeByte(to, Number(value));
    case "number":
      return writeNumber(to, value);
    case "bigint":
      return writeBytes(to, UTF8.encode(String(value)));
    case "string":
      return writeBytes(to, UTF8.encode(value));
    default:
      if (!(value instanceof Uint8Array)) throw new TypeError("Cannot compare a nested value so");
      return writeBytes(to, value);
  }
}

const UTF8 = new TextEncoder();
const NUMBER = new DataView(new ArrayBuffer(8));

function writeByte(to: GrowableBytes, byte: number): void {
  to.reserve(1)[to.length] = byte;
  to.length += 1;
}

/** All NaN are one; `-0` is not `0`. */
function writeNumber(to: GrowableBytes, value: number): void {
  NUMBER.setFloat64(0, Number.isNaN(value) ? NaN : value);
  to.push(new Uint8Array(NUMBER.buffer));
}

function writeBytes(to: GrowableBytes, bytes: Uint8Array): void {
  writeNumber(to, bytes.length);
  to.push(bytes);
}

function itemsOf(value: IcebergValue): readonly IcebergValue[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("Cannot compare a value that its type does not hold");
}
