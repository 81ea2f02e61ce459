/** Counts the files that an expiry deletes, by Spark's kinds. */
import type { ReachableFile, ReachableKind } from "../../../iceberg/reachability/reachable_file.ts";
import type { ExpireReceipt } from "../../contract/mod.ts";

type Counts = Pick<
  ExpireReceipt,
  | "deleted_data_files_count"
  | "deleted_position_delete_files_count"
  | "deleted_equality_delete_files_count"
  | "deleted_manifest_files_count"
  | "deleted_manifest_lists_count"
  | "deleted_statistics_files_count"
  | "deleted_bytes_count"
>;

const COUNT_OF: Readonly<Record<ReachableKind, Exclude<keyof Counts, "deleted_bytes_count">>> = {
  data: "deleted_data_files_count",
  position_deletes: "deleted_position_delete_files_count",
  equality_deletes: "deleted_equality_delete_files_count",
  manifest: "deleted_manifest_files_count",
  manifest_list: "deleted_manifest_lists_count",
  statistics: "deleted_statistics_files_count",
};

/** The counts. */
export class ExpireTally {
  readonly #counts: { -readonly [key in keyof Counts]: number } = {
    deleted_data_files_count: 0,
    deleted_position_delete_files_count: 0,
    deleted_equality_delete_files_count: 0,
    deleted_manifest_files_count: 0,
    deleted_manifest_lists_count: 0,
    deleted_statistics_files_count: 0,
    deleted_bytes_count: 0,
  };
  /** Files that stay although nothing refers to them. */
  failed = 0;

  /** Counts one file. */
  add({ kind, sizeBytes }: Pick<ReachableFile, "kind" | "sizeBytes">): void {
    this.#counts[COUNT_OF[kind]]++;
    this.#counts.deleted_bytes_count += sizeBytes ?? 0;
  }

  /** Files counted. */
  get files(): number {
    const { deleted_bytes_count: _, ...files } = this.#counts;
    return Object.values(files).reduce((sum, count) => sum + count, 0);
  }

  /** The part of the receipt. */
  counts(): Counts & { readonly failed_deletes_count: number } {
    return { ...this.#counts, failed_deletes_count: this.failed };
  }
}
