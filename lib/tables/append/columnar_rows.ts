/**
 * Rows as an Arrow stream or a Parquet file, made into batches of the table's schema. Columns are
 * matched by name, whatever field ids a file carries: they are another table's.
 */
import {
  DataType,
  Field,
  type RecordBatch,
  RecordBatchReader,
  Schema as ArrowSchema,
} from "apache-arrow";
import { compileProjection, makeBatch, type Projection } from "../../columnar/mod.ts";
import { openParquetFile } from "../../columnar/parquet/mod.ts";
import { AppError } from "../../errors.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import { type MappedField, NameMapping } from "../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";
import { rowInvalid } from "./row_error.ts";

/** An Arrow IPC stream. */
export async function* arrowBatches(
  input: ReadableStream<Uint8Array>,
  schema: Schema,
): AsyncGenerator<RecordBatch> {
  let reader: RecordBatchReader;
  try {
    reader = await RecordBatchReader.from(input);
    await reader.open();
  } catch (error) {
    throw notArrow(error);
  }
  const rows = new ColumnarRows(reader.schema, schema);
  const batches = reader[Symbol.asyncIterator]();
  while (true) {
    let next: IteratorResult<RecordBatch>;
    try {
      next = await batches.next();
    } catch (error) {
      throw notArrow(error);
    }
    if (next.done === true) return;
    if (next.value.numRows > 0) yield rows.take(next.value);
  }
}

/** Where an upload is kept while it is read: Parquet is read from its end. */
export interface ParquetUpload {
  readonly io: FileIo;
  /** Free; the file is removed again. */
  readonly location: string;
  readonly signal: AbortSignal;
}

/** A Parquet file. */
export async function* parquetBatches(
  input: ReadableStream<Uint8Array>,
  schema: Schema,
  { io, location, signal }: ParquetUpload,
): AsyncGenerator<RecordBatch> {
  const writer = await io.openWriter(location);
  try {
    for await (const chunk of input) await writer.write(chunk);
    const { sizeBytes } = await writer.close();
    const source = await openParquetFile(io, { location, sizeBytes, signal });
    const rows = new ColumnarRows(source.arrowSchema(), schema);
    for (const index of source.rowGroups.keys()) {
      for await (const batch of source.readRowGroup(index, { signal })) {
        if (batch.numRows > 0) yield rows.take(batch);
      }
    }
  } catch (error) {
    throw notParquet(error);
  } finally {
    await writer.abort();
    await io.delete(location);
  }
}

/** Casts batches of one schema to the table's, and counts rows for errors. */
class ColumnarRows {
  readonly #projection: Projection;
  readonly #plain: ArrowSchema;
  #before = 0;

  constructor(given: ArrowSchema, schema: Schema) {
    this.#plain = new ArrowSchema(given.fields.map(withoutIds));
    checkNames(given.fields, schema.fields, "");
    this.#projection = compileProjection(this.#plain, schema.fields, {
      nameMapping: new NameMapping(schema.fields.map(mapped)),
      file: { location: "upload", constants: new Map(), firstRowId: null, sequenceNumber: 0n },
      faultOf: (column) => (problem, row) =>
        row === null
          ? columnInvalid(column, problem)
          : rowInvalid({ unit: "row", number: this.#before + row + 1 }, { column, problem }),
    });
  }

  take(batch: RecordBatch): RecordBatch {
    const { filePlaces } = this.#projection;
    const fields = filePlaces.map((place) => this.#plain.fields[place]!);
    const columns = filePlaces.map((place) => batch.data.children[place]!);
    const needed = makeBatch(new ArrowSchema(fields), columns, { length: batch.numRows });
    const rows = this.#projection.project(needed, { firstPosition: this.#before });
    this.#before += batch.numRows;
    return rows;
  }
}

/** Every column must be one of the table's, and every required one must be there. */
function checkNames(given: readonly Field[], wanted: readonly NestedField[], path: string): void {
  const at = (name: string) => path === "" ? name : `${path}.${name}`;
  const names = new Set<string>();
  for (const { name, type } of given) {
    const field = wanted.find((one) => one.name === name);
    if (field === undefined) throw columnInvalid(at(name), "the table has no such column");
    if (names.has(name)) throw columnInvalid(at(name), "it is there twice");
    names.add(name);
    checkNested(type, field.type, at(name));
  }
  for (const { name, required, initialDefault } of wanted) {
    if (!required || names.has(name) || initialDefault !== undefined) continue;
    throw columnInvalid(at(name), "it is required, and missing");
  }
}

function checkNested(given: DataType, wanted: Type, path: string): void {
  const [child]: readonly Field[] = given.children ?? [];
  if (wanted.kind === "struct" && DataType.isStruct(given)) {
    checkNames(given.children, wanted.fields, path);
  } else if (wanted.kind === "list" && child !== undefined) {
    checkNested(child.type, wanted.element, `${path}.element`);
  } else if (wanted.kind === "map" && child !== undefined) {
    const [key, value]: readonly Field[] = child.type.children ?? [];
    if (key !== undefined) checkNested(key.type, wanted.key, `${path}.key`);
    if (value !== undefined) checkNested(value.type, wanted.value, `${path}.value`);
  }
}

function mapped(field: NestedField): MappedField {
  return { fieldId: field.id, names: [field.name], fields: mappedChildren(field.type) };
}

function mappedChildren(type: Type): readonly MappedField[] {
  const member = (fieldId: number, name: string, child: Type): MappedField => ({
    fieldId,
    names: [name],
    fields: mappedChildren(child),
  });
  switch (type.kind) {
    case "struct":
      return type.fields.map(mapped);
    case "list":
      return [member(type.elementId, "element", type.element)];
    case "map":
      return [member(type.keyId, "key", type.key), member(type.valueId, "value", type.value)];
    default:
      return [];
  }
}

/** The field without its metadata, at every depth. */
function withoutIds(field: Field): Field {
  const { type } = field;
  const children: readonly Field[] = type.children ?? [];
  if (children.length === 0) return new Field(field.name, type, field.nullable);
  // A nested type is its children: a copy that has the bare ones in their place.
  const copy: DataType = Object.create(
    Object.getPrototypeOf(type),
    Object.getOwnPropertyDescriptors(type),
  );
  Object.defineProperty(copy, "children", { value: children.map(withoutIds) });
  return new Field(field.name, copy, field.nullable);
}

function columnInvalid(column: string, problem: string): AppError {
  const message =
    `Cannot append: column "${column}" is not valid: ${problem}. Nothing was appended`;
  return new AppError("invalid", "column_invalid", message, {
    issues: [{ path: `columns.${column}`, message: problem }],
  });
}

function notArrow(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const message = "Cannot append: the body is no Arrow IPC stream. Nothing was appended";
  return new AppError("malformed", "arrow_malformed", message, { cause: error });
}

/** The file is the caller's, not the table's. */
function notParquet(error: unknown): unknown {
  if (!(error instanceof AppError && error.kind === "corrupt_data")) return error;
  const message = "Cannot append: the body is no readable Parquet file. Nothing was appended";
  return new AppError("malformed", "parquet_malformed", message, { cause: error });
}
