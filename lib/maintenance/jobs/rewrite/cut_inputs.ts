/** Cuts what is rewritten into parts, looking into large files for their row groups. */
import { mapConcurrently } from "../../../concurrency.ts";
import type { WriteSettings } from "../../../columnar/parquet/mod.ts";
import type { OutputSizes } from "../../plan/output_sizes.ts";
import { partSize, type PartSource, planParts } from "../../plan/plan_parts.ts";
import { openFile } from "./encode_part.ts";
import type { SentInput, SentTask } from "./rewrite_tasks.ts";
import type { TableContext } from "./table_context.ts";

/** Footers read at a time. */
const OPEN_CONCURRENCY = 8;
/** How many times larger a part may get when it is decoded, at a guess, copies included. */
const DECODED_RATIO = 16;

/** Inputs that are encoded together, with the bytes that they take in their files. */
export interface InputPart {
  readonly inputs: readonly SentInput[];
  readonly bytes: number;
}

/** Options of {@linkcode cutInputs}. */
export interface CutInputsOptions {
  readonly table: TableContext;
  /** Bytes of a part. */
  readonly size: number;
  readonly signal: AbortSignal;
}

/** Cuts inputs of whole files. Errors are those of opening files. */
export async function cutInputs(
  inputs: readonly SentInput[],
  { table, size, signal }: CutInputsOptions,
): Promise<readonly InputPart[]> {
  const sources = await mapConcurrently(
    inputs,
    async ({ task }): Promise<PartSource<SentTask>> => {
      const { fileSizeInBytes: bytes, fileFormat } = task.dataFile;
      // A file that is a part by itself need not be looked into.
      if (bytes <= size || fileFormat !== "parquet") return { file: task, bytes, rowGroups: null };
      const { rowGroups } = await openFile(table.io, task.dataFile, signal);
      return { file: task, bytes, rowGroups: rowGroups.map((group) => group.compressedBytes) };
    },
    { limit: OPEN_CONCURRENCY, signal },
  );
  return planParts(sources, size).map((part) => ({
    bytes: part.bytes,
    inputs: part.inputs.map(({ file, rowGroups }) => ({ task: file, rowGroups })),
  }));
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
    maxBytes: memoryBytes / DECODED_RATIO,
  });
}
