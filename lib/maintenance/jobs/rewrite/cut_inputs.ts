/** Cuts what is rewritten into parts, looking into large files for their row groups. */
import { mapConcurrently } from "../../../concurrency.ts";
import { isCopyable, metricsConfig, type WriteSettings } from "../../../columnar/parquet/mod.ts";
import type { OutputSizes } from "../../plan/output_sizes.ts";
import {
  hasRightSize,
  MIN_COPIED_BYTES,
  partSize,
  type PartSource,
  planParts,
} from "../../plan/plan_parts.ts";
import { openFile, planFile, staysAsItIs } from "./plan_file.ts";
import type { SentInput, SentTask } from "./rewrite_tasks.ts";
import type { TableContext } from "./table_context.ts";

/** Footers read at a time. */
const OPEN_CONCURRENCY = 8;
/**
 * What memory is to the pages of a part: they are there as they were read and as they are encoded
 * again, each twice for a moment, while others wait for their turn.
 */
const MEMORY_PER_PART = 12;

/** Inputs that are encoded together, with the bytes that they take in their files. */
export interface InputPart {
  readonly inputs: readonly SentInput[];
  readonly bytes: number;
}

/** Row groups of a file that are passed on as they are. */
export interface CopiedInput {
  readonly task: SentTask;
  readonly rowGroups: readonly { readonly at: number; readonly bytes: number }[];
}

/** A group, cut up. */
export interface CutInputs {
  readonly copies: readonly CopiedInput[];
  readonly parts: readonly InputPart[];
}

/** Options of {@linkcode cutInputs}. */
export interface CutInputsOptions {
  readonly table: TableContext;
  readonly outputs: OutputSizes;
  /** Bytes of a part. */
  readonly size: number;
  readonly signal: AbortSignal;
}

/**
 * Cuts inputs of whole files. Row groups that are good as they are need not wait for others to be
 * joined with; all others become parts, in their order. Errors are those of opening files.
 */
export async function cutInputs(
  inputs: readonly SentInput[],
  options: CutInputsOptions,
): Promise<CutInputs> {
  const { size, signal } = options;
  const cut = await mapConcurrently(inputs, (input) => cutFile(input.task, options), {
    limit: OPEN_CONCURRENCY,
    signal,
  });
  const parts = planParts(cut.map(({ source }) => source), size).map((part) => ({
    bytes: part.bytes,
    inputs: part.inputs.map(({ file, rowGroups }) => ({ task: file, rowGroups })),
  }));
  return { copies: cut.flatMap(({ copy }) => copy.rowGroups.length === 0 ? [] : [copy]), parts };
}

interface CutFile {
  readonly copy: CopiedInput;
  readonly source: PartSource<SentTask>;
}

async function cutFile(
  task: SentTask,
  { table, outputs, size, signal }: CutInputsOptions,
): Promise<CutFile> {
  const { dataFile } = task;
  const { fileSizeInBytes: bytes, fileFormat } = dataFile;
  const { rowGroupSizeBytes: rowGroupBytes } = table.settings;
  const sizes = { rollBytes: outputs.rollBytes, rowGroupBytes };
  // A file that is at most a part, and too small to have a good row group, need not be looked into.
  const whole = { copy: { task, rowGroups: [] }, source: { file: task, bytes, rowGroups: null } };
  const mayCopy = staysAsItIs(task, table) && bytes >= MIN_COPIED_BYTES;
  if (fileFormat !== "parquet" || bytes <= size && !mayCopy) return whole;
  const source = await openFile(table.io, dataFile, signal);
  const plan = mayCopy ? planFile(source, dataFile, table) : null;
  const { schema, settings, metadata: { properties } } = table;
  const copying = { schema, settings, metrics: metricsConfig({ schema, properties }) };
  const copied: { at: number; bytes: number }[] = [];
  const others: { at: number; bytes: number }[] = [];
  for (const [at, { compressedBytes }] of source.rowGroups.entries()) {
    const isGood = plan !== null && hasRightSize(compressedBytes, sizes) &&
      isCopyable(plan, at, copying);
    (isGood ? copied : others).push({ at, bytes: compressedBytes });
  }
  if (copied.length === 0 && bytes <= size) return whole;
  return { copy: { task, rowGroups: copied }, source: { file: task, bytes, rowGroups: others } };
}

/** What the size of parts depends on. */
export interface PartLimits {
  readonly outputs: OutputSizes;
  readonly settings: WriteSettings;
  readonly memoryBytes: number;
}

/** Bytes of a part where one isolate does them one after the other. */
export function largestPart(limits: PartLimits): number {
  return parallelPart({ ...limits, groupBytes: Infinity, width: 1 });
}

/** Bytes of a part where several isolates are to have some. */
export function parallelPart(
  { outputs, settings, memoryBytes, groupBytes, width }: PartLimits & {
    readonly groupBytes: number;
    readonly width: number;
  },
): number {
  return partSize({
    groupBytes,
    width,
    rollBytes: outputs.rollBytes,
    rowGroupBytes: settings.rowGroupSizeBytes,
    maxBytes: memoryBytes / MEMORY_PER_PART,
  });
}
