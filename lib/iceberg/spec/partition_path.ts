/** Partition tuples as the path segments that other engines write and read (`day=2026-01-01`). */
import { formatPartitionValue } from "./apply_transform.ts";
import type { PartitionSpec } from "./partition_spec.ts";
import { sourceType } from "./partition_type.ts";
import type { Schema } from "./schema.ts";
import type { IcebergValue } from "./types.ts";

/**
 * `ts_day=2026-01-01/region=eu`, each name and value escaped as in a form, which is what the Java
 * implementation does; empty for a spec without fields. Null is `null`.
 */
export function partitionPath(
  partition: readonly IcebergValue[],
  { spec, schema }: { readonly spec: PartitionSpec; readonly schema: Schema },
): string {
  return spec.fields.map((field, i) => {
    const value = partition[i] ?? null;
    const text = formatPartitionValue(field.transform, sourceType(field, schema), value);
    return `${escape(field.name)}=${escape(text)}`;
  }).join("/");
}

/** `application/x-www-form-urlencoded`, with lone surrogates replaced as UTF-8 does. */
function escape(text: string): string {
  // URLSearchParams escapes as Java's URLEncoder does, but for `*`, which both leave.
  return new URLSearchParams([["", text]]).toString().slice(1);
}
