/** How much memory rows take: what they reach of their buffers, which slices share. */
import type { Data, FixedSizeList, RecordBatch } from "apache-arrow";
import { layoutOf, newValues, offsetsOf } from "./layout.ts";

/** Bytes of a batch's values, if they were alone in their buffers. */
export function batchBytes(batch: RecordBatch): number {
  return batch.data.children.reduce((sum, column) => sum + columnBytes(column), 0);
}

/** Bytes of a column's values, if they were alone in their buffers. */
export function columnBytes(column: Data): number {
  const { type, length } = column;
  const validityBytes = column.nullCount > 0 ? length >>> 3 : 0;
  switch (layoutOf(type)) {
    case "null":
      return 0;
    case "bits":
      return validityBytes + (length >>> 3);
    case "fixed":
      return validityBytes + length * newValues(type, 1).byteLength;
    case "bytes": {
      const { items: bytes } = reached(column);
      return validityBytes + 4 * length + bytes;
    }
    case "list": {
      const { start, items: count } = reached(column);
      const items = column.children[0]?.slice(start, count);
      return validityBytes + 4 * length + (items === undefined ? 0 : columnBytes(items));
    }
    case "fixed_list": {
      const items = column.children[0]?.slice(0, length * (type as FixedSizeList).listSize);
      return validityBytes + (items === undefined ? 0 : columnBytes(items));
    }
    case "struct":
      return column.children.reduce((sum, child) => sum + columnBytes(child), validityBytes);
    case "dictionary":
    case "views":
      return column.byteLength;
  }
}

/** The first item that offsets reach, and how many they do. */
function reached(column: Data): { readonly start: number; readonly items: number } {
  if (column.length === 0) return { start: 0, items: 0 };
  const offsets = offsetsOf(column);
  const start = offsets[0]!;
  return { start, items: offsets[column.length]! - start };
}
