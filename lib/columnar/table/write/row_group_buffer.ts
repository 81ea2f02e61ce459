/**
 * Rows on their way to a row group. How large they will be in the file is learnt from the row groups
 * before them; until there are any, rows count with what they take in memory, which is more.
 */
import type { RecordBatch } from "apache-arrow";
import { sliceBatch } from "../../arrow/batch.ts";
import { batchBytes } from "../../arrow/batch_bytes.ts";

/** Rows buffered for one file. */
export class RowGroupBuffer {
  readonly #batches: RecordBatch[] = [];
  #memoryBytes = 0;
  #rows = 0;

  /** Bytes in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Rows. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds rows. */
  push(batch: RecordBatch): void {
    if (batch.numRows === 0) return;
    this.#batches.push(batch);
    this.#memoryBytes += batchBytes(batch);
    this.#rows += batch.numRows;
  }

  /** Takes rows of about `memoryBytes` from the front, one at least; all where they are no more. */
  take(memoryBytes: number): readonly RecordBatch[] {
    const taken: RecordBatch[] = [];
    let left = memoryBytes;
    while (this.#batches.length > 0 && (left > 0 || taken.length === 0)) {
      const batch = this.#batches[0]!;
      const bytes = Math.max(1, batchBytes(batch));
      const rows = Math.max(taken.length === 0 ? 1 : 0, Math.floor(batch.numRows * left / bytes));
      if (rows >= batch.numRows) {
        this.#batches.shift();
        taken.push(batch);
        this.#forget(batch);
      } else {
        if (rows > 0) {
          const head = sliceBatch(batch, { at: 0, length: rows });
          taken.push(head);
          this.#batches[0] = sliceBatch(batch, { at: rows, length: batch.numRows - rows });
          this.#forget(head);
        }
        break;
      }
      left -= bytes;
    }
    if (this.#batches.length === 0) this.#memoryBytes = 0;
    return taken;
  }

  #forget(batch: RecordBatch): void {
    this.#rows -= batch.numRows;
    this.#memoryBytes = Math.max(0, this.#memoryBytes - batchBytes(batch));
  }
}
