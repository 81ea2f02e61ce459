/** Sort orders (spec: "Sorting"). */
import type { JsonObject } from "../../json.ts";
import type { Transform } from "./transform.ts";

/** One key of a sort order. */
export interface SortField {
  /** Source column ids; one except for v3 multi-argument transforms. */
  readonly sourceIds: readonly number[];
  readonly transform: Transform;
  readonly direction: "asc" | "desc";
  readonly nullOrder: "nulls-first" | "nulls-last";
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A list of sort keys; order id 0 is reserved for "unsorted". */
export interface SortOrder {
  readonly orderId: number;
  readonly fields: readonly SortField[];
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}
