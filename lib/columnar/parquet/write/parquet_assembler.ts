/** Puts encoded row groups into one file, whose footer is written here. */
import { displayPath } from "../../../errors.ts";
import type { FileWriter } from "../../../iceberg/ports.ts";
import { schemaToJson } from "../../../iceberg/spec/metadata_parts.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { stringifyJson } from "../../../json.ts";
import { VERSION } from "../../../version.ts";
import type { Bytes, ColumnChunk, KeyValue, RowGroup } from "../footer/file_metadata.ts";
import { offsetIndexCodec } from "../footer/offset_index.ts";
import { MAGIC } from "../footer/read_footer.ts";
import { encodeFooter } from "../footer/write_footer.ts";
import { type LeafStats, mergeLeafStats } from "../metrics/leaf_stats.ts";
import { CompactReader } from "../thrift/compact_reader.ts";
import { encodeThrift } from "../thrift/encode.ts";
import {
  type EncodedMetadata,
  type EncodedRowGroup,
  relocate,
  schemaKey,
} from "./encoded_row_group.ts";
import { type WriteSchema, writeSchemaOf } from "./parquet_schema.ts";

/** The key under which Iceberg's writers keep the table schema. */
export const ICEBERG_SCHEMA_KEY = "iceberg.schema";

/** Options of {@linkcode ParquetAssembler}. */
export interface AssemblerOptions {
  readonly schema: Schema;
  /** Further keys of the file's metadata. */
  readonly keyValueMetadata?: Readonly<Record<string, string>>;
}

/** A row group whose pages come in pieces; see `RowGroupCopy`. */
export interface AppendedRowGroup {
  readonly metadata: EncodedMetadata;
  /** Where the ranges of page indexes in `metadata` lead to. */
  readonly indexes: Uint8Array;
  readonly pages: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A finished file. */
export interface AssembledFile {
  readonly location: string;
  readonly sizeBytes: number;
  readonly recordCount: number;
  /** Where row groups begin, ascending, in bytes. */
  readonly splitOffsets: readonly number[];
  /** One for each leaf; `fileMetrics` makes a data file's metrics of them. */
  readonly leafStats: readonly LeafStats[];
}

/** Writes a file row group by row group; holds no pages, only what the footer needs. */
export class ParquetAssembler {
  readonly #writer: FileWriter;
  readonly #schema: WriteSchema;
  readonly #keyValues: readonly KeyValue[];
  readonly #key: string;
  readonly #groups: { readonly metadata: EncodedMetadata; readonly offset: number }[] = [];
  readonly #indexes: {
    readonly columnIndex: Bytes | null;
    readonly offsetIndex: Bytes | null;
  }[][] = [];
  #length = 0;
  #rows = 0;

  constructor(writer: FileWriter, options: AssemblerOptions) {
    this.#writer = writer;
    this.#schema = writeSchemaOf(options.schema);
    this.#key = schemaKey(this.#schema);
    this.#keyValues = [
      { key: ICEBERG_SCHEMA_KEY, value: stringifyJson(schemaToJson(options.schema)) },
      ...Object.entries(options.keyValueMetadata ?? {}).map(([key, value]) => ({ key, value })),
    ];
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#length;
  }

  /** Rows appended so far. */
  get recordCount(): number {
    return this.#rows;
  }

  /** Writes a row group's pages. A row group of another schema is a `TypeError`. */
  async append({ bytes, metadata }: EncodedRowGroup): Promise<void> {
    const { pagesOffset, pagesLength } = metadata;
    const pages = bytes.subarray(pagesOffset, pagesOffset + pagesLength);
    await this.appendCopy({ metadata, indexes: bytes, pages: [pages] });
  }

  /** As {@linkcode append}, of pages that lie elsewhere and come in pieces. */
  async appendCopy({ metadata, indexes, pages }: AppendedRowGroup): Promise<void> {
    const { location } = this.#writer;
    const name = displayPath(location);
    if (metadata.schemaKey !== this.#key) {
      throw new TypeError(`Cannot append to "${name}": the row group has another schema`);
    }
    if (this.#length === 0) await this.#write(Uint8Array.from(MAGIC));
    const offset = this.#length;
    for await (const piece of pages) await this.#write(piece);
    if (this.#length - offset !== metadata.pagesLength) {
      throw new TypeError(`Cannot append to "${name}": the row group has pages of another length`);
    }
    this.#groups.push({ metadata, offset });
    this.#rows += metadata.rowCount;
    // Copied, so that the pages can be let go of.
    this.#indexes.push(metadata.columns.map(({ columnIndex, offsetIndex, indexOrigin }) => ({
      columnIndex: columnIndex === null ? null : sliceOf(indexes, columnIndex),
      offsetIndex: offsetIndex === null ? null : movedIndex(sliceOf(indexes, offsetIndex), {
        by: offset - indexOrigin,
        location,
      }),
    })));
  }

  /** Writes indexes and footer and publishes the file. Errors are those of the writer. */
  async finish(): Promise<AssembledFile> {
    if (this.#length === 0) await this.#write(Uint8Array.from(MAGIC));
    const indexes = await this.#writeIndexes();
    const rowGroups = this.#groups.map((group, at) =>
      rowGroupOf(group, {
        at,
        schema: this.#schema,
        indexes: indexes[at] ?? [],
      })
    );
    await this.#write(encodeFooter({
      version: 1,
      schema: this.#schema.elements,
      numRows: this.#rows,
      rowGroups,
      keyValueMetadata: this.#keyValues,
      createdBy: `drls version ${VERSION}`,
      columnOrders: this.#schema.leaves.map(() => "type" as const),
      isEncrypted: null,
    }));
    const { sizeBytes } = await this.#writer.close();
    return {
      location: this.#writer.location,
      sizeBytes,
      recordCount: this.#rows,
      splitOffsets: this.#groups.map(({ offset }) => offset),
      leafStats: mergeLeafStats(this.#schema, this.#groups.map(({ metadata }) => metadata)),
    };
  }

  /** Drops what was written. */
  async abort(): Promise<void> {
    await this.#writer.abort();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
    this.#length += bytes.length;
  }

  /** Column indexes first, then offset indexes, as other writers order them. */
  async #writeIndexes(): Promise<readonly (readonly IndexPlaces[])[]> {
    const places = this.#indexes.map((group) => group.map((): IndexPlaces => ({})));
    for (const kind of ["columnIndex", "offsetIndex"] as const) {
      const parts: Bytes[] = [];
      let at = this.#length;
      this.#indexes.forEach((group, row) =>
        group.forEach((indexes, column) => {
          const part = indexes[kind];
          if (part === null) return;
          places[row]![column]![kind] = { offset: at, length: part.length };
          parts.push(part);
          at += part.length;
        })
      );
      if (parts.length > 0) await this.#write(concat(parts));
    }
    return places;
  }
}

interface IndexPlaces {
  columnIndex?: { readonly offset: number; readonly length: number };
  offsetIndex?: { readonly offset: number; readonly length: number };
}

interface GroupPlace {
  readonly at: number;
  readonly schema: WriteSchema;
  readonly indexes: readonly IndexPlaces[];
}

function rowGroupOf(
  { metadata, offset }: { readonly metadata: EncodedMetadata; readonly offset: number },
  { at, schema, indexes }: GroupPlace,
): RowGroup {
  const columns = metadata.columns.map((column, leaf): ColumnChunk => {
    const { columnIndex, offsetIndex } = indexes[leaf] ?? {};
    const path = schema.tree.leaves[leaf]?.path ?? [];
    return {
      filePath: null,
      fileOffset: 0,
      metaData: relocate(column.metaData, { by: offset, path }),
      offsetIndexOffset: offsetIndex?.offset ?? null,
      offsetIndexLength: offsetIndex?.length ?? null,
      columnIndexOffset: columnIndex?.offset ?? null,
      columnIndexLength: columnIndex?.length ?? null,
      isEncrypted: null,
    };
  });
  return {
    columns,
    totalByteSize: sum(metadata.columns.map(({ metaData }) => metaData.totalUncompressedSize)),
    numRows: metadata.rowCount,
    sortingColumns: null,
    fileOffset: offset,
    totalCompressedSize: sum(metadata.columns.map(({ metaData }) => metaData.totalCompressedSize)),
    ordinal: at <= MAX_ORDINAL ? at : null,
  };
}

/** Largest 16-bit number. */
const MAX_ORDINAL = 2 ** 15 - 1;

function sliceOf(
  bytes: Uint8Array,
  { offset, length }: { readonly offset: number; readonly length: number },
): Bytes {
  return Uint8Array.from(bytes.subarray(offset, offset + length));
}

/** An offset index whose pages lie elsewhere. */
function movedIndex(
  bytes: Bytes,
  { by, location }: { readonly by: number; readonly location: string },
): Bytes {
  const index = offsetIndexCodec.read(new CompactReader(bytes, { location }));
  return encodeThrift(offsetIndexCodec, {
    ...index,
    pageLocations: index.pageLocations.map((page) => ({ ...page, offset: page.offset + by })),
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function concat(parts: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(sum(parts.map(({ length }) => length)));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
