/** The schema answer: columns as engines name them, partitioning and order as text. */
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import { formatDefault } from "../../iceberg/ddl/column_default.ts";
import { formatSqlType } from "../../iceberg/ddl/format_sql_type.ts";
import { formatSortField, formatTerm } from "../../iceberg/ddl/format_term.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { currentSchema, defaultSortOrder, defaultSpec } from "../../iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField } from "../../iceberg/spec/types.ts";
import type { Column, TableSchema } from "../contract/schemas.ts";

/** Describes the current schema of a table. */
export function describeSchema(table: LoadedTable): TableSchema {
  const { metadata } = table;
  const schema = currentSchema(metadata);
  return {
    success: true,
    table: formatIdentifier(table.identifier),
    columns: schema.fields.map(describeColumn),
    schema_id: schema.schemaId,
    format_version: metadata.formatVersion,
    partition_by: defaultSpec(metadata).fields.map((field) =>
      formatTerm(field.transform, field.sourceIds, schema)
    ),
    sort_order: defaultSortOrder(metadata).fields.map((field) => formatSortField(field, schema)),
    identifier_columns: schema.identifierFieldIds.map((id) => columnName(schema, id)),
    read_only: table.readOnly,
  };
}

function describeColumn(field: NestedField): Column {
  const { type, initialDefault, writeDefault } = field;
  const name = formatSqlType(type);
  const ddl = formatSqlType(type, { full: true });
  return {
    name: field.name,
    type: name,
    nullable: !field.required,
    comment: field.doc,
    id: field.id,
    ...(ddl === name ? {} : { ddl }),
    ...(isValue(writeDefault) ? { default: formatDefault(type, writeDefault) } : {}),
    ...(isValue(initialDefault) ? { initial_default: formatDefault(type, initialDefault) } : {}),
  };
}

/** A null default says what an absent one says (spec "Default values"). */
function isValue(value: IcebergValue | undefined): value is Exclude<IcebergValue, null> {
  return value !== undefined && value !== null;
}

/** The name of a column by id; one that the current schema dropped shows its id. */
export function columnName(schema: Schema, id: number): string {
  return schema.findById(id)?.name ?? `#${id}`;
}
