/**
 * Row groups of many files to one row group, inside WebAssembly: decoded and encoded again, but never
 * brought out. For compaction of files whose rows stay as they are.
 */
import { throwIfAborted } from "../../../abort.ts";
import { mapConcurrently } from "../../../concurrency.ts";
import { AppError } from "../../../errors.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { releaseBytes } from "../../../release_bytes.ts";
import type { ColumnMetaData } from "../footer/file_metadata.ts";
import { MAGIC } from "../footer/read_footer.ts";
import type { PageCheck } from "../read/check_pages.ts";
import { decodeError } from "../read/decode.ts";
import type { LocatedRowGroup } from "../read/row_group_file.ts";
import { rowGroupFooter } from "../read/row_group_file.ts";
import { readCArray } from "../wasm/c_data.ts";
import { memoryOf, ParquetWasmError, withParquetWasm } from "../wasm/instance.ts";
import { writerProperties } from "../wasm/writer_properties.ts";
import { encodeError } from "../write/encode_row_group.ts";
import { describeEncoded, type EncodedRowGroup, joinColumns } from "../write/encoded_row_group.ts";
import { type WriteSchema, writeSchemaOf } from "../write/parquet_schema.ts";
import type { WriteSettings } from "../write/write_settings.ts";
import { countNansInMemory } from "./count_nans.ts";
import { type ChunkFacts, isDictionaryWorthwhile } from "./dictionary_choice.ts";
import { nullChunk } from "./null_chunk.ts";
import type { TranscodePlan } from "./plan_transcode.ts";

/** Row groups of one file. */
export interface TranscodeInput {
  readonly plan: TranscodePlan;
  /** Indexes; all if left out. */
  readonly rowGroups?: readonly number[];
}

/** Options of {@linkcode transcodeRowGroups}. */
export interface TranscodeRowGroupsOptions {
  /** The one that the plans are for. */
  readonly schema: Pick<Schema, "fields">;
  readonly settings: WriteSettings;
  readonly signal?: AbortSignal | undefined;
}

/** Files read at a time. */
const READ_CONCURRENCY = 8;

/** Rows of a decoded batch: large ones cost the least. */
const BATCH_ROWS = 128 * 1024;

/**
 * Transcodes all rows of all inputs, in their order, to one row group, a column at a time. Of all
 * columns memory holds the pages, old and new; of one of them also the values: the caller picks as
 * much as makes one row group. Errors are those of
 * reading, and `too_large` (code `row_group_too_large`); no rows are a `RangeError`.
 */
export async function transcodeRowGroups(
  inputs: readonly TranscodeInput[],
  options: TranscodeRowGroupsOptions,
): Promise<EncodedRowGroup> {
  const { settings, signal } = options;
  const schema = writeSchemaOf(options.schema);
  const jobs = inputs.flatMap(({ plan, rowGroups }) =>
    (rowGroups ?? plan.source.rowGroups.keys().toArray()).map((index) => ({ plan, index }))
  );
  const fetched = await mapConcurrently(
    jobs,
    ({ plan, index }) => fetchGroup(plan, { index, schema, signal }),
    { limit: READ_CONCURRENCY, signal },
  );
  throwIfAborted(signal);
  const groups = fetched.filter(({ rows }) => rows > 0);
  if (groups.length === 0) throw new RangeError("Cannot transcode no rows");
  const columns: EncodedRowGroup[] = [];
  let first = 0;
  for (const field of schema.fields) {
    throwIfAborted(signal);
    const own = writeSchemaOf({ fields: [field] });
    const end = first + own.leaves.length;
    const chunks = groups.map((group) => ({ ...group, chunks: group.chunks.slice(first, end) }));
    columns.push(transcodeColumn(chunks, { schema: own, settings }));
    first = end;
  }
  releaseBytes(...groups.flatMap(({ chunks }) => chunks.map(({ bytes }) => bytes)));
  return joinColumns(columns, schema);
}

interface ColumnOptions {
  /** Of the one column. */
  readonly schema: WriteSchema;
  readonly settings: WriteSettings;
}

/** A row group of one column. */
function transcodeColumn(
  groups: readonly FetchedGroup[],
  { schema, settings }: ColumnOptions,
): EncodedRowGroup {
  const columnsWithoutDictionary = [
    ...settings.columnsWithoutDictionary,
    ...columnsWithoutUseOfOne(groups, { schema, settings }),
  ];
  const { bytes, nanCounts } = transcode(groups, {
    schema,
    settings: { ...settings, columnsWithoutDictionary },
  });
  const { metadata, ...encoded } = describeEncoded(bytes, schema);
  const columns = metadata.columns.map((column, leaf) => ({
    ...column,
    nanCount: nanCounts.get(leaf) ?? null,
  }));
  return { ...encoded, metadata: { ...metadata, columns } };
}

interface FetchedGroup {
  readonly location: string;
  readonly rows: number;
  readonly chunks: readonly {
    readonly metaData: ColumnMetaData;
    readonly bytes: Uint8Array;
    /** Null for nulls made here. */
    readonly pages: PageCheck | null;
  }[];
}

async function fetchGroup(
  { source, leaves }: TranscodePlan,
  { index, schema, signal }: {
    readonly index: number;
    readonly schema: WriteSchema;
    readonly signal: AbortSignal | undefined;
  },
): Promise<FetchedGroup> {
  const present = leaves.filter((leaf) => leaf !== null);
  const found = await source.fetchLeaves(index, present, signal);
  const rows = source.rowGroups[index]?.rowCount ?? 0;
  const next = found.values();
  const chunks = leaves.map((leaf, at) => {
    if (leaf === null) return { ...nullChunk(schema.tree.leaves[at]!, rows), pages: null };
    const { value } = next.next();
    if (value === undefined) throw new TypeError(`Cannot find the chunk of leaf ${leaf}`);
    return value;
  });
  return { location: source.location, rows, chunks };
}

/** Top-level columns whose dictionary would not pay. */
function columnsWithoutUseOfOne(
  groups: readonly FetchedGroup[],
  { schema, settings }: { readonly schema: WriteSchema; readonly settings: WriteSettings },
): readonly string[] {
  return schema.tree.leaves.flatMap(({ path }, leaf) => {
    const [name, ...below] = path;
    if (name === undefined || below.length > 0) return [];
    const facts = groups.flatMap(({ chunks }) => factsOf(chunks[leaf]!));
    return isDictionaryWorthwhile(facts, settings.dictionarySizeBytes) ? [] : [name];
  });
}

function factsOf({ metaData, pages }: FetchedGroup["chunks"][number]): readonly ChunkFacts[] {
  const values = metaData.numValues - (metaData.statistics?.nullCount ?? 0);
  if (pages === null || values <= 0) return [];
  const { dictionaryValues, dictionaryBytes, uncompressedBytes } = pages;
  return [
    dictionaryValues === null || dictionaryValues === 0
      ? { values, distinctValues: values, valueBytes: uncompressedBytes / values }
      : {
        values,
        distinctValues: dictionaryValues,
        valueBytes: dictionaryBytes / dictionaryValues,
      },
  ];
}

interface JoinedFile {
  readonly bytes: Uint8Array;
  /** The same row groups, as they lie in it. */
  readonly groups: readonly FetchedGroup[];
}

/** One file in memory that has all of them as row groups. */
function joinGroups(groups: readonly FetchedGroup[], schema: WriteSchema): JoinedFile {
  let at = MAGIC.length;
  const located = groups.map(({ rows, chunks }): LocatedRowGroup => ({
    numRows: rows,
    chunks: chunks.map(({ metaData, bytes }) => {
      const offset = at;
      at += bytes.length;
      return { metaData, offset };
    }),
  }));
  const leaves = schema.tree.leaves.map(({ path }, index) => ({ path, index }));
  const footer = rowGroupFooter({ elements: schema.encoder.elements, leaves }, located);
  const length = at + footer.length;
  // Resizable ones have pages of their own, which are given back as soon as they are not needed.
  const file = new Uint8Array(new ArrayBuffer(length, { maxByteLength: length }));
  file.set(MAGIC);
  file.set(footer, at);
  const joined = groups.map((group, at) => ({
    ...group,
    chunks: group.chunks.map((chunk, leaf) => {
      const { offset } = located[at]!.chunks[leaf]!;
      file.set(chunk.bytes, offset);
      return { ...chunk, bytes: file.subarray(offset, offset + chunk.bytes.length) };
    }),
  }));
  return { bytes: file, groups: joined };
}

interface Transcoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly nanCounts: ReadonlyMap<number, number>;
}

function transcode(
  groups: readonly FetchedGroup[],
  { schema, settings }: { readonly schema: WriteSchema; readonly settings: WriteSettings },
): Transcoded {
  const file = joinGroups(groups, schema);
  let isDecoded = false;
  try {
    return withParquetWasm((wasm, own) => {
      const table = own(wasm.readParquet(file.bytes, { batchSize: BATCH_ROWS }));
      isDecoded = true;
      releaseBytes(file.bytes);
      const view = own(table.toFFI());
      const addresses = Array.from({ length: view.numArrays() }, (_, at) => view.arrayAddr(at));
      const memory = memoryOf(wasm);
      const batches = addresses.map((address) => readCArray(new DataView(memory), address));
      const nanCounts = countNansInMemory(batches, { memory, fields: schema.fields });
      const properties = writerProperties(wasm, settings, { fields: schema.fields, own });
      const bytes = wasm.writeParquet(table, properties);
      return { bytes: bytes as Uint8Array<ArrayBuffer>, nanCounts };
    });
  } catch (error) {
    if (!(error instanceof ParquetWasmError)) throw error;
    throw isDecoded ? encodeError(error) : culpritOf(file.groups, { schema, error });
  }
}

/** The decoder does not say whose pages are damaged: asks it again, one row group at a time. */
function culpritOf(
  groups: readonly FetchedGroup[],
  { schema, error }: { readonly schema: WriteSchema; readonly error: ParquetWasmError },
): AppError {
  for (const group of groups) {
    const { bytes } = joinGroups([group], schema);
    try {
      withParquetWasm((wasm, own) => void own(wasm.readParquet(bytes, { batchSize: BATCH_ROWS })));
    } catch (own) {
      if (own instanceof ParquetWasmError) return decodeError(own, group.location);
      throw own;
    }
  }
  // Each can be decoded, and all of them together cannot: they are too much at once.
  return new AppError(
    "too_large",
    "row_group_too_large",
    `Cannot rewrite ${groups.length} row groups as one: they take more memory than there is`,
    { context: { trapped: error.trapped }, cause: error },
  );
}
