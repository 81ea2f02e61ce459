/** Rows of text on their way into columns: absent values, nulls that may not be, and full batches. */
import type { RecordBatch } from "apache-arrow";
import { BatchBuilder } from "../../columnar/mod.ts";
import { AppError } from "../../errors.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { IcebergValue, NestedField } from "../../iceberg/spec/types.ts";
import { rowInvalid } from "./row_error.ts";
import { RowValueError } from "./value_from_json.ts";

/** A batch is handed on when it has this many rows or bytes. */
const BATCH_ROWS = 65_536;
const BATCH_BYTES = 16 * 1024 * 1024;

type Column = BatchBuilder["columns"][number];

/** Builds batches of the table's rows, value by value. */
export class RowCollector {
  readonly fields: readonly NestedField[];
  readonly columns: readonly Column[];
  readonly #builder: BatchBuilder;
  /** By field the row that has it, from 1 on. */
  readonly #filledIn: Float64Array;
  #row = 1;

  constructor(schema: Schema) {
    this.fields = schema.fields;
    this.#builder = new BatchBuilder(schema);
    this.columns = this.#builder.columns;
    this.#filledIn = new Float64Array(schema.fields.length);
  }

  /** Rows of the batch at hand. */
  get length(): number {
    return this.#builder.length;
  }

  /** Whether a batch is due; asked after each row. */
  get isFull(): boolean {
    // Asking for the bytes costs a walk over the columns, so not for every row.
    if (this.length % 1024 !== 0) return false;
    return this.length >= BATCH_ROWS || this.#builder.byteLength >= BATCH_BYTES;
  }

  /** Notes that the row has this field; false where it had it already. */
  claim(at: number): boolean {
    if (this.#filledIn[at] === this.#row) return false;
    this.#filledIn[at] = this.#row;
    return true;
  }

  /** Adds a value to a claimed field, with every check of its type. */
  append(at: number, value: IcebergValue): void {
    if (value === null && this.fields[at]!.required) {
      const { name } = this.fields[at]!;
      throw new RowValueError(name, "it is required, and the row has none or null");
    }
    this.columns[at]!.append(value);
  }

  /** Ends the row: fields that it lacks have their default, or are null. */
  endRow(): void {
    const { fields } = this;
    for (let at = 0; at < fields.length; at++) {
      if (this.#filledIn[at] !== this.#row) this.append(at, fields[at]!.writeDefault ?? null);
    }
    this.#row++;
    this.#builder.endRow();
  }

  take(): RecordBatch {
    return this.#builder.finish();
  }
}

/** The error of a row, for what was thrown while its values were read. */
export function rowFailure(error: unknown, line: number): unknown {
  const place = { unit: "line", number: line } as const;
  if (error instanceof RowValueError) {
    return rowInvalid(place, { column: error.path, problem: error.message });
  }
  if (error instanceof AppError && error.kind === "malformed") {
    return rowInvalid(place, { column: null, problem: `it is no JSON (${error.message})` });
  }
  // What only the builders see: a null in a required field of a struct, say.
  const [issue] = error instanceof AppError && error.kind === "invalid" ? error.issues : [];
  return issue === undefined
    ? error
    : rowInvalid(place, { column: issue.path, problem: issue.message });
}
