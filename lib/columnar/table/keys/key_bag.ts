/**
 * The keys of rows that are to be deleted or replaced: which there are, how many rows had each, and a
 * filter by which files are left out that hold none of them. Bounded in memory.
 */
import type { RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import { and, type Expression } from "../../../iceberg/expression/expression.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import { takeRows } from "../../arrow/batch.ts";
import { batchBytes } from "../../arrow/batch_bytes.ts";
import type { RowKeys } from "../../arrow/row_keys.ts";
import { hashKeys } from "../deletes/key_set.ts";
import { ColumnValues } from "./column_values.ts";
import { KeyColumns } from "./key_columns.ts";
import { KeyTable } from "./key_table.ts";

/** Bytes of keys that are held by default. */
export const DEFAULT_KEY_BYTES = 256 * 1024 * 1024;

/** Options of {@linkcode KeyBag}. */
export interface KeyBagOptions {
  /** Of the rows that are added: the table's. */
  readonly schema: Schema;
  /** Ids of the key columns; null for whole rows. */
  readonly ids: readonly number[] | null;
  /** Bytes of the keys, and of what goes with them; {@linkcode DEFAULT_KEY_BYTES} by default. */
  readonly maxBytes?: number;
  /** Whether the columns of the keys are held too, as equality deletes need them; false by default. */
  readonly holdsRows?: boolean;
}

/** Keys with the number of rows that had each. */
export class KeyBag {
  readonly columns: KeyColumns;
  readonly #values: readonly ColumnValues[];
  readonly #table: KeyTable;
  readonly #maxBytes: number;
  readonly #held: RecordBatch[] | null;
  #heldBytes = 0;
  #counts = new Uint32Array(64);
  #rows = 0;

  /** Errors are those of {@linkcode KeyColumns}. */
  constructor(options: KeyBagOptions) {
    const { schema, ids, maxBytes = DEFAULT_KEY_BYTES, holdsRows = false } = options;
    this.columns = new KeyColumns(schema, ids);
    this.#values = this.columns.columns.map((column) => new ColumnValues(column, schema));
    this.#table = new KeyTable({ maxBytes, tooLarge: tooMany });
    this.#maxBytes = maxBytes;
    this.#held = holdsRows ? [] : null;
  }

  /** Distinct keys. */
  get size(): number {
    return this.#table.size;
  }

  /** Rows that were added. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Adds rows in the Arrow form of the schema; gives the number of each row's key, from 0 on in the
   * order of first appearance. `too_large`, code `keys_too_many`, beyond the bound.
   */
  add(batch: RecordBatch): Uint32Array {
    const numbers = new Uint32Array(batch.numRows);
    if (batch.numRows === 0) return numbers;
    const keys = this.columns.keysOf(batch);
    const hashes = hashKeys(keys);
    const first: number[] = [];
    for (let row = 0; row < keys.length; row++) {
      const before = this.#table.size;
      const number = this.#table.add(keys, row, hashes[row]!);
      if (number === before) first.push(row);
      numbers[row] = number;
      this.#count(number);
    }
    this.#rows += batch.numRows;
    if (first.length === 0) return numbers;
    const columns = this.columns.columnsOf(batch);
    this.#values.forEach((values, at) => {
      const column = columns[at];
      if (column !== undefined) values.add(column, first);
    });
    if (this.#held !== null) {
      this.#hold(takeRows(this.columns.topColumnsOf(batch), Int32Array.from(first)));
    }
    return numbers;
  }

  /** The number of a row's key, below `size`; -1 where it is not among them. */
  find(keys: RowKeys, row: number, hash: number): number {
    return this.#table.find(keys, row, hash);
  }

  /** How many rows had each key, by its number. */
  counts(): Uint32Array {
    return this.#counts.slice(0, this.size);
  }

  /** Matches every row that has one of the keys, and some others. */
  filter(): Expression {
    return and(...this.#values.map((values) => values.filter()));
  }

  /** The top-level columns that hold the keys, with a row for each. */
  heldRows(): readonly RecordBatch[] {
    if (this.#held === null) throw new TypeError("Cannot give rows of keys: they were not held");
    return this.#held;
  }

  #count(number: number): void {
    if (number >= this.#counts.length) {
      const counts = new Uint32Array(2 * this.#counts.length);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    this.#counts[number]! += 1;
  }

  #hold(rows: RecordBatch): void {
    this.#heldBytes += batchBytes(rows);
    if (this.#heldBytes + this.#table.byteLength > this.#maxBytes) throw tooMany(this.#maxBytes);
    this.#held?.push(rows);
  }
}

function tooMany(maxBytes: number): AppError {
  return new AppError(
    "too_large",
    "keys_too_many",
    `Cannot look up so many keys at a time: they take more than ${maxBytes} bytes of memory; take ` +
      "fewer rows in one batch",
  );
}
