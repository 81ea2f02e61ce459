/** Columns of nulls, as columns have that a file was written without. */
import type { Data, DataType, FixedSizeList } from "apache-arrow";
import { newBitmap } from "./bitmap.ts";
import {
  type ColumnParts,
  layoutOf,
  makeColumn,
  newOffsets,
  newValues,
  storedOffsets,
} from "./layout.ts";

/** `length` nulls of a type without dictionaries and views. */
export function nullColumn(type: DataType, length: number): Data {
  const all = { length, validity: newBitmap(length), nullCount: length };
  return makeColumn(type, { ...all, ...emptyBuffers(type, length) });
}

function emptyBuffers(type: DataType, length: number): Partial<ColumnParts> {
  const child = (at: number, items: number) => {
    const field = type.children[at];
    if (field === undefined) throw new TypeError(`Cannot find child ${at} of ${type}`);
    return nullColumn(field.type, items);
  };
  switch (layoutOf(type)) {
    case "null":
      return {};
    case "bits":
      return { values: newBitmap(length) };
    case "fixed":
      return { values: newValues(type, length) };
    case "bytes":
      return { values: new Uint8Array(0), offsets: storedOffsets(newOffsets(type, length)) };
    case "list":
      return { offsets: storedOffsets(newOffsets(type, length)), children: [child(0, 0)] };
    case "fixed_list":
      return { children: [child(0, length * (type as FixedSizeList).listSize)] };
    case "struct":
      return { children: type.children.map((_, at) => child(at, length)) };
    case "dictionary":
    case "views":
      throw new TypeError(`Cannot make a column of ${type}: write it out first`);
  }
}
