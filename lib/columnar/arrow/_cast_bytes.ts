/** Text, binary data and UUIDs in the Arrow form of their type. */
import { type Data, type DataType, type FixedSizeBinary, Type as ArrowTypeId } from "apache-arrow";
import type { PrimitiveType } from "../../iceberg/spec/types.ts";
import { UUID, uuidToBytes } from "../../iceberg/spec/values.ts";
import { arrowType } from "./arrow_schema.ts";
import { copyBits, newBitmap } from "./bitmap.ts";
import type { ColumnFault } from "./column_error.ts";
import { checkOffset, type ColumnParts, makeColumn, offsetsOf, validityOf } from "./layout.ts";
import { bytesReader } from "./value_reader.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text and binary data, of fixed length or any; null where the column holds something else. */
export function castBytes(source: Data, type: PrimitiveType, fault: ColumnFault): Data | null {
  const target = arrowType(type);
  const isText = source.typeId === ArrowTypeId.Utf8 || source.typeId === ArrowTypeId.LargeUtf8;
  if (source.typeId === ArrowTypeId.FixedSizeBinary) {
    if (type.kind !== "fixed") return type.kind === "binary" ? unfix(source, target) : null;
    return (source.type as FixedSizeBinary).byteWidth === type.length ? source : null;
  }
  if (
    !isText && source.typeId !== ArrowTypeId.Binary && source.typeId !== ArrowTypeId.LargeBinary
  ) return null;
  if (type.kind === "fixed") {
    return isText ? null : fix(source, { target, width: type.length, fault });
  }
  if (source.typeId === target.typeId) return source;
  // Files of old writers hold text without saying so.
  if (type.kind === "string" && !isText) checkText(source, fault);
  const offsets = narrowOffsets(source, target);
  return makeColumn(target, {
    length: source.length,
    values: source.values,
    offsets,
    ...copyOfValidity(source),
  });
}

/** UUIDs: 16 bytes, or their text; null where the column holds something else. */
export function castUuid(source: Data, target: DataType, fault: ColumnFault): Data | null {
  if (source.typeId === ArrowTypeId.FixedSizeBinary) {
    return (source.type as FixedSizeBinary).byteWidth === 16 ? source : null;
  }
  if (source.typeId === ArrowTypeId.Binary) return fix(source, { target, width: 16, fault });
  if (source.typeId !== ArrowTypeId.Utf8 && source.typeId !== ArrowTypeId.LargeUtf8) return null;
  const read = bytesReader(source);
  const values = new Uint8Array(16 * source.length);
  for (let row = 0; row < source.length; row++) {
    if (!source.getValid(row)) continue;
    const text = new TextDecoder().decode(read(row));
    if (!UUID.test(text)) throw fault("it is not a UUID", row);
    values.set(uuidToBytes(text), 16 * row);
  }
  return makeColumn(target, { length: source.length, values, ...copyOfValidity(source) });
}

interface FixOptions {
  readonly target: DataType;
  /** Bytes. */
  readonly width: number;
  readonly fault: ColumnFault;
}

function fix(source: Data, { target, width, fault }: FixOptions): Data {
  const read = bytesReader(source);
  const values = new Uint8Array(width * source.length);
  for (let row = 0; row < source.length; row++) {
    if (!source.getValid(row)) continue;
    const bytes = read(row);
    if (bytes.length !== width) {
      throw fault(`it has ${bytes.length} bytes, wanted ${width}`, row);
    }
    values.set(bytes, width * row);
  }
  return makeColumn(target, { length: source.length, values, ...copyOfValidity(source) });
}

function unfix(source: Data, target: DataType): Data {
  const { length, stride } = source;
  checkOffset(target, stride * length);
  const offsets = Int32Array.from({ length: length + 1 }, (_, row) => stride * row);
  const values: Uint8Array = source.values.subarray(0, stride * length);
  return makeColumn(target, { length, values, offsets, ...copyOfValidity(source) });
}

function checkText(source: Data, fault: ColumnFault): void {
  const read = bytesReader(source);
  for (let row = 0; row < source.length; row++) {
    if (!source.getValid(row)) continue;
    try {
      UTF8.decode(read(row));
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw fault("it is not valid UTF-8", row);
    }
  }
}

function narrowOffsets(source: Data, target: DataType): Int32Array {
  const offsets = offsetsOf(source);
  if (offsets instanceof Int32Array) return offsets;
  checkOffset(target, offsets[source.length] ?? 0);
  return Int32Array.from(offsets);
}

/** The validity of a column, from bit 0 on. */
function copyOfValidity(source: Data): Pick<ColumnParts, "validity"> {
  const validity = validityOf(source);
  if (validity === null) return { validity: null };
  const copy = newBitmap(source.length);
  copyBits(validity, copy, { from: source.offset, to: 0, length: source.length });
  return { validity: copy };
}
