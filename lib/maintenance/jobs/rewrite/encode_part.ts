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
  type TranscodeInput,
  transcodeRowGroups,
} from "../../../columnar/parquet/mod.ts";
import { batchBytes } from "../../../columnar/mod.ts";
import { installJob, type JobHost } from "../../../jobs/mod.ts";
import { readRows } from "./read_rows.ts";
import { openFile, planFile, staysAsItIs } from "./plan_file.ts";
import { encodePartTask, type SentInput } from "./rewrite_tasks.ts";
import { receivedTable, type TableContext } from "./table_context.ts";

/** Files whose footers are read at a time. */
const OPEN_CONCURRENCY = 8;
/**
 * Rows that are encoded at a time, as a share of memory: with the pages that they come from and go
 * to, the encoder's buffers and what its memory keeps free, they take four times as much.
 */
const ROWS_SHARE = 1 / 8;
/** The same for the largest column of rows that never leave WebAssembly, where columns come singly. */
const COLUMN_SHARE = 1 / 8;

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
  const maxRowBytes = memoryBytes * ROWS_SHARE;
  const maxColumnBytes = memoryBytes * COLUMN_SHARE;
  const plans = await planFast(inputs, table, { maxColumnBytes, signal });
  if (plans === null) return await encodeRows(inputs, table, { maxRowBytes, signal });
  const { schema, settings } = table;
  const encoded: EncodedRowGroup[] = [];
  for (const run of runsOf(plans, maxColumnBytes)) {
    encoded.push(await transcodeRowGroups(run, { schema, settings, signal }));
  }
  return encoded;
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
  for await (const batch of readRows(inputs, table, { windowBytes: maxRowBytes, signal })) {
    batches.push(batch);
    bytes += batchBytes(batch);
    if (bytes >= maxRowBytes) flush();
  }
  flush();
  return encoded;
}

/** How each file goes through untouched; null where one cannot, or has a row group that is too large. */
async function planFast(
  inputs: readonly SentInput[],
  table: TableContext,
  { maxColumnBytes, signal }: { readonly maxColumnBytes: number; readonly signal: AbortSignal },
): Promise<readonly TranscodeInput[] | null> {
  if (!inputs.every(({ task }) => staysAsItIs(task, table))) return null;
  const plans = await mapConcurrently(
    inputs,
    async ({ task, rowGroups }): Promise<TranscodeInput | null> => {
      const source = await openFile(table.io, task.dataFile, signal);
      const plan = planFile(source, task.dataFile, table);
      if (plan === null) return null;
      return rowGroups === null ? { plan } : { plan, rowGroups };
    },
    { limit: OPEN_CONCURRENCY, signal },
  );
  const found: TranscodeInput[] = [];
  for (const plan of plans) {
    if (plan === null || unitsOf(plan).some(({ bytes }) => bytes > maxColumnBytes)) return null;
    found.push(plan);
  }
  return found;
}

/** A row group that has rows, with the bytes that its largest column takes in memory. */
interface TranscodeUnit {
  readonly input: TranscodeInput;
  readonly bytes: number;
}

function unitsOf({ plan, rowGroups }: TranscodeInput): readonly TranscodeUnit[] {
  const { source } = plan;
  const leaves = plan.leaves.filter((leaf) => leaf !== null);
  // Leaves of one nested column come together; few are large in more than one of them.
  const largestOf = (at: number) =>
    Math.max(...leaves.map((leaf) => source.decodedBytes(at, [leaf])));
  return (rowGroups ?? source.rowGroups.keys().toArray())
    .filter((at) => (source.rowGroups[at]?.rowCount ?? 0) > 0)
    .map((at) => ({ input: { plan, rowGroups: [at] }, bytes: largestOf(at) }));
}

/** Runs of row groups that become one each: as few as memory allows, and about equally large. */
function runsOf(
  plans: readonly TranscodeInput[],
  maxBytes: number,
): readonly (readonly TranscodeInput[])[] {
  const units = plans.flatMap(unitsOf);
  const totalBytes = units.reduce((sum, { bytes }) => sum + bytes, 0);
  const share = totalBytes / Math.max(1, Math.ceil(totalBytes / maxBytes));
  const runs: TranscodeInput[][] = [];
  let bytes = Infinity;
  for (const unit of units) {
    if (bytes + unit.bytes / 2 > share) {
      runs.push([]);
      bytes = 0;
    }
    runs.at(-1)?.push(unit.input);
    bytes += unit.bytes;
  }
  return runs;
}
