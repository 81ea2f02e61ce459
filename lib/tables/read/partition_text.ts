/** Partition tuples as text. */
import type { LoadedTable } from "../../iceberg/ports.ts";
import { formatPartitionValue } from "../../iceberg/spec/apply_transform.ts";
import type { PartitionSpec } from "../../iceberg/spec/partition_spec.ts";
import { sourceType } from "../../iceberg/spec/partition_type.ts";
import { schemaOfSpec } from "../../iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../iceberg/spec/types.ts";

/** A partition tuple and the spec it was written under. */
export interface SpecTuple {
  readonly spec: PartitionSpec;
  readonly tuple: readonly IcebergValue[];
}

/** Partition values by field name, as Iceberg shows them; null stays null. */
export function partitionValues(
  table: LoadedTable,
  { spec, tuple }: SpecTuple,
): Record<string, string | null> {
  const schema = schemaOfSpec(table.metadata, spec);
  return Object.fromEntries(spec.fields.map((field, i) => {
    const value = tuple[i] ?? null;
    const text = value === null
      ? null
      : formatPartitionValue(field.transform, sourceType(field, schema), value);
    return [field.name, text];
  }));
}

/** `day=2024-01-01/bucket=3`; empty where unpartitioned. */
export function partitionPath(values: Readonly<Record<string, string | null>>): string {
  return Object.entries(values).map(([name, value]) => `${name}=${value}`).join("/");
}
