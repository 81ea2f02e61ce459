/**
 * Looks whether a column from outside is what its type says: buffers as long as its rows need, offsets
 * that go forward and stay inside, text that is UTF-8. Kernels and the encoder rely on all of it.
 */
import { isUtf8 } from "node:buffer";
import { type Data, Type as ArrowTypeId } from "apache-arrow";
import type { ColumnFault } from "./column_error.ts";
import { layoutOf, offsetsOf, strideOf, validityOf } from "./layout.ts";

/** Throws what `fault` makes where the column is damaged. */
export function checkColumn(column: Data, fault: ColumnFault): void {
  const { length, offset, type } = column;
  const validity = validityOf(column);
  if (validity !== null && 8 * validity.length < offset + length) throw damaged(fault);
  switch (layoutOf(type)) {
    case "bits":
      return requireLength(column.values, Math.ceil((offset + length) / 8), fault);
    case "fixed":
      return requireLength(column.values, strideOf(type) * length, fault);
    case "dictionary":
      requireLength(column.values, length, fault);
      for (const chunk of column.dictionary?.data ?? []) checkColumn(chunk, fault);
      return;
    case "bytes":
      checkOffsets(column, column.values?.length ?? 0, fault);
      return checkText(column, fault);
    case "views":
      return requireLength(column.values, 16 * length, fault);
  }
  const [child] = column.children;
  const isVarying = column.typeId === ArrowTypeId.List || column.typeId === ArrowTypeId.LargeList ||
    column.typeId === ArrowTypeId.Map;
  if (isVarying) checkOffsets(column, child?.length ?? 0, fault);
  const needed = column.typeId === ArrowTypeId.Struct
    ? length
    : column.typeId === ArrowTypeId.FixedSizeList
    ? column.stride * length
    : 0;
  for (const one of column.children) {
    if (one.length < needed) throw damaged(fault);
    checkColumn(one, fault);
  }
}

function requireLength(
  values: { readonly length: number } | undefined,
  length: number,
  fault: ColumnFault,
): void {
  if (length > 0 && !(values !== undefined && values.length >= length)) throw damaged(fault);
}

function checkOffsets(column: Data, end: number, fault: ColumnFault): void {
  if (column.length === 0) return;
  if (column.valueOffsets === undefined || column.valueOffsets.length <= column.length) {
    throw damaged(fault);
  }
  const offsets = offsetsOf(column);
  let last = offsets[0]!;
  let goesBack = last < 0;
  for (let row = 1; row <= column.length; row++) {
    const next = offsets[row]!;
    if (next < last) goesBack = true;
    last = next;
  }
  if (goesBack || last > end) throw damaged(fault);
}

function checkText(column: Data, fault: ColumnFault): void {
  if (column.typeId !== ArrowTypeId.Utf8 && column.typeId !== ArrowTypeId.LargeUtf8) return;
  if (column.length === 0) return;
  const offsets = offsetsOf(column);
  const values: Uint8Array = column.values;
  const isWhole = isUtf8(values.subarray(offsets[0], offsets[column.length]));
  for (let row = 0; row < column.length; row++) {
    const start = offsets[row]!;
    // Valid together, and no value begins within a character: then each is valid.
    if (isWhole && (start === values.length || (values[start]! & 0xc0) !== 0x80)) continue;
    if (isUtf8(values.subarray(start, offsets[row + 1])) || !column.getValid(row)) continue;
    throw fault("it is not valid UTF-8", row);
  }
}

function damaged(fault: ColumnFault) {
  return fault("its buffers do not fit its rows", null);
}
