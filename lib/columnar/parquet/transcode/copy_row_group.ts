/**
 * Row groups that go from file to file as they are, not even decompressed: what is of a good size and
 * of the right codec already would come out the same from decoding and encoding. Nobody looks into the
 * pages: a byte that has rotted in there stays as it is.
 */
import { throwIfAborted } from "../../../abort.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { releaseBytes } from "../../../release_bytes.ts";
import { CODEC_NAMES } from "../footer/physical_type.ts";
import type { ChunkRange } from "../footer/read_footer.ts";
import { isCutShort } from "../metrics/leaf_stats.ts";
import type { MetricsConfig } from "../metrics/metrics_config.ts";
import type { ParquetChunk, ParquetRowGroup } from "../read/parquet_source.ts";
import {
  type EncodedColumn,
  type EncodedMetadata,
  relocate,
  schemaKey,
} from "../write/encoded_row_group.ts";
import { type WriteLeaf, writeSchemaOf } from "../write/parquet_schema.ts";
import type { WriteSettings } from "../write/write_settings.ts";
import type { TranscodePlan } from "./plan_transcode.ts";

/** A row group to be put into another file. */
export interface RowGroupCopy {
  readonly metadata: EncodedMetadata;
  /** Page indexes, where `metadata` says. */
  readonly indexes: Uint8Array;
  /** The pages, piece by piece: `metadata.pagesLength` bytes. Each piece is good until the next. */
  readonly pages: AsyncIterable<Uint8Array>;
}

/** Options of {@linkcode isCopyable}. */
export interface CopyableOptions {
  /** The one that the plan is for. */
  readonly schema: Pick<Schema, "fields">;
  readonly settings: WriteSettings;
  /** What is kept of each column. */
  readonly metrics: MetricsConfig;
}

/** Options of {@linkcode copyRowGroup}. */
export interface CopyRowGroupOptions {
  /** The one that the plan is for. */
  readonly schema: Pick<Schema, "fields">;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of one piece. */
const PIECE_BYTES = 8 * 1024 * 1024;
/** Bytes between the pages of a row group, as a share of them, that are copied rather than minded. */
const MAX_GAP_SHARE = 1 / 32;

/** Whether a row group would come out the same: columns, codec, and all that metrics are made of. */
export function isCopyable(
  { source, leaves }: TranscodePlan,
  index: number,
  { schema, settings, metrics }: CopyableOptions,
): boolean {
  const group = source.rowGroups[index];
  if (group === undefined || group.rowCount === 0) return false;
  // A column that is missing, or one too many, makes other pages.
  const isWhole = leaves.length === group.chunks.length && !leaves.includes(null);
  const { length } = rangeOf(group);
  if (!isWhole || length > group.compressedBytes * (1 + MAX_GAP_SHARE)) return false;
  const codec = settings.codec.toUpperCase();
  const target = writeSchemaOf(schema);
  return leaves.every((leaf, at) => {
    const { metaData } = group.chunks[leaf!]!;
    return CODEC_NAMES[metaData.codec] === codec &&
      hasFacts(metaData, { leaf: target.leaves[at]!, metrics });
  });
}

/** Reads what there is to know of a row group; its pages are read as they are asked for. */
export async function copyRowGroup(
  { source, leaves }: TranscodePlan,
  index: number,
  { schema, signal }: CopyRowGroupOptions,
): Promise<RowGroupCopy> {
  const group = source.rowGroups[index]!;
  const target = writeSchemaOf(schema);
  const pages = rangeOf(group);
  const chunks = leaves.map((leaf) => group.chunks[leaf!]!);
  const { bytes, placeOf } = await readIndexes(chunks, (range) => source.read(range, signal));
  const columns = chunks.map(({ metaData, columnIndex, offsetIndex }, leaf): EncodedColumn => ({
    metaData: relocate(metaData, {
      by: -pages.offset,
      path: target.tree.leaves[leaf]?.path ?? [],
    }),
    columnIndex: placeOf(columnIndex),
    offsetIndex: placeOf(offsetIndex),
    indexOrigin: pages.offset,
    nanCount: null,
    exactMin: null,
    exactMax: null,
  }));
  return {
    metadata: {
      rowCount: group.rowCount,
      pagesOffset: 0,
      pagesLength: pages.length,
      schemaKey: schemaKey(target),
      columns,
    },
    indexes: bytes,
    pages: pieces(pages, (range) => {
      throwIfAborted(signal);
      return source.read(range, signal);
    }),
  };
}

type ReadRange = (range: ChunkRange) => Promise<Uint8Array>;

async function* pieces(
  { offset, length }: ChunkRange,
  read: ReadRange,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; done += PIECE_BYTES) {
    const piece = await read({
      offset: offset + done,
      length: Math.min(PIECE_BYTES, length - done),
    });
    yield piece;
    releaseBytes(piece);
  }
}

/** From the first page of a row group to the end of its last one. */
function rangeOf({ chunks }: ParquetRowGroup): ChunkRange {
  const filled = chunks.filter(({ length }) => length > 0);
  const offset = Math.min(...filled.map((chunk) => chunk.offset));
  const end = Math.max(...filled.map((chunk) => chunk.offset + chunk.length));
  return { offset, length: end - offset };
}

/** Whether the statistics of a chunk tell what its column's metrics need. */
function hasFacts(
  { numValues, statistics }: ParquetChunk["metaData"],
  { leaf, metrics }: { readonly leaf: WriteLeaf; readonly metrics: MetricsConfig },
): boolean {
  const mode = metrics.get(leaf.fieldId);
  if (leaf.isRepeated || mode === undefined || mode.kind === "none") return true;
  if (statistics === null || statistics.nullCount === null) return false;
  if (statistics.nullCount === numValues) return true;
  // Floats have no bounds where every value is NaN.
  const isFloat = leaf.type.kind === "float" || leaf.type.kind === "double";
  const hasBounds = statistics.minValue !== null && statistics.maxValue !== null;
  return (hasBounds || isFloat) && !isCutShort(statistics, { mode, type: leaf.type });
}

/** All page indexes of a row group lie close to each other: they are read at once. */
async function readIndexes(chunks: readonly ParquetChunk[], read: ReadRange) {
  const ranges = chunks.flatMap(({ columnIndex, offsetIndex }) =>
    [columnIndex, offsetIndex].filter((range) => range !== null)
  );
  const offset = Math.min(...ranges.map((range) => range.offset));
  const end = Math.max(...ranges.map((range) => range.offset + range.length));
  const isClose = ranges.length > 0 && end - offset <= PIECE_BYTES;
  const bytes = isClose ? await read({ offset, length: end - offset }) : new Uint8Array();
  const placeOf = (range: ChunkRange | null): ChunkRange | null =>
    range === null || !isClose ? null : { offset: range.offset - offset, length: range.length };
  return { bytes, placeOf };
}
