/**
 * Rows as an Arrow stream or a Parquet file, made into batches of the table's schema. Columns are
 * matched by name, whatever field ids a file carries: they are another table's.
 */
import { type RecordBatch, RecordBatchReader, type Schema as ArrowSchema } from "apache-arrow";
import {
  checkColumn,
  type ColumnFault,
  type Exactness,
  NameProjection,
} from "../../columnar/mod.ts";
import { openParquetFile } from "../../columnar/parquet/mod.ts";
import { AppError } from "../../errors.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
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
  readonly #projection: NameProjection;
  readonly #names: readonly string[];
  #before: number;

  constructor(given: ArrowSchema, { schema, firstRow, exactness }: ColumnarRowsOptions) {
    this.#before = firstRow;
    this.#names = given.fields.map(({ name }) => name);
    const faultOf = (column: string) => this.#faultOf(column);
    this.#projection = new NameProjection(given, { schema, exactness, faultOf });
  }

  take(batch: RecordBatch): RecordBatch {
    for (const place of this.#projection.places) {
      checkColumn(batch.data.children[place]!, this.#faultOf(this.#names[place]!));
    }
    const rows = this.#projection.project(batch);
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
