/**
 * The last row of each key among the rows of one batch of changes: what an upsert leaves of them. Rows
 * are held, within a bound, until all have come; a batch none of whose rows is left is let go of.
 */
import type { Data, RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { filterRows } from "../../arrow/batch.ts";
import { batchBytes } from "../../arrow/batch_bytes.ts";
import { fillBits, getBit, newBitmap } from "../../arrow/bitmap.ts";
import { nullsOf, validityOf } from "../../arrow/layout.ts";
import { DEFAULT_KEY_BYTES, KeyBag } from "./key_bag.ts";

/** Bytes of rows that are held by default. */
export const DEFAULT_HELD_BYTES = 512 * 1024 * 1024;

/** Number of a batch that does not exist: the key has no row here. */
const NO_BATCH = 0xffff_ffff;

/** Options of {@linkcode LatestRows}. */
export interface LatestRowsOptions {
  readonly schema: Schema;
  /** Ids of the key columns. */
  readonly ids: readonly number[];
  /** Bytes of rows; {@linkcode DEFAULT_HELD_BYTES} by default. */
  readonly maxBytes?: number;
  /** Bytes of keys; as for {@linkcode KeyBag}. */
  readonly maxKeyBytes?: number;
  /** As for {@linkcode KeyBag}. */
  readonly holdsRows?: boolean;
}

interface HeldBatch {
  /** Null once no row of it is left. */
  rows: RecordBatch | null;
  readonly keep: Uint8Array;
  kept: number;
}

/** See the module comment. */
export class LatestRows {
  /** The keys of all rows that were added, and of those that others add to it to have them go, too. */
  readonly keys: KeyBag;
  readonly #maxBytes: number;
  readonly #batches: HeldBatch[] = [];
  /** By number of the key: its last row, as the number of the batch and the row in it. */
  #batchOf = new Uint32Array(64).fill(NO_BATCH);
  #rowOf = new Uint32Array(64);
  #bytes = 0;

  /** Errors are those of {@linkcode KeyBag}. */
  constructor(options: LatestRowsOptions) {
    const { schema, ids, holdsRows = false } = options;
    this.keys = new KeyBag({
      schema,
      ids,
      holdsRows,
      maxBytes: options.maxKeyBytes ?? DEFAULT_KEY_BYTES,
    });
    this.#maxBytes = options.maxBytes ?? DEFAULT_HELD_BYTES;
  }

  /** Distinct keys, which is the number of rows that are left where all keys came with rows. */
  get size(): number {
    return this.keys.size;
  }

  /**
   * Adds rows in the Arrow form of the schema, later ones than all before. Errors: `invalid`, code
   * `key_null`, for null in a key column that is required; `too_large`, code `keys_too_many` or
   * `rows_too_many`.
   */
  add(batch: RecordBatch): void {
    if (batch.numRows === 0) return;
    this.#refuseNulls(batch);
    const numbers = this.keys.add(batch);
    const keep = newBitmap(batch.numRows);
    fillBits(keep, { at: 0, length: batch.numRows });
    const at = this.#batches.length;
    this.#batches.push({ rows: batch, keep, kept: batch.numRows });
    this.#bytes += batchBytes(batch);
    this.#makeRoom();
    for (let row = 0; row < numbers.length; row++) {
      const number = numbers[row]!;
      const before = this.#batchOf[number]!;
      if (before !== NO_BATCH) this.#drop(before, this.#rowOf[number]!);
      this.#batchOf[number] = at;
      this.#rowOf[number] = row;
    }
    if (this.#bytes > this.#maxBytes) throw tooMany(this.#maxBytes);
  }

  /** The rows that are left, in the order in which they came. Each batch is let go of. */
  *rows(): Generator<RecordBatch> {
    for (const held of this.#batches.splice(0)) {
      if (held.rows === null) continue;
      yield held.kept === held.rows.numRows
        ? held.rows
        : filterRows(held.rows, { bits: held.keep });
    }
  }

  #drop(at: number, row: number): void {
    const held = this.#batches[at];
    if (held === undefined || held.rows === null) {
      throw new TypeError(`Cannot find row ${row} of batch ${at}`);
    }
    held.keep[row >>> 3]! &= ~(1 << (row & 7));
    held.kept--;
    if (held.kept > 0) return;
    this.#bytes -= batchBytes(held.rows);
    held.rows = null;
  }

  #makeRoom(): void {
    if (this.keys.size <= this.#batchOf.length) return;
    const room = Math.max(this.keys.size, 2 * this.#batchOf.length);
    const batchOf = new Uint32Array(room).fill(NO_BATCH);
    const rowOf = new Uint32Array(room);
    batchOf.set(this.#batchOf);
    rowOf.set(this.#rowOf);
    this.#batchOf = batchOf;
    this.#rowOf = rowOf;
  }

  #refuseNulls(batch: RecordBatch): void {
    const { columns, schema } = this.keys.columns;
    const read = this.keys.columns.columnsOf(batch);
    for (const [at, { id, name }] of columns.entries()) {
      const column = read[at];
      const isRequired = schema.findById(id)?.field.required === true;
      if (!isRequired || column === undefined || nullsOf(column) === 0) continue;
      throw new AppError(
        "invalid",
        "key_null",
        `Cannot take a row by its key: column "${name}", which is required, is null in row ` +
          `${firstNull(column)} of a batch; leave such rows out, or make the column optional`,
      );
    }
  }
}

function firstNull(column: Data): number {
  const validity = validityOf(column);
  let row = 0;
  while (validity !== null && row < column.length && getBit(validity, column.offset + row)) row++;
  return row;
}

function tooMany(maxBytes: number): AppError {
  return new AppError(
    "too_large",
    "rows_too_many",
    `Cannot hold so many rows at a time: they take more than ${maxBytes} bytes of memory; take ` +
      "fewer rows in one batch",
  );
}
