/**
 * Metadata columns (spec: "Reserved Field IDs"): columns that every table has without storing them,
 * except that v3 writers store row ids where rows are carried over from other files.
 */
import type { PartitionSpec } from "../../iceberg/spec/partition_spec.ts";
import { partitionType } from "../../iceberg/spec/partition_type.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { IcebergValue, NestedField, StructType, Type } from "../../iceberg/spec/types.ts";

/** Reserved field ids. */
export const METADATA_FIELD_IDS = {
  file: 2147483646,
  position: 2147483645,
  specId: 2147483643,
  partition: 2147483642,
  rowId: 2147483540,
  lastUpdatedSequenceNumber: 2147483539,
} as const;

/** The path of the data file that the row lies in. */
export const FILE_COLUMN: NestedField = column(METADATA_FIELD_IDS.file, "_file", {
  kind: "string",
}, { required: true });

/** The row's position in its data file, from 0 on, deleted rows counted. */
export const POSITION_COLUMN: NestedField = column(METADATA_FIELD_IDS.position, "_pos", {
  kind: "long",
}, { required: true });

/** The partition spec that the row's data file follows. */
export const SPEC_ID_COLUMN: NestedField = column(METADATA_FIELD_IDS.specId, "_spec_id", {
  kind: "int",
}, { required: true });

/** v3: what identifies the row for as long as it lives; null where the table has no row lineage. */
export const ROW_ID_COLUMN: NestedField = column(METADATA_FIELD_IDS.rowId, "_row_id", {
  kind: "long",
});

/** v3: the sequence number of the commit that changed the row last. */
export const LAST_UPDATED_COLUMN: NestedField = column(
  METADATA_FIELD_IDS.lastUpdatedSequenceNumber,
  "_last_updated_sequence_number",
  { kind: "long" },
);

/** The columns that carry v3 row lineage from file to file. */
export const ROW_LINEAGE_COLUMNS: readonly NestedField[] = [ROW_ID_COLUMN, LAST_UPDATED_COLUMN];

/**
 * `_partition`: the partition values of the row's data file, with the fields of all specs of the
 * table, because one scan may read files of several.
 */
export function partitionColumn(specs: readonly PartitionSpec[], schema: Schema): NestedField {
  return column(METADATA_FIELD_IDS.partition, "_partition", unifiedPartitionType(specs, schema), {
    required: true,
  });
}

/** The value of `_partition` for files with this tuple: fields that their spec lacks are null. */
export function partitionColumnValue(
  type: StructType,
  file: { readonly spec: PartitionSpec; readonly partition: readonly IcebergValue[] },
): IcebergValue {
  const places = new Map(file.spec.fields.map((field, at) => [field.fieldId, at]));
  return type.fields.map((field) => {
    const at = places.get(field.id);
    return at === undefined ? null : file.partition[at] ?? null;
  });
}

/** The partition fields of all specs, newest spec first where two describe one field. */
function unifiedPartitionType(specs: readonly PartitionSpec[], schema: Schema): StructType {
  const byId = new Map<number, NestedField>();
  for (const spec of [...specs].sort((a, b) => b.specId - a.specId)) {
    for (const field of partitionType(spec, schema).fields) {
      if (!byId.has(field.id)) byId.set(field.id, field);
    }
  }
  return { kind: "struct", fields: [...byId.values()].sort((a, b) => a.id - b.id) };
}

function column(
  id: number,
  name: string,
  type: Type,
  options: { readonly required?: boolean } = {},
): NestedField {
  return {
    id,
    name,
    required: options.required ?? false,
    type,
    doc: null,
    initialDefault: undefined,
    writeDefault: undefined,
  };
}
