/** Sorts batches in memory by keys of their rows. */
import type { RecordBatch } from "apache-arrow";
import { concatKeys, gatherRows, type RowKeys, sortKeys } from "../../../../columnar/mod.ts";

/** Rows with their keys. */
export interface KeyedBatch {
  readonly batch: RecordBatch;
  readonly keys: RowKeys;
}

/** A batch of sorted rows, and the keys of all of them. */
export interface SortedRows {
  /** Rows in order, in batches of at most the size asked for. */
  batches(batchRows: number): Generator<RecordBatch>;
}

/** Sorts rows of several batches of one schema; equal ones keep their order. */
export function sortBatches(sources: readonly [KeyedBatch, ...KeyedBatch[]]): SortedRows {
  const order = sortKeys(concatKeys(sources.map(({ keys }) => keys)));
  const [first, ...rest] = sources;
  const chunks = [first.batch, ...rest.map(({ batch }) => batch)] as const;
  const picks = picksOf(order, chunks.map(({ numRows }) => numRows));
  return {
    *batches(batchRows) {
      for (let at = 0; at < order.length; at += batchRows) {
        const end = Math.min(order.length, at + batchRows);
        yield gatherRows([...chunks], {
          rows: picks.rows.subarray(at, end),
          chunkOf: picks.chunkOf?.subarray(at, end) ?? null,
        });
      }
    },
  };
}

/** Row numbers over all batches as batch and row. */
function picksOf(order: Uint32Array, lengths: readonly number[]) {
  const rows = new Int32Array(order.length);
  if (lengths.length === 1) {
    rows.set(order);
    return { rows, chunkOf: null };
  }
  const chunks = new Int32Array(order.length);
  const starts = new Int32Array(lengths.length);
  let at = 0;
  for (const [chunk, length] of lengths.entries()) {
    starts[chunk] = at;
    chunks.fill(chunk, at, at + length);
    at += length;
  }
  const chunkOf = new Int32Array(order.length);
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    const chunk = chunks[row]!;
    chunkOf[place] = chunk;
    rows[place] = row - starts[chunk]!;
  }
  return { rows, chunkOf };
}
