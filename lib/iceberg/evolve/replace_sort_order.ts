/** A table's next sort order as a function of values (spec "Sorting"). */
import { AppError } from "../../errors.ts";
import type { Schema } from "../spec/schema.ts";
import type { SortField, SortOrder } from "../spec/sort_order.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { canTransform, formatTransform } from "../spec/transform.ts";

/** The order that does not sort (spec "Sorting": id 0 is reserved for it). */
const UNSORTED: SortOrder = { orderId: 0, fields: [] };

/** What a table says of its sort orders. */
export type OrderedTable = Pick<TableMetadata, "sortOrders" | "defaultSortOrderId">;

/** What becomes of a table's sort order. */
export interface ReplacedSortOrder {
  /** An order that the table knows under its id, otherwise under a new one. */
  readonly sortOrder: SortOrder;
  /** False where it is the default already. */
  readonly changed: boolean;
}

/** The order of `fields`. Errors: `invalid`/`invalid_sort_order` where one does not fit its column. */
export function replaceSortOrder(
  schema: Schema,
  fields: readonly SortField[],
  table: OrderedTable,
): ReplacedSortOrder {
  for (const { sourceIds, transform } of fields) {
    const [sourceId = 0] = sourceIds;
    const source = schema.findById(sourceId);
    if (source !== undefined && canTransform(transform, source.field.type)) continue;
    const column = source === undefined ? `field ${sourceId}` : `column "${source.name}"`;
    const why = `${formatTransform(transform)} is not defined for ${column}`;
    throw new AppError("invalid", "invalid_sort_order", `Cannot sort the table: ${why}`);
  }
  const known = table.sortOrders.find((order) => orderKey(order.fields) === orderKey(fields));
  const sortOrder = known ?? newOrder(fields, table.sortOrders);
  return { sortOrder, changed: sortOrder.orderId !== table.defaultSortOrderId };
}

function newOrder(fields: readonly SortField[], known: readonly SortOrder[]): SortOrder {
  if (fields.length === 0) return UNSORTED;
  const orderId = Math.max(0, ...known.map((order) => order.orderId)) + 1;
  return { orderId, fields };
}

function orderKey(fields: readonly SortField[]): string {
  return JSON.stringify(
    fields.map(({ sourceIds, transform, direction, nullOrder }) => [
      sourceIds,
      formatTransform(transform),
      direction,
      nullOrder,
    ]),
  );
}
