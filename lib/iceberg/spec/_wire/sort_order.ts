/** Sort orders as metadata writes them (spec Appendix C, "Sort Orders"). */
import type { JsonOutput } from "../../../json.ts";
import type { SortField, SortOrder } from "../sort_order.ts";
import { formatTransform } from "../transform.ts";
import { MAX_SPEC_FIELDS } from "./limits.ts";
import { readSources, readTransform, writeSources } from "./partition_spec.ts";
import type { WireObject } from "./reader.ts";

const ORDER_KEYS: ReadonlySet<string> = new Set(["order-id", "fields"]);
const FIELD_KEYS: ReadonlySet<string> = new Set([
  "source-id",
  "source-ids",
  "transform",
  "direction",
  "null-order",
]);

/** Reads a sort order. */
export function readSortOrder(wire: WireObject): SortOrder {
  return {
    orderId: wire.int("order-id"),
    fields: wire.objects("fields", MAX_SPEC_FIELDS).map(readSortField),
    ...wire.extra(ORDER_KEYS),
  };
}

/** Inverse of {@linkcode readSortOrder}. */
export function writeSortOrder(order: SortOrder): JsonOutput {
  const fields = order.fields.map((field) => ({
    ...field.extra,
    transform: formatTransform(field.transform),
    ...writeSources(field.sourceIds),
    direction: field.direction,
    "null-order": field.nullOrder,
  }));
  return { ...order.extra, "order-id": order.orderId, fields };
}

function readSortField(wire: WireObject): SortField {
  return {
    sourceIds: readSources(wire),
    transform: readTransform(wire),
    direction: wire.word("direction", ["asc", "desc"]),
    nullOrder: wire.word("null-order", ["nulls-first", "nulls-last"]),
    ...wire.extra(FIELD_KEYS),
  };
}
