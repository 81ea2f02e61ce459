/**
 * Takes out of two streams of rows what both have, row for row: rows that a rewrite carried over from
 * one file to another. Only digests of one side's rows are in memory, with how often each came; that
 * side is read twice.
 */
import type { RecordBatch } from "apache-arrow";
import type { AppError } from "../../../errors.ts";
import { filterRows } from "../../arrow/batch.ts";
import { newBitmap, setBit } from "../../arrow/bitmap.ts";
import type { KeyDigester } from "../../arrow/digest_keys.ts";
import { hashKeys } from "../deletes/key_set.ts";
import type { KeyColumns } from "../keys/key_columns.ts";
import { KeyTable } from "../keys/key_table.ts";

/** Bytes that the count of a row takes. */
const COUNT_BYTES = 4;

/** A stream of rows that can be read again, and gives the same rows then. */
export interface RereadableRows {
  /** Rows, at most. */
  readonly rows: number;
  read(): AsyncIterable<RecordBatch>;
}

/** Options of {@linkcode netRows}. */
export interface NetRowsOptions {
  /** Of whole rows. */
  readonly columns: KeyColumns;
  readonly digester: KeyDigester;
  /** Bytes of digests and counts. */
  readonly maxBytes: number;
  readonly tooLarge: (maxBytes: number) => AppError;
}

/** Rows of one side that the other has not. */
export interface NetRows {
  /** 0 or 1. */
  readonly side: 0 | 1;
  readonly batch: RecordBatch;
}

/** The rows of each side that are left, as multisets. */
export async function* netRows(
  sides: readonly [RereadableRows, RereadableRows],
  options: NetRowsOptions,
): AsyncGenerator<NetRows> {
  const counted: 0 | 1 = sides[0].rows <= sides[1].rows ? 0 : 1;
  const streamed = counted === 0 ? 1 : 0;
  const counts = new RowCounts(options);
  if (sides[counted].rows > 0) {
    for await (const batch of sides[counted].read()) counts.add(batch);
  }
  for await (const batch of sides[streamed].read()) {
    const left = counts.total === 0 ? batch : counts.takeOut(batch, false);
    if (left.numRows > 0) yield { side: streamed, batch: left };
  }
  if (counts.total === 0) return;
  for await (const batch of sides[counted].read()) {
    const left = counts.takeOut(batch, true);
    if (left.numRows > 0) yield { side: counted, batch: left };
  }
}

class RowCounts {
  readonly #options: NetRowsOptions;
  readonly #table: KeyTable;
  #counts = new Uint32Array(1024);
  /** Rows that are counted and have not been taken out. */
  total = 0;

  constructor(options: NetRowsOptions) {
    this.#options = options;
    // Counts take their share of the bound beside the keys.
    const { maxBytes, tooLarge } = options;
    this.#table = new KeyTable({
      maxBytes: maxBytes * KEY_SHARE,
      tooLarge: () => tooLarge(maxBytes),
    });
  }

  add(batch: RecordBatch): void {
    const keys = this.#keysOf(batch);
    const hashes = hashKeys(keys);
    for (let row = 0; row < keys.length; row++) {
      const number = this.#table.add(keys, row, hashes[row]!);
      if (number >= this.#counts.length) this.#grow();
      this.#counts[number]! += 1;
    }
    this.total += keys.length;
  }

  /** Takes rows out of the counts; gives those that were there, or those that were not. */
  takeOut(batch: RecordBatch, wanted: boolean): RecordBatch {
    const keys = this.#keysOf(batch);
    const hashes = hashKeys(keys);
    const bits = newBitmap(batch.numRows);
    for (let row = 0; row < keys.length; row++) {
      const number = this.#table.find(keys, row, hashes[row]!);
      const isThere = number >= 0 && this.#counts[number]! > 0;
      if (isThere) {
        this.#counts[number]! -= 1;
        this.total--;
      }
      if (isThere === wanted) setBit(bits, row);
    }
    return filterRows(batch, { bits });
  }

  #keysOf(batch: RecordBatch) {
    return this.#options.digester.digest(this.#options.columns.keysOf(batch));
  }

  #grow(): void {
    const counts = new Uint32Array(2 * this.#counts.length);
    counts.set(this.#counts);
    this.#counts = counts;
  }
}

/** A digest with its slots takes 32 bytes in the table, a count 4. */
const KEY_SHARE = 32 / (32 + COUNT_BYTES);
