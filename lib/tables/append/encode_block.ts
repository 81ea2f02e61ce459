/**
 * The task that appends hand to other isolates: read the rows of a block, check them, and encode them
 * as row groups; where rows go to several partitions, they come back as they are, in columns.
 */
import { type RecordBatch, RecordBatchReader, RecordBatchStreamWriter } from "apache-arrow";
import { z } from "zod";
import { TableLocationSchema } from "../../catalog/load/mod.ts";
import { batchBytes } from "../../columnar/mod.ts";
import {
  type EncodedRowGroup,
  encodeRowGroup,
  metricsConfig,
  writeSettings,
} from "../../columnar/parquet/mod.ts";
import { parseTableMetadata } from "../../iceberg/spec/parse_table_metadata.ts";
import {
  currentSchema,
  defaultSpec,
  type TableMetadata,
} from "../../iceberg/spec/table_metadata.ts";
import { defineJob, installJob, type JobHost } from "../../jobs/mod.ts";
import type { FileIo } from "../../iceberg/ports.ts";
import { releaseBytes } from "../../release_bytes.ts";
import type { TableLocation } from "../../catalog/mod.ts";
import { blockBatches, type RowBlock } from "./row_blocks.ts";

/** What decoding, encoding and the encoded pages take, as a multiple of the rows themselves. */
const COPIES = 8;

/** What a block came to. */
export interface EncodedBlock {
  readonly rows: number;
  /** Lines, of text. */
  readonly lines: number;
  readonly rowGroups: readonly EncodedRowGroup[];
  /** An Arrow stream; null where the rows are in row groups. */
  readonly stream: Uint8Array | null;
}

/** Checked by their types alone: both sides are this program. */
const block = z.custom<RowBlock>((value) => typeof value === "object" && value !== null);

/** Reads, checks and encodes a block. Errors of text name lines counted from the block's first. */
export const encodeBlockTask = defineJob({
  name: "append.encode-block",
  params: z.object({ location: TableLocationSchema, metadata: z.string(), block }),
  result: z.custom<EncodedBlock>((value) => typeof value === "object" && value !== null),
});

/** The task. */
export const installedEncodeBlockTask = installJob(
  encodeBlockTask,
  async ({ location, metadata: text, block }, host) => {
    const bytes = new TextEncoder().encode(text);
    const metadata = parseTableMetadata(bytes, { location: "metadata of a task" });
    const io = await openTableIo(location, host);
    if (isPartitioned(metadata)) {
      const { batches, ...done } = await readBlock(block, { metadata, io, signal: host.signal });
      const stream = RecordBatchStreamWriter.writeAll(batches).toUint8Array(true);
      return { ...done, rowGroups: [], stream };
    }
    return { ...await encodeBlock(block, { metadata, io, ...limits(host) }), stream: null };
  },
);

/** Whether rows have to be told apart before they are encoded. */
export function isPartitioned(metadata: TableMetadata): boolean {
  return defaultSpec(metadata).fields.length > 0;
}

/** What reading a block stands on. */
export interface ReadBlockOptions {
  readonly metadata: TableMetadata;
  readonly io: FileIo;
  readonly signal: AbortSignal;
}

/** The rows of a block, all at once: a block is bounded. */
export async function readBlock(
  block: RowBlock,
  { metadata, io, signal }: ReadBlockOptions,
): Promise<{ rows: number; lines: number; batches: readonly RecordBatch[] }> {
  const count = { lines: 0 };
  const batches: RecordBatch[] = [];
  const schema = currentSchema(metadata);
  for await (const batch of blockBatches(block, { schema, io, signal, count })) batches.push(batch);
  const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  return { rows, lines: count.lines, batches };
}

/** As {@linkcode readBlock}, with a bound of rows that are encoded together. */
export interface EncodeBlockOptions extends ReadBlockOptions {
  readonly maxRowBytes: number;
}

/** The rows of a block as row groups of the bound size. The block's bytes are gone afterwards. */
export async function encodeBlock(
  block: RowBlock,
  { metadata, io, signal, maxRowBytes }: EncodeBlockOptions,
): Promise<Omit<EncodedBlock, "stream">> {
  const schema = currentSchema(metadata);
  const { properties } = metadata;
  const settings = writeSettings(properties);
  const metrics = metricsConfig({ schema, properties });
  const count = { lines: 0 };
  const rowGroups: EncodedRowGroup[] = [];
  let batches: RecordBatch[] = [];
  let bytes = 0;
  let rows = 0;
  const flush = () => {
    if (batches.length > 0) rowGroups.push(encodeRowGroup(batches, { schema, settings, metrics }));
    batches = [];
    bytes = 0;
  };
  for await (const batch of blockBatches(block, { schema, io, signal, count })) {
    batches.push(batch);
    rows += batch.numRows;
    bytes += batchBytes(batch);
    if (bytes >= maxRowBytes) flush();
  }
  flush();
  // Batches of Arrow look into it, so that it is let go of no earlier.
  if (block.format !== "parquet") releaseBytes(block.bytes);
  return { rows, lines: count.lines, rowGroups };
}

/** Of the job or task that runs in this isolate. */
export function limits({ memoryBytes, signal }: Pick<JobHost, "memoryBytes" | "signal">) {
  return { signal, maxRowBytes: memoryBytes / COPIES };
}

/** The batches that a task sent. */
export function receivedBatches(stream: Uint8Array): readonly RecordBatch[] {
  return [...RecordBatchReader.from(stream)];
}

async function openTableIo(location: TableLocation, host: JobHost): Promise<FileIo> {
  if (location.kind === "file") return host.openStorage(location.storage);
  return (await host.openTable(location).load(host.signal)).io;
}
