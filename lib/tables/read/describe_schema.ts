/** The schema answer: columns as engines name them, partitioning and order as text. */
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import { engineTypeName } from "../../iceberg/spec/format_type.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { currentSchema, defaultSortOrder, defaultSpec } from "../../iceberg/spec/table_metadata.ts";
import type { Transform } from "../../iceberg/spec/transform.ts";
import type { TableSchema } from "../contract/schemas.ts";

/** Describes the current schema of a table. */
export function describeSchema(table: LoadedTable): TableSchema {
  const { metadata } = table;
  const schema = currentSchema(metadata);
  return {
    success: true,
    table: formatIdentifier(table.identifier),
    columns: schema.fields.map((field) => ({
      name: field.name,
      type: engineTypeName(field.type),
      nullable: !field.required,
      comment: field.doc,
      id: field.id,
    })),
    schema_id: schema.schemaId,
    format_version: metadata.formatVersion,
    partition_by: defaultSpec(metadata).fields.map((field) =>
      termText(field.transform, field.sourceIds, schema)
    ),
    sort_order: defaultSortOrder(metadata).fields.map((field) =>
      `${termText(field.transform, field.sourceIds, schema)} ${field.direction} ` +
      field.nullOrder.replace("-", " ")
    ),
    identifier_columns: schema.identifierFieldIds.map((id) => columnName(schema, id)),
    read_only: table.readOnly,
  };
}

/** `day(ts)`, `bucket(16, id)`, `region`: the form that table creation takes. */
function termText(transform: Transform, sourceIds: readonly number[], schema: Schema): string {
  const columns = sourceIds.map((id) => columnName(schema, id)).join(", ");
  switch (transform.kind) {
    case "identity":
      return columns;
    case "bucket":
      return `bucket(${transform.numBuckets}, ${columns})`;
    case "truncate":
      return `truncate(${transform.width}, ${columns})`;
    case "unknown":
      return `${transform.text}(${columns})`;
    default:
      return `${transform.kind}(${columns})`;
  }
}

/** The name of a column by id; one that the current schema dropped shows its id. */
export function columnName(schema: Schema, id: number): string {
  return schema.findById(id)?.name ?? `#${id}`;
}
