/** Arrow batches out of WebAssembly memory, each buffer copied once. */
import type { Data, DataType, Field, RecordBatch, Schema } from "apache-arrow";
import { makeBatch } from "../../arrow/batch.ts";
import { copyBits, newBitmap } from "../../arrow/bitmap.ts";
import { layoutOf, makeColumn, newValues, strideOf, type ValueArray } from "../../arrow/layout.ts";
import type { CArray } from "../wasm/c_data.ts";

/** Copies a batch: the array of a struct with the schema's fields. */
export function copyBatch(memory: ArrayBuffer, schema: Schema, array: CArray): RecordBatch {
  const columns = schema.fields.map(({ type }, at) =>
    copyColumn(memory, type, array.children[at]!)
  );
  return makeBatch(schema, columns, { length: array.length });
}

function copyColumn(memory: ArrayBuffer, type: DataType, array: CArray): Data {
  const { length, nullCount, offset, buffers, children } = array;
  const [validityAt = 0, secondAt = 0, thirdAt = 0] = buffers;
  const validity = nullCount !== 0 && validityAt !== 0
    ? copyBitmap(memory, validityAt, { offset, length })
    : null;
  const nulls = { validity, nullCount: validity === null ? 0 : nullCount };
  switch (layoutOf(type)) {
    case "null":
      return makeColumn(type, { length });
    case "bits":
      return makeColumn(type, {
        length,
        values: copyBitmap(memory, secondAt, { offset, length }),
        ...nulls,
      });
    case "fixed":
      return makeColumn(type, {
        length,
        values: copyValues(memory, type, { at: secondAt, offset, length }),
        ...nulls,
      });
    case "bytes": {
      const { offsets, start, end } = copyOffsets(memory, secondAt, { offset, length });
      const values = new Uint8Array(memory.slice(thirdAt + start, thirdAt + end));
      return makeColumn(type, { length, offsets, values, ...nulls });
    }
    case "list": {
      const { offsets, start, end } = copyOffsets(memory, secondAt, { offset, length });
      const child = windowOf(children[0]!, start, end - start);
      const column = copyColumn(memory, childType(type, 0), child);
      return makeColumn(type, { length, offsets, children: [column], ...nulls });
    }
    case "struct": {
      const columns = children.map((child, at) =>
        copyColumn(memory, childType(type, at), windowOf(child, offset, length))
      );
      return makeColumn(type, { length, children: columns, ...nulls });
    }
    default:
      throw new TypeError(`Cannot copy a column of ${type}`);
  }
}

/** What Arrow says where nobody counted nulls. */
const UNCOUNTED = -1;

interface Window {
  readonly offset: number;
  readonly length: number;
}

function childType(type: DataType, at: number): DataType {
  const child: Field | undefined = type.children?.[at];
  if (child === undefined) throw new TypeError(`Cannot find child ${at} of ${type}`);
  return child.type;
}

/** Part of an array; where there are nulls, they are counted anew. */
function windowOf(array: CArray, offset: number, length: number): CArray {
  if (offset === 0 && length === array.length) return array;
  const nullCount = array.nullCount === 0 ? 0 : UNCOUNTED;
  return { ...array, offset: array.offset + offset, length, nullCount };
}

function copyBitmap(memory: ArrayBuffer, at: number, { offset, length }: Window): Uint8Array {
  const bits = newBitmap(length);
  const source = new Uint8Array(memory, at, Math.ceil((offset + length) / 8));
  copyBits(source, bits, { from: offset, to: 0, length });
  return bits;
}

function copyValues(
  memory: ArrayBuffer,
  type: DataType,
  { at, offset, length }: Window & { readonly at: number },
): ValueArray {
  const values = newValues(type, length);
  const bytesPerValue = strideOf(type) * values.BYTES_PER_ELEMENT;
  new Uint8Array(values.buffer).set(
    new Uint8Array(memory, at + offset * bytesPerValue, length * bytesPerValue),
  );
  return values;
}

/** Offsets that start at 0, and which part of the child they reach. */
function copyOffsets(memory: ArrayBuffer, at: number, { offset, length }: Window) {
  if (length === 0) return { offsets: new Int32Array(1), start: 0, end: 0 };
  const begin = at + offset * Int32Array.BYTES_PER_ELEMENT;
  const offsets = new Int32Array(
    memory.slice(begin, begin + (length + 1) * Int32Array.BYTES_PER_ELEMENT),
  );
  const start = offsets[0]!;
  const end = offsets[length]!;
  if (start !== 0) { for (let row = 0; row <= length; row++) offsets[row]! -= start; }
  return { offsets, start, end };
}
