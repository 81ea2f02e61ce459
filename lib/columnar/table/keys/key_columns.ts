/**
 * The columns that rows are told apart by, and the keys that rows have in them. Keys are equal as the
 * values of equality deletes are: null equals null, NaN equals NaN, `-0.0` differs from `0.0`.
 */
import type { Data, RecordBatch } from "apache-arrow";
import { AppError } from "../../../errors.ts";
import type { Schema } from "../../../iceberg/spec/schema.ts";
import type { NestedField } from "../../../iceberg/spec/types.ts";
import { arrowSchema } from "../../arrow/arrow_schema.ts";
import { makeBatch } from "../../arrow/batch.ts";
import { comparableColumn } from "../../arrow/comparable_column.ts";
import { canMakeKeys, encodeRowKeys, type RowKeys } from "../../arrow/row_keys.ts";
import { type ColumnOf, columnReader } from "../column_reader.ts";
import { type NeededColumn, neededColumn } from "../needed_column.ts";

/** Columns of one schema, in the order of their ids. */
export class KeyColumns {
  readonly schema: Schema;
  readonly columns: readonly NeededColumn[];
  /** Whether rows are compared as a whole. */
  readonly areAll: boolean;
  readonly #readers: readonly ColumnOf[];

  /**
   * The columns with these ids, null for whole rows. `invalid`, code `key_column_invalid`, for columns
   * that the schema does not have outside of lists and maps, or, as single columns, of types that have
   * no equality: structs, lists, maps, variants and geometries.
   */
  constructor(schema: Schema, ids: readonly number[] | null) {
    this.schema = schema;
    this.areAll = ids === null;
    const wanted = ids ?? schema.fields.map(({ id }) => id);
    if (wanted.length === 0) throw invalidColumn("Cannot tell rows apart by no columns");
    this.columns = [...new Set(wanted)].sort((a, b) => a - b).map((id) => {
      const column = neededColumn([schema], id);
      if (column === null) throw invalidColumn(`Cannot find a key column ${id} in the schema`);
      if (ids !== null && !canMakeKeys(column.type)) {
        throw invalidColumn(
          `Cannot use column "${column.name}" of type ${column.type.kind} as a key: values of that ` +
            "type are not compared; choose columns of simple types",
        );
      }
      return column;
    });
    this.#readers = this.columns.map(({ id }) => {
      const path = schema.findById(id);
      if (path === undefined) throw new TypeError(`Cannot find column ${id} in its schema`);
      return columnReader(path, schema);
    });
  }

  /** Top-level fields to read where only keys are wanted, one for each column. */
  get fields(): readonly NestedField[] {
    return this.columns.map(({ field }) => field);
  }

  /** Top-level fields of the schema that the columns lie in, whole. */
  get topFields(): readonly NestedField[] {
    return this.#topPlaces.map((place) => this.schema.fields[place]!);
  }

  /** A batch of {@linkcode KeyColumns.topFields} from one of the schema. */
  topColumnsOf(batch: RecordBatch): RecordBatch {
    const columns = this.#topPlaces.map((place) => batch.data.children[place]!);
    return makeBatch(arrowSchema({ fields: this.topFields }), columns, { length: batch.numRows });
  }

  get #topPlaces(): readonly number[] {
    const wanted = new Set(this.columns.map(({ field }) => field.id));
    return this.schema.fields.flatMap(({ id }, place) => wanted.has(id) ? [place] : []);
  }

  /** The columns in a batch of the schema. */
  columnsOf(batch: RecordBatch): readonly Data[] {
    return this.#readers.map((read) => read(batch));
  }

  /** The keys of a batch of the schema. */
  keysOf(batch: RecordBatch): RowKeys {
    return this.#encode(this.columnsOf(batch), batch.numRows);
  }

  /** The keys of a batch of {@linkcode KeyColumns.fields}; further columns do not matter. */
  keysOfFields(batch: RecordBatch): RowKeys {
    const columns = this.columns.map(({ leafOf, name }, at) => {
      const column = batch.data.children[at];
      if (column === undefined) throw new TypeError(`Cannot find key column "${name}" in a batch`);
      return leafOf(column);
    });
    return this.#encode(columns, batch.numRows);
  }

  #encode(columns: readonly Data[], length: number): RowKeys {
    const keyed = columns.map((column, at) =>
      comparableColumn(column, this.columns[at]?.type ?? { kind: "unknown" })
    );
    return encodeRowKeys(keyed, { length });
  }
}

function invalidColumn(message: string): AppError {
  return new AppError("invalid", "key_column_invalid", message);
}
