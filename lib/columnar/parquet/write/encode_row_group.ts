/** Arrow batches to one encoded row group. */
import { type RecordBatch, RecordBatchStreamWriter, Schema as ArrowSchema } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { releaseBytes } from "../../../release_bytes.ts";
import { makeBatch } from "../../arrow/batch.ts";
import { batchBytes } from "../../arrow/batch_bytes.ts";
import { isCutShort } from "../metrics/leaf_stats.ts";
import type { MetricsConfig } from "../metrics/metrics_config.ts";
import { ParquetWasmError, withParquetWasm } from "../wasm/instance.ts";
import { writerProperties } from "../wasm/writer_properties.ts";
import { type ByteExtremes, countNans, foldExtremes, unrepeatedLeaves } from "./collect_facts.ts";
import { BatchConformer } from "./conform_batch.ts";
import {
  describeEncoded,
  type EncodedColumn,
  type EncodedRowGroup,
  joinColumns,
} from "./encoded_row_group.ts";
import { type WriteSchema, writeSchemaOf } from "./parquet_schema.ts";
import type { WriteSettings } from "./write_settings.ts";

/** Options of {@linkcode encodeRowGroup}. */
export interface EncodeOptions {
  /** Of the table; batches have its Arrow form (`arrowSchema`). */
  readonly schema: Pick<Schema, "fields">;
  readonly settings: WriteSettings;
  /** What is kept of each column: bounds in full are looked for where it says so. */
  readonly metrics: MetricsConfig;
}

/**
 * Bytes of rows from which on columns are encoded one after another. WebAssembly then holds one of
 * them at a time, and its memory never shrinks; of few rows each call would cost more than they do.
 */
const BY_COLUMN_BYTES = 1024 * 1024;

/**
 * Encodes all rows of all batches as one row group: at least one row, and no more than memory holds
 * twice. Throws `invalid` (code `null_in_required_column`) and `unsupported` (code
 * `type_unsupported`, for the schema).
 */
export function encodeRowGroup(
  batches: readonly RecordBatch[],
  options: EncodeOptions,
): EncodedRowGroup {
  const schema = writeSchemaOf(options.schema);
  const conformer = new BatchConformer(options.schema.fields, schema);
  const conformed = batches.filter(({ numRows }) => numRows > 0)
    .map((batch) => conformer.conform(batch));
  if (conformed.length === 0) throw new RangeError("Cannot encode a row group without rows");
  const encoded = encodeConformed(conformed, { schema, settings: options.settings });
  const columns = new FactCollector(schema, options.metrics).add(
    encoded.metadata.columns,
    conformed,
  );
  return { ...encoded, metadata: { ...encoded.metadata, columns } };
}

interface EncodeConformedOptions {
  readonly schema: WriteSchema;
  readonly settings: WriteSettings;
}

function encodeConformed(
  batches: readonly RecordBatch[],
  options: EncodeConformedOptions,
): EncodedRowGroup {
  const bytes = batches.reduce((sum, batch) => sum + batchBytes(batch), 0);
  const { schema, settings } = options;
  const { fields } = schema;
  if (bytes < BY_COLUMN_BYTES || fields.length < 2) return encodeTogether(batches, options);
  const parts = fields.map((field, at) => {
    const columns = batches.map((batch) =>
      makeBatch(new ArrowSchema([batch.schema.fields[at]!]), [batch.data.children[at]!], {
        length: batch.numRows,
      })
    );
    return encodeTogether(columns, { schema: writeSchemaOf({ fields: [field] }), settings });
  });
  return joinColumns(parts, schema);
}

function encodeTogether(
  batches: readonly RecordBatch[],
  { schema, settings }: EncodeConformedOptions,
): EncodedRowGroup {
  const stream = RecordBatchStreamWriter.writeAll(batches).toUint8Array(true);
  try {
    const bytes = withParquetWasm((wasm, own) => {
      const table = own(wasm.Table.fromIPCStream(stream));
      releaseBytes(stream);
      const { fields } = schema;
      return wasm.writeParquet(table, writerProperties(wasm, settings, { fields, own }));
    });
    return describeEncoded(bytes as Uint8Array<ArrayBuffer>, schema);
  } catch (error) {
    if (error instanceof ParquetWasmError) throw encodeError(error);
    throw error;
  }
}

/** What a failure of the encoder means. */
export function encodeError(error: ParquetWasmError): AppError {
  const options = { context: { trapped: error.trapped }, cause: error };
  if (/non-null/i.test(error.message)) {
    return new AppError(
      "invalid",
      "null_in_required_column",
      "Cannot write the rows: a required field inside a column has no value in some of them",
      options,
    );
  }
  return new AppError("internal", "parquet_encode_failed", "Cannot encode the rows", options);
}

class FactCollector {
  readonly #schema: WriteSchema;
  readonly #metrics: MetricsConfig;

  constructor(schema: WriteSchema, metrics: MetricsConfig) {
    this.#schema = schema;
    this.#metrics = metrics;
  }

  /** The same columns with what their statistics do not tell. */
  add(
    columns: readonly EncodedColumn[],
    batches: readonly RecordBatch[],
  ): readonly EncodedColumn[] {
    const nans = new Map<number, number>();
    const extremes = new Map<number, ByteExtremes>();
    for (const [leaf, column] of columns.entries()) {
      if (this.#wantsExact(leaf, column)) extremes.set(leaf, { min: null, max: null });
    }
    for (const batch of batches) {
      for (const leafData of unrepeatedLeaves(batch.data.children, this.#schema.fields)) {
        const { leaf } = leafData;
        const count = countNans(leafData);
        if (count !== null) nans.set(leaf, (nans.get(leaf) ?? 0) + count);
        const found = extremes.get(leaf);
        if (found !== undefined) foldExtremes(leafData, found);
      }
    }
    return columns.map((column, leaf) => ({
      ...column,
      nanCount: nans.get(leaf) ?? null,
      exactMin: extremes.get(leaf)?.min?.slice() as EncodedColumn["exactMin"] ?? null,
      exactMax: extremes.get(leaf)?.max?.slice() as EncodedColumn["exactMax"] ?? null,
    }));
  }

  /** Statistics are cut to 64 bytes: is that less than what the table keeps? */
  #wantsExact(at: number, { metaData: { statistics } }: EncodedColumn): boolean {
    const leaf = this.#schema.leaves[at];
    if (leaf === undefined || leaf.isRepeated || statistics === null) return false;
    if (!CUT_TYPES.has(leaf.type.kind)) return false;
    const mode = this.#metrics.get(leaf.fieldId);
    return mode !== undefined && isCutShort(statistics, { mode, type: leaf.type });
  }
}

/** Types whose statistics are cut. */
const CUT_TYPES: ReadonlySet<string> = new Set(["string", "binary", "fixed"]);
