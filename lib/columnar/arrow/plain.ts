/**
 * Writes out what Arrow keeps elsewhere: dictionaries and views become plain columns, which all
 * other kernels take. Parquet files and Arrow streams of other writers have both.
 */
import {
  Binary,
  type Data,
  type DataType,
  type Dictionary,
  Field,
  FixedSizeList,
  LargeList,
  List,
  Map_,
  RecordBatch,
  Schema,
  Struct,
  Type,
  Utf8,
} from "apache-arrow";
import { type AppError, corruptData } from "../../errors.ts";
import { copyBits, getBit, newBitmap, setBit } from "./bitmap.ts";
import { concatColumns } from "./concat_columns.ts";
import { gather } from "./gather.ts";
import { checkOffset, layoutOf, makeColumn, nullsOf, validityOf } from "./layout.ts";
import { nullColumn } from "./null_column.ts";

/** Bytes of a view. */
const VIEW_BYTES = 16;
/** Values up to this long lie in their view. */
const INLINE_BYTES = 12;

/** The batch without dictionaries and views, itself where it has none. */
export function plainBatch(batch: RecordBatch): RecordBatch {
  if (batch.schema.fields.every((field) => isPlain(field.type))) return batch;
  const { schema } = batch;
  const fields = schema.fields.map(plainField);
  const children = batch.data.children.map(plainColumn);
  return new RecordBatch(
    new Schema(fields, schema.metadata),
    makeColumn(new Struct(fields), { length: batch.numRows, children }),
  );
}

/** The column without dictionaries and views, itself where it has none. */
export function plainColumn(column: Data): Data {
  const { type } = column;
  if (isPlain(type)) return column;
  switch (layoutOf(type)) {
    case "dictionary":
      return writeOutDictionary(column);
    case "views":
      return writeOutViews(column);
    default: {
      const children = column.children.map(plainColumn);
      const parts = [column.valueOffsets, column.values, column.nullBitmap, column.typeIds];
      const { offset, length, nullCount } = column;
      return column.clone(plainType(type), offset, length, nullCount, parts as never, children);
    }
  }
}

/** The type that {@linkcode plainColumn} gives columns of `type`. */
export function plainType(type: DataType): DataType {
  if (isPlain(type)) return type;
  const children = (type.children ?? []).map(plainField);
  const [child = new Field("element", type)] = children;
  switch (type.typeId) {
    case Type.Dictionary:
      return plainType((type as Dictionary).dictionary);
    case Type.Utf8View:
      return new Utf8();
    case Type.BinaryView:
      return new Binary();
    case Type.List:
      return new List(child);
    case Type.LargeList:
      return new LargeList(child);
    case Type.FixedSizeList:
      return new FixedSizeList((type as FixedSizeList).listSize, child);
    case Type.Map:
      return new Map_(child, (type as Map_).keysSorted);
    case Type.Struct:
      return new Struct(children);
  }
  return type;
}

function plainField(field: Field): Field {
  return isPlain(field.type) ? field : field.clone({ type: plainType(field.type) });
}

function isPlain(type: DataType): boolean {
  switch (type.typeId) {
    case Type.Dictionary:
    case Type.Utf8View:
    case Type.BinaryView:
      return false;
  }
  return (type.children ?? []).every((child: Field) => isPlain(child.type));
}

function writeOutDictionary(column: Data): Data {
  const { length, offset } = column;
  const [first, ...others] = (column.dictionary?.data ?? []).map(plainColumn);
  const values = first === undefined ? null : concatColumns([first, ...others]);
  if (values === null || values.length === 0) {
    if (nullsOf(column) < length) throw outsideDictionary(0);
    return nullColumn(plainType(column.type), length);
  }
  const indices: ArrayLike<number | bigint> = column.values;
  const indexValidity = validityOf(column);
  const rows = new Int32Array(length);
  const validity = newBitmap(length);
  for (let row = 0; row < length; row++) {
    if (indexValidity !== null && !getBit(indexValidity, offset + row)) continue;
    const index = Number(indices[row]);
    if (!(index >= 0 && index < values.length)) throw outsideDictionary(values.length);
    rows[row] = index;
    // The dictionary itself may hold null.
    if (values.typeId !== Type.Null && values.getValid(index)) setBit(validity, row);
  }
  const { type, valueOffsets, values: buffer, children } = gather([values], {
    rows,
    chunkOf: null,
  });
  return makeColumn(type, { length, values: buffer, offsets: valueOffsets, children, validity });
}

function writeOutViews(column: Data): Data {
  const { length } = column;
  const type = plainType(column.type);
  const validity = validityOf(column);
  const views: Uint8Array = column.values;
  const head = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const offsets = new Int32Array(length + 1);
  let end = 0;
  for (let row = 0; row < length; row++) {
    const isNull = validity !== null && !getBit(validity, column.offset + row);
    if (!isNull) end += Math.max(0, head.getInt32(VIEW_BYTES * row, true));
    offsets[row + 1] = end;
  }
  checkOffset(type, end);
  const values = new Uint8Array(end);
  for (let row = 0; row < length; row++) {
    const size = offsets[row + 1]! - offsets[row]!;
    const at = VIEW_BYTES * row;
    if (size <= INLINE_BYTES) values.set(views.subarray(at + 4, at + 4 + size), offsets[row]);
    else {
      const buffer = column.variadicBuffers[head.getInt32(at + 8, true)];
      const start = head.getInt32(at + 12, true);
      if (buffer === undefined || start < 0 || start + size > buffer.length) throw outsideBuffers();
      values.set(buffer.subarray(start, start + size), offsets[row]);
    }
  }
  const nulls = validity === null ? null : copyOfValidity(column);
  return makeColumn(type, { length, values, offsets, validity: nulls });
}

/** The validity bitmap from its first bit on. */
function copyOfValidity(column: Data): Uint8Array {
  const copy = newBitmap(column.length);
  const validity = validityOf(column);
  if (validity !== null) {
    copyBits(validity, copy, { from: column.offset, to: 0, length: column.length });
  }
  return copy;
}

function outsideDictionary(size: number): AppError {
  return corruptData(
    "arrow_malformed",
    `Cannot read a dictionary-encoded column: an index lies outside of its ${size} values`,
  );
}

function outsideBuffers(): AppError {
  return corruptData(
    "arrow_malformed",
    "Cannot read a column of views: a view points outside of its buffers",
  );
}
