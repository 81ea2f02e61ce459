/**
 * Encodes a part of a group. Where rows stay exactly as they are, they go from file to file inside
 * WebAssembly; where any are deleted, or columns differ, they are read and written.
 */
import type { RecordBatch } from "apache-arrow";
import { mapConcurrently } from "../../../concurrency.ts";
import {
  type EncodedRowGroup,
  encodeRowGroup,
  metricsConfig,
  openParquetFile,
  type ParquetSource,
  planTranscode,
  type TranscodeInput,
  transcodeRowGroups,
} from "../../../columnar/parquet/mod.ts";
import { batchBytes } from "../../../columnar/mod.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { installJob, type JobHost } from "../../../jobs/mod.ts";
import { readRows } from "./read_rows.ts";
import { encodePartTask, type SentInput, type SentTask } from "./rewrite_tasks.ts";
import { receivedTable, type TableContext } from "./table_context.ts";

/** Files whose footers are read at a time. */
const OPEN_CONCURRENCY = 8;
/** What decoding, encoding and the encoded pages take, as a multiple of the rows themselves. */
const COPIES = 4;

/** The task. */
export const installedEncodePartTask = installJob(encodePartTask, async (params, host) => {
  const table = await receivedTable(params, host);
  return { rowGroups: await encodePart(params.inputs, table, host) };
});

/** Row groups of the live rows, in order; none where none live. */
export async function encodePart(
  inputs: readonly SentInput[],
  table: TableContext,
  { memoryBytes, signal }: Pick<JobHost, "memoryBytes" | "signal">,
): Promise<readonly EncodedRowGroup[]> {
  const maxRowBytes = memoryBytes / COPIES;
  const plans = await planFast(inputs, table, { maxRowBytes, signal });
  if (plans === null) return await encodeRows(inputs, table, { maxRowBytes, signal });
  if (plans.every(isEmpty)) return [];
  const { schema, settings } = table;
  return [await transcodeRowGroups(plans, { schema, settings, signal })];
}

interface EncodeOptions {
  readonly maxRowBytes: number;
  readonly signal: AbortSignal;
}

async function encodeRows(
  inputs: readonly SentInput[],
  table: TableContext,
  { maxRowBytes, signal }: EncodeOptions,
): Promise<readonly EncodedRowGroup[]> {
  const { schema, settings, metadata: { properties } } = table;
  const metrics = metricsConfig({ schema, properties });
  const encoded: EncodedRowGroup[] = [];
  let batches: RecordBatch[] = [];
  let bytes = 0;
  const flush = () => {
    if (batches.length > 0) encoded.push(encodeRowGroup(batches, { schema, settings, metrics }));
    batches = [];
    bytes = 0;
  };
  for await (const batch of readRows(inputs, table, signal)) {
    batches.push(batch);
    bytes += batchBytes(batch);
    if (bytes >= maxRowBytes) flush();
  }
  flush();
  return encoded;
}

/** How each file goes through untouched; null where one cannot, or they are too large together. */
async function planFast(
  inputs: readonly SentInput[],
  table: TableContext,
  { maxRowBytes, signal }: EncodeOptions,
): Promise<readonly TranscodeInput[] | null> {
  const isPlain = ({ task }: SentInput) =>
    task.deletes.length === 0 && task.dataFile.fileFormat === "parquet";
  // Rows of v3 get columns that say where they came from.
  if (table.keepsLineage || !inputs.every(isPlain)) return null;
  const plans = await mapConcurrently(
    inputs,
    (input) => planFile(input, table, signal),
    { limit: OPEN_CONCURRENCY, signal },
  );
  const found: TranscodeInput[] = [];
  let bytes = 0;
  for (const plan of plans) {
    if (plan === null) return null;
    found.push(plan);
    bytes += uncompressedBytes(plan);
  }
  return bytes <= maxRowBytes ? found : null;
}

async function planFile(
  { task, rowGroups }: SentInput,
  { io, metadata, schema }: TableContext,
  signal: AbortSignal,
): Promise<TranscodeInput | null> {
  const source = await openFile(io, task.dataFile, signal);
  const plan = planTranscode(source, { schema });
  if (plan === null) return null;
  // A column that the file lacks may be one that its partition has the value of.
  const spec = metadata.partitionSpecs.find(({ specId }) => specId === task.dataFile.specId);
  const isPartitioned = spec?.fields.some(({ transform }) => transform.kind === "identity");
  if (isPartitioned === true && plan.leaves.includes(null)) return null;
  return rowGroups === null ? { plan } : { plan, rowGroups };
}

/** Opens a data file as Parquet. */
export async function openFile(
  io: FileIo,
  { filePath, fileSizeInBytes }: SentTask["dataFile"],
  signal: AbortSignal,
): Promise<ParquetSource> {
  return await openParquetFile(io, { location: filePath, sizeBytes: fileSizeInBytes, signal });
}

function groupsOf({ plan: { source }, rowGroups }: TranscodeInput) {
  return rowGroups === undefined
    ? source.rowGroups
    : rowGroups.flatMap((at) => source.rowGroups[at] ?? []);
}

function uncompressedBytes(input: TranscodeInput): number {
  return groupsOf(input).reduce((sum, group) => sum + group.uncompressedBytes, 0);
}

function isEmpty(input: TranscodeInput): boolean {
  return groupsOf(input).every(({ rowCount }) => rowCount === 0);
}
