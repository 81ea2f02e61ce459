/**
 * Merges sorted runs. Not row by row: from every run a window of rows is at hand, and all rows up to
 * the least of the windows' last keys are known to come next. Those are sorted together.
 */
import type { RecordBatch } from "apache-arrow";
import { compareKeys, type KeyMaker, type RowKeys, sliceBatch } from "../../../../columnar/mod.ts";
import { type KeyedBatch, sortBatches } from "./sort_batches.ts";

/** Options of {@linkcode mergeRuns}. */
export interface MergeRunsOptions {
  readonly keysOf: KeyMaker;
  /** Rows of a batch, at most. */
  readonly batchRows: number;
}

/** The rows of all runs in order. Each run holds one batch in memory, whatever its size. */
export async function* mergeRuns(
  runs: readonly AsyncIterable<RecordBatch>[],
  { keysOf, batchRows }: MergeRunsOptions,
): AsyncGenerator<RecordBatch> {
  let windows: Window[] = [];
  for (const run of runs) {
    const window = new Window(run[Symbol.asyncIterator](), keysOf);
    if (await window.refill()) windows.push(window);
  }
  while (windows.length > 0) {
    const bound = leastEnd(windows);
    const [first, ...rest] = windows.flatMap((window) => window.takeUpTo(bound));
    if (first === undefined) throw new TypeError("Cannot merge runs that do not move on");
    yield* sortBatches([first, ...rest]).batches(batchRows);
    const left: Window[] = [];
    for (const window of windows) if (await window.refill()) left.push(window);
    windows = left;
  }
}

interface Bound {
  readonly keys: RowKeys;
  readonly row: number;
}

/** Rows of one run that are at hand. */
class Window {
  readonly #source: AsyncIterator<RecordBatch>;
  readonly #keysOf: KeyMaker;
  #batch: RecordBatch | null = null;
  #keys: RowKeys | null = null;
  /** First row that was not taken yet. */
  #at = 0;

  constructor(source: AsyncIterator<RecordBatch>, keysOf: KeyMaker) {
    this.#source = source;
    this.#keysOf = keysOf;
  }

  /** Makes sure that a row is at hand; false where the run has ended. */
  async refill(): Promise<boolean> {
    while (this.#batch === null || this.#at >= this.#batch.numRows) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#batch = next.value;
      this.#keys = this.#keysOf(next.value);
      this.#at = 0;
    }
    return true;
  }

  /** The last key at hand. */
  get end(): Bound {
    const { batch, keys } = this.#atHand();
    return { keys, row: batch.numRows - 1 };
  }

  /** Takes the rows whose keys are not greater than `bound`; they are the first of the window. */
  takeUpTo(bound: Bound): readonly KeyedBatch[] {
    const { batch, keys } = this.#atHand();
    const from = this.#at;
    let low = from;
    let high = batch.numRows;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys({ keys, row: middle }, bound) <= 0) low = middle + 1;
      else high = middle;
    }
    this.#at = low;
    if (low === from) return [];
    const rows = sliceBatch(batch, { at: from, length: low - from });
    return [{ batch: rows, keys: sliceKeys(keys, from, low) }];
  }

  #atHand(): KeyedBatch {
    if (this.#batch === null || this.#keys === null) {
      throw new TypeError("Cannot merge an empty run");
    }
    return { batch: this.#batch, keys: this.#keys };
  }
}

function leastEnd(windows: readonly Window[]): Bound {
  const ends = windows.map((window) => window.end);
  return ends.reduce((least, end) => compareKeys(end, least) < 0 ? end : least);
}

function sliceKeys(keys: RowKeys, from: number, to: number): RowKeys {
  const start = keys.offsets[from]!;
  return {
    length: to - from,
    bytes: keys.bytes.subarray(start, keys.offsets[to]),
    offsets: keys.offsets.subarray(from, to + 1).map((offset) => offset - start),
  };
}
