/** Rows of batches as values and as text, for tests that compare what was read. */
import type { RecordBatch } from "apache-arrow";
import { BatchBuilder } from "../../lib/columnar/arrow/column_builder.ts";
import { valueReader } from "../../lib/columnar/arrow/value_reader.ts";
import type { IcebergValue, NestedField, Type } from "../../lib/iceberg/spec/types.ts";

/** A batch from rows of values. */
export function batchOfRows(
  fields: readonly NestedField[],
  rows: Iterable<readonly IcebergValue[]>,
): RecordBatch {
  const builder = new BatchBuilder({ fields });
  for (const row of rows) builder.append(row);
  return builder.finish();
}

/** The rows of a batch that has the Arrow form of `fields`. */
export function rowsOfBatch(
  batch: RecordBatch,
  fields: readonly NestedField[],
): IcebergValue[][] {
  const readers = fields.map(({ type, name }, at) => {
    const column = batch.data.children[at];
    if (column === undefined || column.length !== batch.numRows) {
      throw new TypeError(`Cannot read column "${name}" of a batch`);
    }
    return valueReader(column, type);
  });
  return Array.from({ length: batch.numRows }, (_, row) => readers.map((read) => read(row)));
}

/** The rows of all batches. */
export async function collectRows(
  batches: AsyncIterable<RecordBatch>,
  fields: readonly NestedField[],
): Promise<IcebergValue[][]> {
  const rows: IcebergValue[][] = [];
  for await (const batch of batches) rows.push(...rowsOfBatch(batch, fields));
  return rows;
}

/** A row as JSON that keeps every bit, as `conformance/peers/pyiceberg_rows.py` writes it. */
export function rowText(row: readonly IcebergValue[], fields: readonly NestedField[]): string {
  return pythonJson(fields.map(({ type }, at) => exact(type, row[at] ?? null)));
}

type Exact = string | boolean | null | readonly Exact[];

function exact(type: Type, value: IcebergValue): Exact {
  if (value === null) return null;
  if (typeof value === "number" && (type.kind === "float" || type.kind === "double")) {
    return floatBits(value, type.kind === "float");
  }
  if (value instanceof Uint8Array) return value.toHex();
  if (typeof value === "string") return type.kind === "uuid" ? value.replaceAll("-", "") : value;
  if (typeof value === "boolean") return value;
  if (typeof value !== "object") return String(value);
  switch (type.kind) {
    case "struct":
      return type.fields.map((field, at) => exact(field.type, value[at] ?? null));
    case "list":
      return value.map((item) => exact(type.element, item));
    case "map":
      return value.map((entry) => {
        const [key = null, item = null] = Array.isArray(entry) ? entry : [];
        return [exact(type.key, key), exact(type.value, item)];
      });
    default:
      throw new TypeError(`Cannot show a value of type ${type.kind}`);
  }
}

function floatBits(value: number, isFloat: boolean): string {
  if (Number.isNaN(value)) return "nan";
  const view = new DataView(new ArrayBuffer(8));
  if (isFloat) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return new Uint8Array(view.buffer, 0, isFloat ? 4 : 8).toHex();
}

/** JSON with Python's blanks after commas. */
function pythonJson(value: Exact): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  return JSON.stringify(value);
}
