/** Sums of what manifests claim. */
import { corruptData } from "../../errors.ts";

/** A sum that is exact; files that claim more than 2^53 - 1 bytes or rows in all are lying. */
export function addExactly(sum: number, value: number): number {
  const total = sum + value;
  if (total <= Number.MAX_SAFE_INTEGER) return total;
  throw corruptData(
    "table_figures_impossible",
    "Cannot sum up the table's files: the sizes or row counts that its manifests record exceed " +
      "2^53 - 1 in all",
  );
}
