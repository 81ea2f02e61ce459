/** The type of partition tuples (spec: "Manifests", `data_file.partition`). */
import type { PartitionField, PartitionSpec } from "./partition_spec.ts";
import type { Schema } from "./schema.ts";
import { transformResultType } from "./transform.ts";
import type { NestedField, StructType, Type } from "./types.ts";

/**
 * The struct of a spec's partition values: optional fields with the ids and names of the spec. A
 * source column that `schema` no longer has counts as `unknown`; transforms whose result does not
 * depend on their source (bucket, year, month, day, hour) keep their type.
 */
export function partitionType(spec: PartitionSpec, schema: Schema): StructType {
  const fields = spec.fields.map((field): NestedField => ({
    id: field.fieldId,
    name: field.name,
    required: false,
    type: transformResultType(field.transform, sourceType(field, schema)),
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  }));
  return { kind: "struct", fields };
}

/** The type of a partition field's single source column, `unknown` where there is no such column. */
export function sourceType(field: PartitionField, schema: Schema): Type {
  const [sourceId, ...others] = field.sourceIds;
  if (sourceId === undefined || others.length > 0) return { kind: "unknown" };
  return schema.findById(sourceId)?.field.type ?? { kind: "unknown" };
}
