/** Parquet bytes to Arrow batches, through WebAssembly. */
import type { RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import type { FFIStream } from "parquet-wasm/esm";
import { AppError, corruptData, displayPath } from "../../../errors.ts";
import { readCArray } from "../wasm/c_data.ts";
import { memoryOf, type ParquetWasm, ParquetWasmError, withParquetWasm } from "../wasm/instance.ts";
import { copyBatch } from "./copy_batch.ts";

/** Options of {@linkcode decodeParquet}. */
export interface DecodeOptions {
  /** Rows of a batch, at most. */
  readonly batchSize: number;
  /** What the decoder makes of the file's schema: see `arrowSchemaOf`. */
  readonly schema: ArrowSchema;
  /** Rows to skip, and rows to decode after them. */
  readonly offset?: number;
  readonly limit?: number;
  /** For messages. */
  readonly location: string;
}

/**
 * Decodes a file in memory. The batches' memory is JavaScript's own. Throws `corrupt_data` (code
 * `parquet_corrupt`) or `unsupported` (code `parquet_unsupported`).
 */
export function decodeParquet(bytes: Uint8Array, options: DecodeOptions): readonly RecordBatch[] {
  const { location, batchSize, schema, offset, limit } = options;
  // A batch holds at most 2 GiB of one column; rows can be so uneven that no estimate helps.
  for (let rows = batchSize;; rows = Math.ceil(rows / 8)) {
    try {
      return withParquetWasm((wasm, own) => {
        const table = own(wasm.readParquet(bytes, {
          batchSize: rows,
          ...(offset === undefined ? {} : { offset }),
          ...(limit === undefined ? {} : { limit }),
        }));
        return copyTable(wasm, own(table.intoFFI()), schema);
      });
    } catch (error) {
      if (!(error instanceof ParquetWasmError)) throw error;
      if (rows === 1 || !OVERFLOW.test(error.message)) throw decodeError(error, location);
    }
  }
}

/** Copies buffer by buffer: through Arrow's IPC format it would take twice the time and memory. */
function copyTable(
  wasm: ParquetWasm,
  table: FFIStream,
  schema: ArrowSchema,
): readonly RecordBatch[] {
  const addresses = Array.from({ length: table.numArrays() }, (_, at) => table.arrayAddr(at));
  // Nothing is called in between that could move the memory.
  const memory = memoryOf(wasm);
  const view = new DataView(memory);
  return addresses.map((address) => copyBatch(memory, schema, readCArray(view, address)));
}

const OVERFLOW = /overflow/i;
/**
 * The specification has steps between 32-bit integers wrap around, so that they are as narrow; some
 * writers, DuckDB among them, give them 33 bits.
 */
const WIDE_DELTAS = /'min_delta' too large|first value too large/;
const NOT_IMPLEMENTED = /not (?:yet )?implemented|NYI|unsupported|not supported/i;

/** What a failure of the decoder means to the caller. */
export function decodeError(error: ParquetWasmError, location: string): AppError {
  const name = displayPath(location);
  const options = { context: { location, trapped: error.trapped }, cause: error };
  if (!error.trapped && NOT_IMPLEMENTED.test(error.message)) {
    return new AppError(
      "unsupported",
      "parquet_unsupported",
      `Cannot read "${name}": it uses a part of Parquet that drls does not decode; ` +
        "rewrite the file with another writer",
      options,
    );
  }
  if (!error.trapped && WIDE_DELTAS.test(error.message)) {
    return new AppError(
      "unsupported",
      "parquet_unsupported",
      `Cannot read "${name}": a column of 32-bit integers has the encoding DELTA_BINARY_PACKED with ` +
        "values or steps of more than 32 bits, which drls does not decode; rewrite the file with " +
        "pages of version 1 or another encoding",
      options,
    );
  }
  return corruptData("parquet_corrupt", `Cannot read "${name}": its pages are damaged`, options);
}
