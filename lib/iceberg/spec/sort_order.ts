/** Sort orders (spec: "Sorting"). */
import type { Transform } from "./transform.ts";

/** One key of a sort order. */
export interface SortField {
  /** Source column ids; one except for v3 multi-argument transforms. */
  readonly sourceIds: readonly number[];
  readonly transform: Transform;
  readonly direction: "asc" | "desc";
  readonly nullOrder: "nulls-first" | "nulls-last";
}

/** A list of sort keys; order id 0 is reserved for "unsorted". */
export interface SortOrder {
  readonly orderId: number;
  readonly fields: readonly SortField[];
}
