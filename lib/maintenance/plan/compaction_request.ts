/** What of a compaction's request can be judged before the table is known. */
import { AppError } from "../../errors.ts";
import { DEFAULT_TARGET_FILE_SIZE_BYTES } from "../../iceberg/rewrite/file_size_rules.ts";
import {
  type CompactionStrategy,
  parseCompactionOptions,
  type RawOptions,
} from "./compaction_options.ts";

/** As Spark takes it: z-ordering is asked for by a sort order that says so. */
const Z_ORDER = /^\s*zorder\s*\(/i;

/**
 * The strategy that is meant. Errors, with the field in `issues`: `sort_order_unused` with `binpack`,
 * `sort_order_missing` where `zorder` has no columns.
 */
export function chooseStrategy(
  strategy: CompactionStrategy | null,
  sortOrder: string | null,
): CompactionStrategy {
  if (sortOrder === null) {
    if (strategy !== "zorder") return strategy ?? "binpack";
    throw invalid(
      "sort_order_missing",
      "Cannot z-order without columns: name them in sort_order, for example zorder(a, b)",
    );
  }
  if (strategy === "binpack") {
    throw invalid(
      "sort_order_unused",
      'Cannot sort with strategy "binpack": use "sort", or leave sort_order out',
    );
  }
  const isZOrder = Z_ORDER.test(sortOrder);
  if (strategy === "zorder" && !isZOrder) {
    throw invalid(
      "sort_order_invalid",
      `Cannot z-order by "${sortOrder.slice(0, 100)}": wanted is zorder(column, ...)`,
    );
  }
  return isZOrder ? "zorder" : "sort";
}

/**
 * Refuses options that are wrong for every table; see {@linkcode parseCompactionOptions}. Bounds around
 * a target that only the table knows are left for when it is known.
 */
export function precheckCompactionOptions(raw: RawOptions, strategy: CompactionStrategy): void {
  const bounds = ["min-file-size-bytes", "max-file-size-bytes"];
  const checked = Object.hasOwn(raw, "target-file-size-bytes")
    ? raw
    : Object.fromEntries(Object.entries(raw).filter(([name]) => !bounds.includes(name)));
  parseCompactionOptions(checked, {
    strategy,
    defaultTargetBytes: DEFAULT_TARGET_FILE_SIZE_BYTES,
  });
}

function invalid(code: string, message: string): AppError {
  return new AppError("invalid", code, message, { issues: [{ path: "sort_order", message }] });
}
