/** Partition specs (spec: "Partitioning"). */
import type { JsonObject } from "../../json.ts";
import type { Transform } from "./transform.ts";

/** How one partition value is derived. v3 allows several sources for multi-argument transforms. */
export interface PartitionField {
  /** Source column ids; exactly one for every transform of v1 and v2. */
  readonly sourceIds: readonly number[];
  /** Id of the field in the partition tuple, 1000 and up. */
  readonly fieldId: number;
  readonly name: string;
  readonly transform: Transform;
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A named way to split a table; manifests refer to it by `specId`. */
export interface PartitionSpec {
  readonly specId: number;
  readonly fields: readonly PartitionField[];
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** Whether files of this spec share one partition (no fields, or only void ones). */
export function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every((field) => field.transform.kind === "void");
}
