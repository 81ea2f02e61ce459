/**
 * From blocks of rows to data files. The first block is dealt with right here, so that a small append
 * costs no more than its rows; further ones go to all isolates, and their rows into files in order.
 *
 * ```
 * body ─► block ─► task: read, check, encode ─┐
 *      ─► block ─► task                       ├─► in order ─► data files
 *      ─► block ─► task                       ┘
 * ```
 */
import { serializeWithoutHistory } from "../../iceberg/spec/serialize_without_history.ts";
import type { DataFileWriter } from "../../columnar/mod.ts";
import { AppError } from "../../errors.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import type { JobHost } from "../../jobs/mod.ts";
import type { AppendParams } from "../contract/append.ts";
import {
  encodeBlock,
  encodeBlockTask,
  type EncodedBlock,
  isPartitioned,
  limits,
  readBlock,
  receivedBatches,
} from "./encode_block.ts";
import type { RowBlock } from "./row_blocks.ts";
import { rowInvalid } from "./row_error.ts";

/** Blocks beside those that isolates work at: done ones that wait for their turn. */
const WAITING_BLOCKS = 1;

/** What writing stands on. */
export interface WriteBlocksOptions {
  readonly location: AppendParams["location"];
  readonly table: LoadedTable;
  readonly writer: DataFileWriter;
  readonly host: JobHost;
}

/** Writes all rows, and tells how many there were. */
export async function writeBlocks(
  blocks: AsyncGenerator<RowBlock>,
  options: WriteBlocksOptions,
): Promise<number> {
  const rows = new OrderedRows(options);
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.host.signal, stopping.signal]);
  const waiting: Promise<EncodedBlock>[] = [];
  const takeOne = async () => {
    const [next] = waiting;
    if (next === undefined) return;
    await rows.add(next);
    waiting.shift();
  };
  try {
    let isFirst = true;
    for await (const block of blocks) {
      if (isFirst) await rows.addHere(block);
      else {
        const task = runTask(block, options, signal);
        task.catch(() => {
          // Thrown where it is taken, unless one before it has failed.
        });
        waiting.push(task);
      }
      isFirst = false;
      while (waiting.length > options.host.tasks.width - 1 + WAITING_BLOCKS) await takeOne();
    }
    while (waiting.length > 0) await takeOne();
    return rows.count;
  } catch (error) {
    stopping.abort();
    await Promise.allSettled(waiting);
    throw error;
  }
}

async function runTask(
  block: RowBlock,
  { location, table, host }: WriteBlocksOptions,
  signal: AbortSignal,
): Promise<EncodedBlock> {
  const metadata = serializeWithoutHistory(table.metadata);
  return await host.tasks.run(encodeBlockTask, { location, metadata, block }, signal);
}

/** Takes rows in their order, and knows where they came from. */
class OrderedRows {
  readonly #options: WriteBlocksOptions;
  #lines = 0;
  count = 0;

  constructor(options: WriteBlocksOptions) {
    this.#options = options;
  }

  /** A block that a task works at. */
  async add(task: Promise<EncodedBlock>): Promise<void> {
    const { writer } = this.#options;
    const { rows, lines, rowGroups, stream } = await this.#placed(task);
    for (const rowGroup of rowGroups) await writer.writeEncoded(rowGroup);
    for (const batch of stream === null ? [] : receivedBatches(stream)) await writer.write(batch);
    this.#passed(rows, lines);
  }

  /** A block that is read in this isolate. */
  async addHere(block: RowBlock): Promise<void> {
    const { writer, host, table: { metadata, io } } = this.#options;
    const options = { metadata, io, ...limits(host) };
    if (isPartitioned(metadata)) {
      const { batches, rows, lines } = await this.#placed(readBlock(block, options));
      for (const batch of batches) await writer.write(batch);
      return this.#passed(rows, lines);
    }
    const { rowGroups, rows, lines } = await this.#placed(encodeBlock(block, options));
    for (const rowGroup of rowGroups) await writer.writeEncoded(rowGroup);
    this.#passed(rows, lines);
  }

  /** Errors of text count lines from where their block begins. */
  async #placed<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw moved(error, this.#lines);
    }
  }

  #passed(rows: number, lines: number): void {
    this.count += rows;
    this.#lines += lines;
    this.#options.host.progress({ phase: "writing", done: this.count, total: null, unit: "rows" });
  }
}

/** The same error, so many lines further down. */
function moved(error: unknown, lines: number): unknown {
  if (!(error instanceof AppError) || error.code !== "row_invalid" || lines === 0) return error;
  const { unit, number, column } = error.context;
  const [issue] = error.issues;
  if (unit !== "line" || typeof number !== "number" || issue === undefined) return error;
  const name = typeof column === "string" ? column : null;
  return rowInvalid({ unit, number: number + lines }, { column: name, problem: issue.message });
}
