/** A Parquet file that is read one row group, and of it a few columns, at a time. */
import type { RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import { throwIfAborted } from "../../../abort.ts";
import { AppError, displayPath } from "../../../errors.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { makeBatch } from "../../arrow/batch.ts";
import type { ColumnMetaData, RowGroup, SortingColumn } from "../footer/file_metadata.ts";
import { type ChunkRange, chunkRange, type Footer, readFooter } from "../footer/read_footer.ts";
import type { ParquetNode, ParquetSchema } from "../footer/schema_tree.ts";
import { checkDecodable, checkPages, type PageCheck } from "./check_pages.ts";
import { decodeParquet } from "./decode.ts";
import { arrowSchemaOf, int96Hint } from "./file_arrow_schema.ts";
import { fetchChunks, type FetchedChunks } from "./fetch_chunks.ts";
import { type PrunedSchema, pruneSchema } from "./prune_schema.ts";
import { rowGroupFooter } from "./row_group_file.ts";

/** Rows of a batch, unless the caller asks otherwise. */
export const DEFAULT_BATCH_ROWS = 65_536;

/** Decoded bytes that a batch may have by estimate. */
export const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/** Decoded bytes, by estimate, that one call of the decoder makes: its memory is several times this. */
export const MAX_WINDOW_BYTES = 256 * 1024 * 1024;

/** Options of {@linkcode openParquetFile}. */
export interface OpenParquetOptions {
  readonly location: string;
  /** Size of the file; asked of the store where it is not known. */
  readonly sizeBytes?: number;
  readonly signal?: AbortSignal;
}

/** A column chunk. */
export interface ParquetChunk {
  /** Where its pages lie in the file, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Codec, encodings, counts and statistics. */
  readonly metaData: ColumnMetaData;
  /** Where the page indexes lie, if there are any. */
  readonly columnIndex: ChunkRange | null;
  readonly offsetIndex: ChunkRange | null;
}

/** A row group. */
export interface ParquetRowGroup {
  readonly rowCount: number;
  /** Bytes of its pages as they lie in the file, and uncompressed. */
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** One for each leaf of the schema, in its order. */
  readonly chunks: readonly ParquetChunk[];
  readonly sortingColumns: readonly SortingColumn[];
}

/** A column chunk that was fetched. */
export interface FetchedLeaf {
  readonly metaData: ColumnMetaData;
  readonly bytes: Uint8Array;
  readonly pages: PageCheck;
}

/** Options of {@linkcode ParquetSource.readRowGroup}. */
export interface ReadRowGroupOptions {
  /**
   * What to read: top-level columns, or any nodes below them (maps come whole); all if left out. The
   * result has the file's order.
   */
  readonly columns?: readonly ParquetNode[];
  /** Rows of a batch, at most. */
  readonly batchSize?: number;
  /**
   * Decoded bytes, by estimate, that one step makes; a row group of more is decoded in several, each
   * of which goes through its pages anew. {@linkcode MAX_WINDOW_BYTES} by default.
   */
  readonly windowBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file: one read of its tail, two where the footer is large; a small file is read whole. Throws `corrupt_data` (code
 * `parquet_corrupt`), `unsupported` (codes `parquet_encrypted`, `parquet_unsupported`), `not_found`
 * and whatever else `io` throws.
 */
export async function openParquetFile(
  io: FileIo,
  options: OpenParquetOptions,
): Promise<ParquetSource> {
  const { location, signal } = options;
  const sizeBytes = options.sizeBytes ?? await sizeOf(io, options);
  const footer = await readFooter(io, {
    location,
    sizeBytes,
    ...(signal === undefined ? {} : { signal }),
  });
  return new ParquetSource(io, { location, sizeBytes, footer });
}

/** An open file; holds its footer, a small file whole, and nothing that needs closing. */
export class ParquetSource {
  readonly location: string;
  readonly sizeBytes: number;
  readonly schema: ParquetSchema;
  readonly rowCount: number;
  readonly rowGroups: readonly ParquetRowGroup[];
  readonly createdBy: string | null;
  /** The file's own metadata; of repeated keys the last. */
  readonly keyValueMetadata: ReadonlyMap<string, string>;
  readonly #io: FileIo;
  readonly #file: Uint8Array | null;
  #arrowSchema: ArrowSchema | null = null;

  constructor(
    io: FileIo,
    options: { readonly location: string; readonly sizeBytes: number; readonly footer: Footer },
  ) {
    const { metaData, schema } = options.footer;
    this.#io = io;
    this.#file = options.footer.file;
    this.location = options.location;
    this.sizeBytes = options.sizeBytes;
    this.schema = schema;
    this.rowCount = metaData.numRows;
    this.rowGroups = metaData.rowGroups.map(describeRowGroup);
    this.createdBy = metaData.createdBy;
    this.keyValueMetadata = new Map(
      metaData.keyValueMetadata?.map(({ key, value }) => [key, value ?? ""]),
    );
  }

  /**
   * The Arrow form of the whole schema, one field for each top-level column, with field ids in the
   * metadata where the file has them. What batches have, up to the columns that are left out.
   */
  arrowSchema(): ArrowSchema {
    return this.#arrowSchema ??= this.#arrowSchemaOf(pruneSchema(this.schema, undefined));
  }

  /**
   * The rows of a row group. Nothing is read before the first batch is asked for; then the chunks of
   * the wanted columns are fetched, and decoded some rows at a time. Errors are those of opening.
   */
  async *readRowGroup(
    index: number,
    options: ReadRowGroupOptions = {},
  ): AsyncGenerator<RecordBatch, void, undefined> {
    const group = this.rowGroups[index];
    if (group === undefined) throw new RangeError(`Cannot read row group ${index}: there is none`);
    if (group.rowCount === 0) return;
    const { signal, batchSize = DEFAULT_BATCH_ROWS, windowBytes = MAX_WINDOW_BYTES } = options;
    const schema = pruneSchema(this.schema, options.columns);
    if (schema.leaves.length === 0) {
      yield* this.#rowsWithoutColumns(schema, group.rowCount, batchSize);
      return;
    }
    const chunks = schema.leaves.map(({ index }) => group.chunks[index]!);
    chunks.forEach(({ metaData }, at) => checkDecodable(this.#place(metaData, schema, at)));
    const footer = (offsets: readonly number[]) =>
      rowGroupFooter(schema, [{
        numRows: group.rowCount,
        chunks: chunks.map(({ metaData }, at) => ({ metaData, offset: offsets[at] ?? 0 })),
      }], this.#hintOptions(schema));
    const room = footer(chunks.map(() => Number.MAX_SAFE_INTEGER - 2 ** 32)).length;
    const fetched = await this.#fetch(chunks, { signal, room });
    const bytesPerRow = this.#checkChunks(fetched, { schema, chunks }) / group.rowCount;
    const trailer = footer(fetched.offsets);
    const end = fetched.bytes.length - room;
    fetched.bytes.set(trailer, end);
    const file = fetched.bytes.subarray(0, end + trailer.length);
    const arrow = this.#arrowSchemaOf(schema);
    const windowRows = rowsFor(windowBytes, bytesPerRow);
    const batchRows = Math.min(batchSize, rowsFor(MAX_BATCH_BYTES, bytesPerRow));
    for (let offset = 0; offset < group.rowCount; offset += windowRows) {
      throwIfAborted(signal);
      const isWhole = windowRows >= group.rowCount;
      yield* decodeParquet(file, {
        batchSize: batchRows,
        schema: arrow,
        location: this.location,
        ...(isWhole ? {} : { offset, limit: windowRows }),
      });
    }
  }

  /**
   * The chunks of some leaves of a row group, each in bytes of its own, looked through as for reading.
   * Errors are those of {@linkcode readRowGroup}.
   */
  async fetchLeaves(
    index: number,
    leaves: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly FetchedLeaf[]> {
    const chunks = leaves.map((leaf) => this.rowGroups[index]!.chunks[leaf]!);
    const { location } = this;
    const columns = leaves.map((leaf) => this.schema.leaves[leaf]!.path.join("."));
    chunks.forEach(({ metaData }, at) =>
      checkDecodable({ metaData, location, column: columns[at]! })
    );
    const { bytes, offsets } = await this.#fetch(chunks, { signal, room: 0 });
    return chunks.map(({ metaData, length }, at) => {
      const chunk = bytes.subarray(offsets[at]!, offsets[at]! + length);
      const pages = checkPages({ bytes: chunk, metaData, location, column: columns[at]! });
      return { metaData, bytes: chunk, pages };
    });
  }

  /** Bytes that some leaves of a row group take once they are decoded, by estimate. */
  decodedBytes(index: number, leaves: readonly number[]): number {
    return leaves.reduce((sum, leaf) => {
      const { metaData } = this.rowGroups[index]!.chunks[leaf]!;
      return sum + estimateDecoded(metaData, {
        uncompressedBytes: metaData.totalUncompressedSize,
        hasDictionary: (metaData.dictionaryPageOffset ?? 0) > 0,
      });
    }, 0);
  }

  /** Bytes of the file as they are; they are the caller's. Errors are those of `io`. */
  async read(range: ChunkRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#file?.slice(range.offset, range.offset + range.length) ??
      await this.#io.read(this.location, { range, ...(signal === undefined ? {} : { signal }) });
  }

  async #fetch(
    chunks: readonly ParquetChunk[],
    options: { readonly signal: AbortSignal | undefined; readonly room: number },
  ): Promise<FetchedChunks> {
    return await fetchChunks(this.#io, chunks, {
      ...options,
      location: this.location,
      file: this.#file,
    });
  }

  /** The estimated bytes of the decoded rows. */
  #checkChunks(
    { bytes, offsets }: FetchedChunks,
    options: { readonly schema: PrunedSchema; readonly chunks: readonly ParquetChunk[] },
  ): number {
    const { schema, chunks } = options;
    let decodedBytes = 0;
    chunks.forEach(({ metaData, length }, at) => {
      const offset = offsets[at] ?? 0;
      const check = checkPages({
        bytes: bytes.subarray(offset, offset + length),
        ...this.#place(metaData, schema, at),
      });
      const { uncompressedBytes, dictionaryBytes } = check;
      const hasDictionary = dictionaryBytes > 0;
      decodedBytes += estimateDecoded(metaData, { uncompressedBytes, hasDictionary });
    });
    return decodedBytes;
  }

  #place(metaData: ColumnMetaData, { leaves }: PrunedSchema, at: number) {
    return { metaData, location: this.location, column: leaves[at]?.path.join(".") ?? "" };
  }

  *#rowsWithoutColumns(
    schema: PrunedSchema,
    rowCount: number,
    batchSize: number,
  ): Generator<RecordBatch> {
    const arrow = this.#arrowSchemaOf(schema);
    for (let row = 0; row < rowCount; row += batchSize) {
      yield makeBatch(arrow, [], { length: Math.min(batchSize, rowCount - row) });
    }
  }

  #arrowSchemaOf(schema: PrunedSchema): ArrowSchema {
    return arrowSchemaOf(schema, { location: this.location, ...this.#hintOptions(schema) });
  }

  #hintOptions(schema: PrunedSchema): { readonly arrowSchema?: string } {
    const hint = int96Hint(schema, this.location);
    return hint === null ? {} : { arrowSchema: hint };
  }
}

async function sizeOf(io: FileIo, { location, signal }: OpenParquetOptions): Promise<number> {
  const stat = await io.stat(location, signal);
  if (stat !== null) return stat.sizeBytes;
  throw new AppError(
    "not_found",
    "file_not_found",
    `Cannot read "${displayPath(location)}": there is no such file`,
    { context: { location } },
  );
}

function rangeOf(offset: number | null, length: number | null): ChunkRange | null {
  return offset === null || length === null ? null : { offset, length };
}

function describeRowGroup(group: RowGroup): ParquetRowGroup {
  const chunks = group.columns.map((chunk): ParquetChunk => {
    if (chunk.metaData === null) throw new TypeError("Cannot describe a chunk without metadata");
    return {
      ...chunkRange(chunk),
      metaData: chunk.metaData,
      columnIndex: rangeOf(chunk.columnIndexOffset, chunk.columnIndexLength),
      offsetIndex: rangeOf(chunk.offsetIndexOffset, chunk.offsetIndexLength),
    };
  });
  return {
    rowCount: group.numRows,
    compressedBytes: chunks.reduce((sum, { length }) => sum + length, 0),
    uncompressedBytes: group.totalByteSize,
    chunks,
    sortingColumns: group.sortingColumns ?? [],
  };
}

/** Bytes of a value in Arrow form where its physical type fixes them, by number of the type. */
const FIXED_VALUE_BYTES: readonly (number | null)[] = [1, 4, 8, 8, 4, 8, null, null];

/** Offset and validity of one value of varying length. */
const VALUE_OVERHEAD_BYTES = 5;

interface PageFacts {
  readonly uncompressedBytes: number;
  readonly hasDictionary: boolean;
}

function estimateDecoded(metaData: ColumnMetaData, pages: PageFacts): number {
  const { type, numValues, sizeStatistics } = metaData;
  const fixed = FIXED_VALUE_BYTES[type] ?? null;
  // Decimals of any physical type take 16 bytes; nobody minds windows of half the size.
  if (fixed !== null) return numValues * fixed;
  const overhead = numValues * VALUE_OVERHEAD_BYTES;
  const exact = sizeStatistics?.unencodedByteArrayDataBytes ?? null;
  if (exact !== null && exact >= 0) return overhead + exact;
  // A dictionary is written once and repeated in every row: guess from its share of the values.
  const repeated = pages.hasDictionary ? TYPICAL_DICTIONARY_GAIN : 1;
  return overhead + pages.uncompressedBytes * repeated;
}

/** How many times its encoded size a column with a dictionary takes, at a guess. */
const TYPICAL_DICTIONARY_GAIN = 8;

function rowsFor(budgetBytes: number, bytesPerRow: number): number {
  return Math.max(1, Math.floor(budgetBytes / Math.max(bytesPerRow, 1 / 8)));
}
