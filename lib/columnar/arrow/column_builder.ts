/**
 * Builds Arrow columns from values in Iceberg's memory form, one at a time, with exact checks: a
 * value that its type cannot hold is an error that names column and row, never a wrapped value.
 */
import { type Data, type RecordBatch, type Schema as ArrowSchema } from "apache-arrow";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { IcebergValue, Type } from "../../iceberg/spec/types.ts";
import { arrowSchema } from "./arrow_schema.ts";
import { makeBatch } from "./batch.ts";
import { leafBuilder } from "./_leaf_builders.ts";
import { ListBuilder, MapBuilder, StructBuilder } from "./_nested_builders.ts";
import type { BuilderSite, NullableBuilder } from "./_nullable_builder.ts";
import { type ColumnFault, inputFault } from "./column_error.ts";

/** A column being built. After an error it is of no use any more. */
export interface ColumnBuilder {
  /** Values so far. */
  readonly length: number;
  /** Bytes they take, roughly. */
  readonly byteLength: number;
  /** Adds a value. */
  append(value: IcebergValue): void;
  /**
   * Adds a value from its text, valid UTF-8 from byte `start` to `end`, where that has the common
   * form of its type: `-12`, `0.5`, `2024-01-31T23:59:59.5`; text is what it is. False where it has
   * not, which says nothing against the value; then nothing was added.
   */
  appendText(bytes: Uint8Array, start: number, end: number): boolean;
  /** The column; the builder starts anew. */
  finish(): Data;
}

/** Options of {@linkcode columnBuilder}. */
export interface ColumnBuilderOptions {
  /** Name of the column, for messages. */
  readonly column: string;
  /** Whether null is refused; false by default. */
  readonly required?: boolean;
  /** Makes errors; by default those of rows that a caller handed in ({@linkcode inputFault}). */
  readonly faultOf?: (column: string) => ColumnFault;
}

/** A builder for values of `type`. */
export function columnBuilder(type: Type, options: ColumnBuilderOptions): ColumnBuilder {
  const { column, required = false, faultOf = inputFault } = options;
  const rows = { count: 0 };
  const inner = nestedBuilder(type, { column, required, rows, faultOf });
  return {
    get length() {
      return inner.length;
    },
    get byteLength() {
      return inner.byteLength;
    },
    append(value) {
      rows.count = inner.length;
      inner.append(value);
    },
    appendText(bytes, start, end) {
      return inner.appendText(bytes, start, end);
    },
    finish: () => inner.finish(),
  };
}

/** Builds batches row by row, a value for each column of a schema. */
export class BatchBuilder {
  readonly schema: ArrowSchema;
  /** Columns by themselves; after one value more in each comes {@linkcode endRow}. */
  readonly columns: readonly ColumnBuilder[];
  #length = 0;

  constructor(
    schema: Pick<Schema, "fields">,
    options: { readonly faultOf?: (column: string) => ColumnFault } = {},
  ) {
    this.schema = arrowSchema(schema);
    this.columns = schema.fields.map(({ name, required, type }) =>
      columnBuilder(type, { column: name, required, ...options })
    );
  }

  /** Rows so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes they take, roughly. */
  get byteLength(): number {
    return this.columns.reduce((sum, column) => sum + column.byteLength, 0);
  }

  /** Adds a row: values in the order of the columns. */
  append(row: readonly IcebergValue[]): void {
    if (row.length !== this.columns.length) {
      throw new TypeError(`Cannot add ${row.length} values to ${this.columns.length} columns`);
    }
    this.columns.forEach((column, at) => column.append(row[at] ?? null));
    this.#length++;
  }

  /** Ends a row that was added column by column. */
  endRow(): void {
    this.#length++;
  }

  /** The rows so far as a batch; the builder starts anew. */
  finish(): RecordBatch {
    const columns = this.columns.map((column) => column.finish());
    const batch = makeBatch(this.schema, columns, { length: this.#length });
    this.#length = 0;
    return batch;
  }
}

function nestedBuilder(type: Type, site: BuilderSite): NullableBuilder {
  const member = (name: string, child: Type, required: boolean) =>
    nestedBuilder(child, { ...site, column: `${site.column}.${name}`, required });
  switch (type.kind) {
    case "struct": {
      const fields = type.fields.map((field) => member(field.name, field.type, field.required));
      return new StructBuilder(type, site, fields);
    }
    case "list":
      return new ListBuilder(type, site, member("element", type.element, type.elementRequired));
    case "map":
      return new MapBuilder(type, site, {
        keys: member("key", type.key, true),
        values: member("value", type.value, type.valueRequired),
      });
    default:
      return leafBuilder(type, site);
  }
}
