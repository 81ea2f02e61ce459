/** What all column builders share: validity, null checks and errors with their place. */
import type { Data, DataType } from "apache-arrow";
import type { AppError } from "../../errors.ts";
import type { IcebergValue, Type } from "../../iceberg/spec/types.ts";
import { arrowType } from "./arrow_schema.ts";
import type { ColumnFault } from "./column_error.ts";
import { GrowableBits } from "./_growable.ts";
import { type ColumnParts, makeColumn } from "./layout.ts";

/** Where a builder stands. */
export interface BuilderSite {
  /** Dotted name of the column. */
  readonly column: string;
  readonly required: boolean;
  /** The row of the whole column that is being added. */
  readonly rows: { count: number };
  readonly faultOf: (column: string) => ColumnFault;
}

/** A builder of one column or member of a column. */
export abstract class NullableBuilder {
  protected readonly type: DataType;
  readonly #site: BuilderSite;
  readonly #validity = new GrowableBits();
  #nullCount = 0;

  constructor(type: Type, site: BuilderSite) {
    this.type = arrowType(type);
    this.#site = site;
  }

  get length(): number {
    return this.#validity.length;
  }

  get byteLength(): number {
    return this.ownBytes() + (this.length >>> 3);
  }

  append(value: IcebergValue): void {
    if (value === null) {
      if (this.#site.required) throw this.fault("null in a required column");
      this.appendSlot();
    } else {
      this.pushValue(value);
      this.#validity.push(true);
    }
  }

  /** See `ColumnBuilder.appendText`. */
  appendText(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.pushText(bytes, start, end)) return false;
    this.#validity.push(true);
    return true;
  }

  /** Adds null, also where the column is required: below a null struct there is no value. */
  appendSlot(): void {
    this.pushSlot();
    this.#validity.push(false);
    this.#nullCount++;
  }

  finish(): Data {
    const { length } = this;
    const nullCount = this.#nullCount;
    this.#nullCount = 0;
    const validity = this.#validity.take();
    return makeColumn(this.type, {
      length,
      ...this.takeParts(),
      ...(nullCount === 0 ? {} : { validity, nullCount }),
    });
  }

  /** The error for the value at hand. */
  protected fault(detail: string): AppError {
    const { faultOf, column, rows } = this.#site;
    return faultOf(column)(detail, rows.count);
  }

  /** The error for a value of another JavaScript type than the column's memory form. */
  protected notA(wanted: string): AppError {
    return this.fault(`it is not ${wanted}`);
  }

  protected abstract pushValue(value: Exclude<IcebergValue, null>): void;
  /** Adds a value from its plain text; false, and nothing added, where it is not in that form. */
  protected pushText(_bytes: Uint8Array, _start: number, _end: number): boolean {
    return false;
  }

  /** Adds whatever stands for null in the buffers. */
  protected abstract pushSlot(): void;
  /** The buffers; they start anew. */
  protected abstract takeParts(): Partial<ColumnParts>;
  protected abstract ownBytes(): number;
}
