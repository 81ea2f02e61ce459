/**
 * Memory of a table isolate. An isolate whose heap is full takes the whole process with it, and none
 * can be given a limit of its own; so jobs are stopped well before, as far as they let anybody look.
 */
import { getHeapStatistics } from "node:v8";
import { AppError } from "../lib/errors.ts";

/** How often a running job's memory is looked at. */
const LOOK_EVERY_MS = 200;
/** Part of the isolate's heap that a job may fill. */
const HEAP_SHARE = 0.8;
/** What a job may hold beyond its budget before it is stopped: budgets are estimates. */
const BUDGET_FACTOR = 2;
/** The isolate's own, and what is garbage already. */
const SLACK_BYTES = 256 * 1024 * 1024;

/** Memory of this isolate, in bytes. */
export interface IsolateMemory {
  readonly heapBytes: number;
  /** Byte arrays, and WebAssembly memories as far as they are known. */
  readonly outsideBytes: number;
}

/** Options of {@linkcode MemoryWatch}. */
export interface MemoryWatchOptions {
  readonly budgetBytes: number;
  /** Memory that the engine does not count. */
  readonly wasmBytes: () => number;
  /** What a job is told that is stopped; an error about `DRLS_JOB_MEMORY_BYTES` by default. */
  readonly tooMuch?: () => AppError;
}

/** Looks at the memory of the isolate that it is in. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  measure(): IsolateMemory {
    const { heapUsed, external } = Deno.memoryUsage();
    return { heapBytes: heapUsed, outsideBytes: external + this.#options.wasmBytes() };
  }

  /** Aborts the controller once there is too much; the result ends the watch. */
  guard(controller: AbortController): () => void {
    const maxHeapBytes = getHeapStatistics().heap_size_limit * HEAP_SHARE;
    const { budgetBytes, tooMuch } = this.#options;
    const maxBytes = budgetBytes * BUDGET_FACTOR + SLACK_BYTES;
    const look = () => {
      const { heapBytes, outsideBytes } = this.measure();
      if (heapBytes <= maxHeapBytes && heapBytes + outsideBytes <= maxBytes) return;
      clearInterval(timer);
      controller.abort(tooMuch?.() ?? outOfMemory(budgetBytes, heapBytes + outsideBytes));
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }
}

function outOfMemory(budgetBytes: number, usedBytes: number): AppError {
  const message = `Cannot go on: the job needs more memory than the ${budgetBytes} bytes it has; ` +
    "do it for a part of the table at a time, or raise DRLS_JOB_MEMORY_BYTES";
  return new AppError("too_large", "job_out_of_memory", message, { context: { usedBytes } });
}
