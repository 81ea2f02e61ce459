/** Rows of a transform as rows of the table that they go into. */
import type { RecordBatch, Schema as ArrowSchema } from "apache-arrow";
import { type ColumnFault, NameProjection } from "../columnar/mod.ts";
import { AppError } from "../errors.ts";
import { formatSqlType } from "../iceberg/ddl/format_sql_type.ts";
import { Schema } from "../iceberg/spec/schema.ts";
import type { NestedField, Type } from "../iceberg/spec/types.ts";
import { engineType, unsupportedType } from "./engine_types.ts";
import { resultType } from "./result_types.ts";
import { quoteName } from "./text/quote_name.ts";

/** Projections in use: all batches of a run share their schema. */
const projections = new WeakMap<ArrowSchema, WeakMap<Schema, NameProjection>>();

/**
 * The batch in the Arrow form of the table's schema. Columns go by name; what rows lack gets its
 * `write-default`, else null. Values are widened where nothing is lost; times without a zone are
 * taken for UTC where the table's have one. Everything else is `invalid`: `column_invalid` for columns
 * that the table does not have or requires, `column_type_mismatch`, and `invalid_value`.
 */
export function toTableBatch(batch: RecordBatch, schema: Schema): RecordBatch {
  let known = projections.get(batch.schema);
  if (known === undefined) projections.set(batch.schema, known = new WeakMap());
  let projection = known.get(schema);
  if (projection === undefined) {
    const faultOf = faultsOf(batch.schema, schema);
    projection = new NameProjection(batch.schema, { schema, exactness: "values_in_utc", faultOf });
    known.set(schema, projection);
  }
  return projection.project(batch);
}

function faultsOf(given: ArrowSchema, wanted: Schema): (column: string) => ColumnFault {
  const rows = new Schema({
    schemaId: 0,
    identifierFieldIds: [],
    fields: given.fields.map((field): NestedField => ({
      id: 0,
      name: field.name,
      required: false,
      type: resultType(field),
      doc: null,
      initialDefault: undefined,
      writeDefault: undefined,
    })),
  });
  return (column) => (detail, row) => {
    if (row !== null) return invalid("invalid_value", column, `a value does not fit: ${detail}`);
    const from = typeOf(rows, column);
    const to = typeOf(wanted, column);
    return from === null || to === null
      ? invalid("column_invalid", column, detail)
      : invalid("column_type_mismatch", column, mismatch(column, from, to));
  };
}

/** By walking names: ids of the rows' columns are not their own. */
function typeOf(schema: Schema, column: string): Type | null {
  return schema.findByName(column)?.field.type ?? null;
}

function mismatch(column: string, from: Type, to: Type): string {
  const problem = `rows hold ${formatSqlType(from)}, the table has ${formatSqlType(to)}`;
  if (column.includes(".") || unsupportedType(to) !== null) return problem;
  const name = quoteName(column);
  const isInstant = from.kind.startsWith("timestamptz");
  const cast = isInstant && to.kind.startsWith("timestamp")
    ? `to_local_time(${name}, 'UTC')`
    : `${name}::${engineType(to, "utc")}`;
  return `${problem}; write ${cast} in a transform, or another expression of this type`;
}

function invalid(code: string, column: string, problem: string): AppError {
  const message = `Cannot write column "${column}": ${problem}`;
  return new AppError("invalid", code, message, { issues: [{ path: column, message }] });
}
