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
import {
  checkColumn,
  type ColumnFault,
  compileProjection,
  type Exactness,
  makeBatch,
  type Projection,
} from "../../columnar/mod.ts";
import { openParquetFile } from "../../columnar/parquet/mod.ts";
import { AppError } from "../../errors.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import { type MappedField, NameMapping } from "../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField, Type } from "../../iceberg/spec/types.ts";
import { type ArrowBlock, malformed } from "./arrow_blocks.ts";
import { rowInvalid } from "./row_error.ts";

/** Batches of a block of an Arrow stream. */
export function* arrowBatches(
  { bytes, firstRow }: Pick<ArrowBlock, "bytes" | "firstRow">,
  schema: Schema,
): Generator<RecordBatch> {
  let reader: RecordBatchReader;
  try {
    reader = RecordBatchReader.from(bytes).open();
  } catch (cause) {
    throw malformed("its schema cannot be read", cause);
  }
  const rows = new ColumnarRows(reader.schema, { schema, firstRow, exactness: "values_and_zones" });
  const batches = reader[Symbol.iterator]();
  while (true) {
    let next: IteratorResult<RecordBatch>;
    try {
      next = batches.next();
    } catch (cause) {
      throw malformed("a batch cannot be read", cause);
    }
    if (next.done === true) return;
    if (next.value.numRows > 0) yield rows.take(next.value);
  }
}

/** Bytes of rows that are decoded together: WebAssembly keeps what it once took. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/** A row group of an upload. */
export interface ParquetPart {
  readonly location: string;
  readonly sizeBytes: number;
  /** Number of the row group; null where only the columns are looked at. */
  readonly rowGroup: number | null;
  /** Rows before its first. */
  readonly firstRow: number;
}

/** Options of {@linkcode parquetBatches}. */
export interface ParquetBatchesOptions {
  readonly schema: Schema;
  readonly io: FileIo;
  readonly signal: AbortSignal;
}

/** Batches of a row group of a Parquet file. */
export async function* parquetBatches(
  { location, sizeBytes, rowGroup, firstRow }: ParquetPart,
  { schema, io, signal }: ParquetBatchesOptions,
): AsyncGenerator<RecordBatch> {
  try {
    const source = await openParquetFile(io, { location, sizeBytes, signal });
    // Old writers have no way to say that their times are instants.
    const isOld = source.schema.leaves.some(({ node }) => node.physicalType === "INT96");
    const rows = new ColumnarRows(source.arrowSchema(), {
      schema,
      firstRow,
      exactness: isOld ? "values" : "values_and_zones",
    });
    if (rowGroup === null) return;
    for await (
      const batch of source.readRowGroup(rowGroup, { signal, windowBytes: WINDOW_BYTES })
    ) {
      if (batch.numRows > 0) yield rows.take(batch);
    }
  } catch (error) {
    throw notParquet(error);
  }
}

interface ColumnarRowsOptions {
  readonly schema: Schema;
  readonly firstRow: number;
  readonly exactness: Exactness;
}

/** Casts batches of one schema to the table's, and counts rows for errors. */
class ColumnarRows {
  readonly #projection: Projection;
  readonly #plain: ArrowSchema;
  #before: number;

  constructor(given: ArrowSchema, { schema, firstRow, exactness }: ColumnarRowsOptions) {
    this.#before = firstRow;
    this.#plain = new ArrowSchema(given.fields.map(withoutIds));
    checkNames(given.fields, schema.fields, "");
    this.#projection = compileProjection(this.#plain, schema.fields.map(withWriteDefault), {
      exactness,
      nameMapping: new NameMapping(schema.fields.map(mapped)),
      file: { location: "upload", constants: new Map(), firstRowId: null, sequenceNumber: 0n },
      faultOf: (column) => this.#faultOf(column),
    });
  }

  take(batch: RecordBatch): RecordBatch {
    const { filePlaces } = this.#projection;
    const fields = filePlaces.map((place) => this.#plain.fields[place]!);
    const columns = filePlaces.map((place) => batch.data.children[place]!);
    fields.forEach(({ name }, at) => checkColumn(columns[at]!, this.#faultOf(name)));
    const needed = makeBatch(new ArrowSchema(fields), columns, { length: batch.numRows });
    const rows = this.#projection.project(needed, { firstPosition: this.#before });
    this.#before += batch.numRows;
    return rows;
  }

  #faultOf(column: string): ColumnFault {
    return (problem, row) =>
      row === null
        ? columnInvalid(column, problem)
        : rowInvalid({ unit: "row", number: this.#before + row + 1 }, { column, problem });
  }
}

/** What a row lacks it gets as it is written, not as it is read. */
function withWriteDefault(field: NestedField): NestedField {
  return { ...field, type: withWriteDefaults(field.type), initialDefault: field.writeDefault };
}

function withWriteDefaults(type: Type): Type {
  switch (type.kind) {
    case "struct":
      return { ...type, fields: type.fields.map(withWriteDefault) };
    case "list":
      return { ...type, element: withWriteDefaults(type.element) };
    case "map":
      return { ...type, value: withWriteDefaults(type.value) };
    default:
      return type;
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
  for (const { name, required, writeDefault } of wanted) {
    if (!required || names.has(name) || writeDefault !== undefined) continue;
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

/** The error of reading an upload: the file is the caller's, not the table's. */
export function notParquet(error: unknown): unknown {
  if (!(error instanceof AppError && error.kind === "corrupt_data")) return error;
  const message = "Cannot append: the body is no readable Parquet file. Nothing was appended";
  return new AppError("malformed", "parquet_malformed", message, { cause: error });
}
