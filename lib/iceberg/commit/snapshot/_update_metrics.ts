/** Counts of files that a snapshot adds and removes, under their names in its summary. */
import type { DataFile } from "../../manifest/data_file.ts";
import { isDeletionVector } from "../../scan/delete_index.ts";

/** Every name of a count, in the order of the Java implementation. */
export const METRIC_NAMES = [
  "added-data-files",
  "deleted-data-files",
  "added-equality-delete-files",
  "removed-equality-delete-files",
  "added-position-delete-files",
  "removed-position-delete-files",
  "added-delete-files",
  "removed-delete-files",
  "added-dvs",
  "removed-dvs",
  "added-records",
  "deleted-records",
  "added-files-size",
  "removed-files-size",
  "added-position-deletes",
  "removed-position-deletes",
  "added-equality-deletes",
  "removed-equality-deletes",
] as const;

/** Name of a count. */
export type MetricName = typeof METRIC_NAMES[number];

/** Counts of one snapshot, or of one partition in it. */
export class UpdateMetrics {
  readonly #counts = new Map<MetricName, bigint>();

  /** Counts a file that the snapshot adds. */
  added(file: DataFile): void {
    this.#count("added-files-size", contentSize(file));
    if (file.content === "data") {
      this.#count("added-data-files", 1);
      this.#count("added-records", file.recordCount);
      return;
    }
    this.#count("added-delete-files", 1);
    if (file.content === "equality_deletes") {
      this.#count("added-equality-delete-files", 1);
      this.#count("added-equality-deletes", file.recordCount);
    } else {
      this.#count(isDeletionVector(file) ? "added-dvs" : "added-position-delete-files", 1);
      this.#count("added-position-deletes", file.recordCount);
    }
  }

  /** Counts a file that the snapshot removes. */
  removed(file: DataFile): void {
    this.#count("removed-files-size", contentSize(file));
    if (file.content === "data") {
      this.#count("deleted-data-files", 1);
      this.#count("deleted-records", file.recordCount);
      return;
    }
    this.#count("removed-delete-files", 1);
    if (file.content === "equality_deletes") {
      this.#count("removed-equality-delete-files", 1);
      this.#count("removed-equality-deletes", file.recordCount);
    } else {
      this.#count(isDeletionVector(file) ? "removed-dvs" : "removed-position-delete-files", 1);
      this.#count("removed-position-deletes", file.recordCount);
    }
  }

  /** A count, 0 where nothing was counted. */
  get(name: MetricName): bigint {
    return this.#counts.get(name) ?? 0n;
  }

  /** Every count above zero. */
  *entries(): Generator<readonly [MetricName, string]> {
    for (const name of METRIC_NAMES) {
      const count = this.get(name);
      if (count > 0n) yield [name, String(count)];
    }
  }

  #count(name: MetricName, by: number): void {
    this.#counts.set(name, this.get(name) + BigInt(by));
  }
}

/** Bytes that a file stands for: of a deletion vector its blob, not the Puffin file around it. */
function contentSize(file: DataFile): number {
  return isDeletionVector(file)
    ? file.contentSizeInBytes ?? file.fileSizeInBytes
    : file.fileSizeInBytes;
}
