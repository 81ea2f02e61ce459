/** Counts the files that a purge deletes, so that bill and receipt are made alike. */
import type { ReachableFile, ReachableKind } from "../../iceberg/reachability/reachable_file.ts";
import { FOLDER_PROPERTIES } from "../../iceberg/spec/folder_properties.ts";
import type { TableMetadata } from "../../iceberg/spec/table_metadata.ts";
import { relativeLocation } from "../../storage/mod.ts";
import type { DropTableReceipt } from "../contract/change_receipts.ts";

const COUNTERS = {
  data: "deleted_data_files_count",
  position_deletes: "deleted_position_delete_files_count",
  equality_deletes: "deleted_equality_delete_files_count",
  manifest: "deleted_manifest_files_count",
  manifest_list: "deleted_manifest_lists_count",
  statistics: "deleted_statistics_files_count",
  metadata: "deleted_metadata_files_count",
} as const satisfies Record<PurgedKind, keyof DropTableReceipt>;

/** What a purge deletes: what snapshots reach, and the metadata files themselves. */
export type PurgedKind = ReachableKind | "metadata";

/** A file that the table refers to. */
export type PurgedFile = Omit<ReachableFile, "kind"> & { readonly kind: PurgedKind };

/** A running count; files that several manifests list count once. */
export class FileBill {
  readonly #folders: readonly string[];
  readonly #seen = new Set<number>();
  readonly #failed = new Set<number>();
  readonly #counts = new Map<keyof DropTableReceipt, number>();
  #bytes = 0;
  #keptFiles = 0;
  #keptBytes = 0;

  constructor({ location, properties }: Pick<TableMetadata, "location" | "properties">) {
    this.#folders = [location, ...FOLDER_PROPERTIES.flatMap((key) => properties[key] ?? [])];
  }

  /** Files counted so far, kept ones not among them. */
  get files(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Counts a file; false where it stays, because it lies where the table does not write. */
  count({ kind, location, sizeBytes }: PurgedFile): boolean {
    const stays = !this.#folders.some((folder) => relativeLocation(location, folder) !== null);
    const key = hash(location);
    if (this.#seen.has(key)) return !stays;
    this.#seen.add(key);
    if (stays) {
      this.#keptFiles++;
      this.#keptBytes += sizeBytes ?? 0;
      return false;
    }
    const counter = COUNTERS[kind];
    this.#counts.set(counter, (this.#counts.get(counter) ?? 0) + 1);
    this.#bytes += sizeBytes ?? 0;
    return true;
  }

  /** A file that was counted could not be deleted: it counts as that, and no more as deleted. */
  countFailure({ kind, location, sizeBytes }: PurgedFile): void {
    const key = hash(location);
    if (this.#failed.has(key)) return;
    this.#failed.add(key);
    const counter = COUNTERS[kind];
    this.#counts.set(counter, (this.#counts.get(counter) ?? 0) - 1);
    this.#bytes -= sizeBytes ?? 0;
  }

  receipt(): DropTableReceipt {
    const of = (kind: PurgedKind) => this.#counts.get(COUNTERS[kind]) ?? 0;
    return {
      purge: true,
      deleted_data_files_count: of("data"),
      deleted_position_delete_files_count: of("position_deletes"),
      deleted_equality_delete_files_count: of("equality_deletes"),
      deleted_manifest_files_count: of("manifest"),
      deleted_manifest_lists_count: of("manifest_list"),
      deleted_statistics_files_count: of("statistics"),
      deleted_metadata_files_count: of("metadata"),
      deleted_bytes_count: this.#bytes,
      failed_deletes_count: this.#failed.size,
      kept_files: this.#keptFiles === 0
        ? []
        : [{ reason: "outside_table", files: this.#keptFiles, bytes: this.#keptBytes }],
    };
  }
}

/**
 * 53 bits of a text's hash, so that a count of millions of files takes megabytes. Two files of a
 * million collide once in ten thousand purges; then one is deleted and not counted.
 */
function hash(text: string): number {
  let [high, low] = [0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code ^ high >>> 15, 0x5bd1e995);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}
