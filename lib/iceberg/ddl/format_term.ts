/** Partition fields and sort keys as the API shows them: the form that table creation takes. */
import type { Schema } from "../spec/schema.ts";
import type { SortField } from "../spec/sort_order.ts";
import type { Transform } from "../spec/transform.ts";
import { columnPath, formatColumnName } from "./column_name.ts";

/** `day(ts)`, `bucket(16, id)`, `region`. A column that the schema no longer has shows as `#id`. */
export function formatTerm(
  transform: Transform,
  sourceIds: readonly number[],
  schema: Schema,
): string {
  const columns = sourceIds.map((id) => formatColumn(schema, id)).join(", ");
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

/** `ts desc nulls last`. */
export function formatSortField(field: SortField, schema: Schema): string {
  const term = formatTerm(field.transform, field.sourceIds, schema);
  return `${term} ${field.direction} ${field.nullOrder.replace("-", " ")}`;
}

function formatColumn(schema: Schema, id: number): string {
  const path = columnPath(schema, id);
  return path === null ? `#${id}` : formatColumnName(path);
}
