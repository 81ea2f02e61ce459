/**
 * Booleans on their way out of the engine. Its own export of them, a byte each marked `arrow.bool8`,
 * holds memory of whatever was there before (duckdb-wasm 1.32). So queries cast them to TINYINT, which
 * nothing else is by then, and here they become Arrow's own: a bit each.
 */
import {
  Bool,
  type Data,
  DataType,
  Field,
  makeData,
  RecordBatch,
  Schema,
  Struct,
} from "apache-arrow";

/** The schema with booleans as bits. */
export function withBooleans(schema: Schema): Schema {
  return hasBytes(schema.fields) ? new Schema(schema.fields.map(bitField)) : schema;
}

/** The batch with booleans as bits; buffers of other columns are shared. */
export function packBooleans(batch: RecordBatch): RecordBatch {
  const { fields } = batch.schema;
  if (!hasBytes(fields)) return batch;
  const packed = fields.map(bitField);
  const children = batch.data.children.map((data, i) => packData(data, fields[i], packed[i]));
  const type = new Struct(packed);
  const data = makeData({ type, length: batch.numRows, nullCount: 0, children });
  return new RecordBatch(new Schema(packed), data);
}

function hasBytes(fields: readonly Field[]): boolean {
  return fields.some((field) => isByte(field) || hasBytes(field.type.children ?? []));
}

function isByte(field: Field): boolean {
  const { type } = field;
  return DataType.isInt(type) && type.isSigned && type.bitWidth === 8;
}

function bitField(field: Field): Field {
  if (isByte(field)) return new Field(field.name, new Bool(), field.nullable);
  const children: readonly Field[] = field.type.children ?? [];
  if (!hasBytes(children)) return field;
  // A nested type is its children: a copy that has the others in their place.
  const type: DataType = Object.create(
    Object.getPrototypeOf(field.type),
    Object.getOwnPropertyDescriptors(field.type),
  );
  Object.defineProperty(type, "children", { value: children.map(bitField) });
  return new Field(field.name, type, field.nullable, field.metadata);
}

function packData(data: Data, from: Field | undefined, to: Field | undefined): Data {
  if (from === undefined || to === undefined) throw new TypeError("A column without its field");
  if (!isByte(from)) {
    const children = data.children.map((child, i) =>
      packData(child, from.type.children?.[i], to.type.children?.[i])
    );
    return data.clone(to.type, data.offset, data.length, data.nullCount, [
      data.valueOffsets,
      data.values,
      data.nullBitmap,
      data.typeIds,
    ], children);
  }
  const bits = new Uint8Array(((data.length + 63) >>> 6) * 8);
  for (let i = 0; i < data.length; i++) {
    if (data.values[i] !== 0) bits[i >>> 3] = (bits[i >>> 3] ?? 0) | (1 << (i & 7));
  }
  // The bits start at 0; so must the validity, which the slice may share with others.
  const nullBitmap = data.nullCount === 0 ? null : validityFromZero(data);
  return makeData({
    type: new Bool(),
    length: data.length,
    nullCount: data.nullCount,
    data: bits,
    nullBitmap,
  });
}

function validityFromZero(data: Data): Uint8Array {
  const bits = new Uint8Array(((data.length + 63) >>> 6) * 8);
  for (let i = 0; i < data.length; i++) {
    if (data.getValid(i)) bits[i >>> 3] = (bits[i >>> 3] ?? 0) | (1 << (i & 7));
  }
  return bits;
}
