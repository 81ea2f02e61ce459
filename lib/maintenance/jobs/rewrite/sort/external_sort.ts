/**
 * Sorts more rows than memory holds.
 *
 * ```
 * rows ─► buffer ─► full: sorted, written as a run ─┐   many runs: merged into one
 *            └──────────── end ─────────────────────┴─► merge ─► rows in order
 * ```
 *
 * Runs are Parquet, in memory while they fit and in the table's metadata folder beyond that, under
 * names with the operation's id, so that they are found should the isolate die.
 */
import type { RecordBatch } from "apache-arrow";
import { batchBytes, type KeyMaker } from "../../../../columnar/mod.ts";
import type { FileIo } from "../../../../iceberg/ports.ts";
import type { Schema } from "../../../../iceberg/spec/schema.ts";
import { MemoryFileIo } from "../../../../storage/mod.ts";
import { mergeRuns } from "./merge_runs.ts";
import { type RunFile, RunFiles } from "./run_file.ts";
import { type KeyedBatch, sortBatches } from "./sort_batches.ts";

/** Runs that are merged at a time. */
const MAX_RUNS = 64;
/** Rows of a batch that comes out. */
const BATCH_ROWS = 32_768;
/** Shares of memory: rows that are sorted (with copies of them), runs that are kept. */
const BUFFER_SHARE = 1 / 6;
const KEPT_SHARE = 1 / 4;

/** Options of {@linkcode ExternalSort}. */
export interface ExternalSortOptions {
  /** Of the rows. */
  readonly schema: Schema;
  readonly keysOf: KeyMaker;
  readonly memoryBytes: number;
  /** Where runs go that memory does not hold. */
  readonly spill: { readonly io: FileIo; readonly nextLocation: () => string };
  readonly signal: AbortSignal;
}

/** See the module comment. `discard` must be called, whatever happens. */
export class ExternalSort {
  readonly #options: ExternalSortOptions;
  readonly #files: RunFiles;
  readonly #memory = new MemoryFileIo();
  #buffer: KeyedBatch[] = [];
  #bufferBytes = 0;
  #keptBytes = 0;
  #runs: RunFile[] = [];
  #made = 0;
  #spilled: string[] = [];

  constructor(options: ExternalSortOptions) {
    this.#options = options;
    this.#files = new RunFiles(options.schema);
  }

  /** How many runs were written so far, and how many of them to the store. */
  get runs(): { readonly made: number; readonly spilled: number } {
    return { made: this.#made, spilled: this.#spilled.length };
  }

  /** Takes rows. */
  async add(batch: RecordBatch): Promise<void> {
    const keys = this.#options.keysOf(batch);
    this.#buffer.push({ batch, keys });
    this.#bufferBytes += batchBytes(batch) + keys.bytes.length;
    if (this.#bufferBytes >= this.#options.memoryBytes * BUFFER_SHARE) await this.#writeRun();
  }

  /** All rows in order. */
  async *sorted(): AsyncGenerator<RecordBatch> {
    const [first, ...rest] = this.#buffer;
    if (this.#runs.length === 0) {
      if (first !== undefined) yield* sortBatches([first, ...rest]).batches(BATCH_ROWS);
      return;
    }
    await this.#writeRun();
    yield* this.#merge(this.#runs);
  }

  /** Deletes runs in the store, as far as it goes: the operation's id leads to the rest. */
  async discard(): Promise<void> {
    const { io } = this.#options.spill;
    const spilled = this.#spilled;
    this.#spilled = [];
    const ignore = () => {/* what stays is found by its name */};
    for (const location of spilled) await io.delete(location).catch(ignore);
  }

  async #writeRun(): Promise<void> {
    const [first, ...rest] = this.#buffer;
    if (first === undefined) return;
    const bytes = this.#bufferBytes;
    this.#buffer = [];
    this.#bufferBytes = 0;
    const rows = sortBatches([first, ...rest]).batches(windowRows(first, this.#options));
    this.#runs.push(await this.#write(rows, bytes));
    if (this.#runs.length < MAX_RUNS) return;
    // One long run instead of many short ones: the next merge has room for as many again.
    const merged = this.#runs;
    this.#runs = [await this.#write(this.#merge(merged), Infinity)];
    for (const { io, location } of merged) await io.delete(location);
    this.#keptBytes = 0;
  }

  async #write(
    rows: Iterable<RecordBatch> | AsyncIterable<RecordBatch>,
    bytes: number,
  ): Promise<RunFile> {
    const { memoryBytes, spill, signal } = this.#options;
    const isKept = this.#keptBytes + bytes <= memoryBytes * KEPT_SHARE;
    const number = this.#made++;
    if (isKept) {
      this.#keptBytes += bytes;
      const location = `/run-${number}`;
      return await this.#files.write(rows, { io: this.#memory, location, signal });
    }
    const location = spill.nextLocation();
    this.#spilled.push(location);
    return await this.#files.write(rows, { io: spill.io, location, signal });
  }

  #merge(runs: readonly RunFile[]): AsyncGenerator<RecordBatch> {
    const { keysOf, signal } = this.#options;
    const sources = runs.map((run) => this.#files.read(run, signal));
    return mergeRuns(sources, { keysOf, batchRows: BATCH_ROWS });
  }
}

/** Rows of a run's row groups: as many as fit into memory from each of all runs at a time. */
function windowRows({ batch }: KeyedBatch, { memoryBytes }: ExternalSortOptions): number {
  const bytesPerRow = Math.max(1, batchBytes(batch) / Math.max(1, batch.numRows));
  return Math.max(1, Math.floor(memoryBytes * KEPT_SHARE / MAX_RUNS / bytesPerRow));
}
