/** The schema answer: columns as engines name them, partitioning and order as text. */
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import { formatSortField, formatTerm } from "../../iceberg/ddl/format_term.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { currentSchema, defaultSortOrder, defaultSpec } from "../../iceberg/spec/table_metadata.ts";
import { describeColumn } from "../contract/describe_column.ts";
import type { TableSchema } from "../contract/schemas.ts";

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

/** The name of a column by id; one that the current schema dropped shows its id. */
export function columnName(schema: Schema, id: number): string {
  return schema.findById(id)?.name ?? `#${id}`;
}
