/** Rows of a request in blocks that can be read by themselves, whatever their format. */
import type { RecordBatch } from "apache-arrow";
import type { FileIo } from "../../iceberg/ports.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { AppendFormat } from "../contract/append.ts";
import { type ArrowBlock, arrowBlocks } from "./arrow_blocks.ts";
import { arrowBatches, parquetBatches, type ParquetPart } from "./columnar_rows.ts";
import { csvBatches, csvHeader, type CsvPlace } from "./csv_rows.ts";
import { ndjsonBatches } from "./ndjson_rows.ts";
import type { Upload } from "./parquet_upload.ts";
import { textBlocks } from "./text_blocks.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Some rows. Byte arrays have their memory for themselves, so that they can move. */
export type RowBlock =
  | { readonly format: "ndjson"; readonly bytes: Bytes }
  | { readonly format: "csv"; readonly bytes: Bytes } & CsvPlace
  | { readonly format: "arrow" } & ArrowBlock
  | { readonly format: "parquet" } & ParquetPart;

/** Options of {@linkcode rowBlocks}. */
export interface RowBlocksOptions {
  readonly format: AppendFormat;
  readonly schema: Schema;
  /** Bytes of a block; one row, batch or row group of more is a block by itself. */
  readonly blockBytes: number;
  /** Keeps a Parquet file, which has to stay until its blocks are read. */
  readonly upload: Upload;
}

/** All rows, in order. Errors are those of formats that are not what they say. */
export async function* rowBlocks(
  input: ReadableStream<Uint8Array>,
  { format, schema, blockBytes, upload }: RowBlocksOptions,
): AsyncGenerator<RowBlock> {
  switch (format) {
    case "ndjson":
      for await (const bytes of textBlocks(input, { format, blockBytes })) {
        yield { format, bytes };
      }
      return;
    case "csv":
      return yield* csvBlocks(input, schema, blockBytes);
    case "arrow":
      for await (const block of arrowBlocks(input, { blockBytes })) {
        yield { format, ...block };
      }
      return;
    case "parquet":
      for await (const part of upload.parts(input)) {
        yield { format, ...part };
      }
  }
}

async function* csvBlocks(
  input: ReadableStream<Uint8Array>,
  schema: Schema,
  blockBytes: number,
): AsyncGenerator<RowBlock> {
  let header: readonly number[] | null = null;
  for await (const bytes of textBlocks(input, { format: "csv", blockBytes })) {
    if (header !== null) {
      yield { format: "csv", bytes, header, headerLines: 0 };
      continue;
    }
    const first = csvHeader(bytes, schema);
    header = first.header;
    yield { format: "csv", bytes: bytes.slice(first.end), header, headerLines: first.lines };
  }
}

/** Options of {@linkcode blockBatches}. */
export interface BlockBatchesOptions {
  readonly schema: Schema;
  /** Holds uploads. */
  readonly io: FileIo;
  readonly signal: AbortSignal;
  /** Told how many lines a block of text had, once all batches are taken. */
  readonly count: { lines: number };
}

/** The rows of a block in the table's Arrow form. The first row that is not valid is an error. */
export async function* blockBatches(
  block: RowBlock,
  { schema, io, signal, count }: BlockBatchesOptions,
): AsyncGenerator<RecordBatch> {
  switch (block.format) {
    case "ndjson":
      return yield* ndjsonBatches(block.bytes, schema, count);
    case "csv":
      return yield* csvBatches(block.bytes, { schema, ...block, count });
    case "arrow":
      return yield* arrowBatches(block, schema);
    case "parquet":
      return yield* parquetBatches(block, { schema, io, signal });
  }
}
