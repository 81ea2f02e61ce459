/** The order that a compaction lays rows out in. */
import { AppError } from "../../../errors.ts";
import { parseSortOrder } from "../../../iceberg/ddl/parse_sort_order.ts";
import type { SortOrder } from "../../../iceberg/spec/sort_order.ts";
import {
  currentSchema,
  defaultSortOrder,
  type TableMetadata,
} from "../../../iceberg/spec/table_metadata.ts";
import type { CompactionStrategy, ZOrderOptions } from "../../plan/compaction_options.ts";

/** How rows are laid out. Plain data: it crosses to other isolates. */
export type RowOrder =
  /** As they stand in the files. */
  | { readonly kind: "as_is" }
  /** `order.orderId` is 0 where the table has no such order. */
  | { readonly kind: "sort"; readonly order: SortOrder }
  | {
    readonly kind: "zorder";
    readonly columns: readonly string[];
    readonly options: ZOrderOptions;
  };

/** What a request asks for. */
export interface RowOrderRequest {
  readonly strategy: CompactionStrategy;
  /** Null for the table's own. */
  readonly sortOrder: string | null;
  readonly zOrder: ZOrderOptions;
}

/** Error: `invalid`, field `sort_order`: it does not parse, or the table has none of its own. */
export function rowOrderOf(metadata: TableMetadata, request: RowOrderRequest): RowOrder {
  const { strategy, sortOrder, zOrder } = request;
  if (strategy === "binpack") return { kind: "as_is" };
  if (sortOrder === null) return { kind: "sort", order: requireOrder(metadata) };
  const parsed = parse(sortOrder, metadata);
  if (parsed.kind === "zorder") return zOrderOf(metadata, parsed.columns, zOrder);
  const known = metadata.sortOrders.find(({ fields }) =>
    fields.length > 0 && JSON.stringify(fields) === JSON.stringify(parsed.fields)
  );
  return { kind: "sort", order: known ?? { orderId: 0, fields: parsed.fields } };
}

/** Within a partition columns that it is made of have one value, and would only dull the curve. */
function zOrderOf(
  metadata: TableMetadata,
  paths: Extract<ReturnType<typeof parseSortOrder>, { kind: "zorder" }>["columns"],
  options: ZOrderOptions,
): RowOrder {
  const spec = metadata.partitionSpecs.find(({ specId }) => specId === metadata.defaultSpecId);
  const constant = new Set(
    spec?.fields.filter(({ transform }) => transform.kind === "identity")
      .flatMap(({ sourceIds }) => sourceIds),
  );
  const columns = paths.filter(({ field }) => !constant.has(field.id)).map(({ name }) => name);
  if (columns.length > 0) return { kind: "zorder", columns, options };
  throw invalid(
    "zorder_invalid",
    "Cannot z-order by columns that the table is partitioned by: they have one value in each file",
  );
}

function requireOrder(metadata: TableMetadata): SortOrder {
  const order = defaultSortOrder(metadata);
  if (order.fields.length > 0) return order;
  throw invalid(
    "sort_order_missing",
    "Cannot sort: the table has no sort order of its own; name one in sort_order",
  );
}

function parse(text: string, metadata: TableMetadata): ReturnType<typeof parseSortOrder> {
  try {
    return parseSortOrder(text, currentSchema(metadata));
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "invalid") throw error;
    throw invalid(error.code, error.message, error);
  }
}

function invalid(code: string, message: string, cause?: unknown): AppError {
  return new AppError("invalid", code, message, {
    issues: [{ path: "sort_order", message }],
    ...(cause === undefined ? {} : { cause }),
  });
}
