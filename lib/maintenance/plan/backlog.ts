/** What a compaction leaves alone, and why: a run that does nothing has to say so. */

/** Why files are not rewritten. */
export type SkipReason =
  /** Of the right size, and not too many deletes apply. */
  | "right_size"
  /** The only file of the wrong size in its partition: rewriting it alone changes nothing. */
  | "lone_file"
  /** Together too few and too small. */
  | "below_min_input_files"
  | "over_max_files_to_rewrite"
  /** Neither Parquet nor Avro. */
  | "unsupported_format"
  | "encrypted";

/** Files and bytes left for one reason. */
export interface SkippedFiles {
  readonly reason: SkipReason;
  readonly files: number;
  readonly bytes: number;
}

/** Sums up what is skipped. */
export class Backlog {
  readonly #byReason = new Map<SkipReason, { files: number; bytes: number }>();

  /** Counts files; `bytes` is the size of all of them. */
  skip(reason: SkipReason, { files, bytes }: { files: number; bytes: number }): void {
    if (files === 0) return;
    const sum = this.#byReason.get(reason) ?? { files: 0, bytes: 0 };
    sum.files += files;
    sum.bytes += bytes;
    this.#byReason.set(reason, sum);
  }

  /** The sums, largest number of files first. */
  list(): readonly SkippedFiles[] {
    return [...this.#byReason]
      .map(([reason, sum]) => ({ reason, ...sum }))
      .sort((a, b) => b.files - a.files || (a.reason < b.reason ? -1 : 1));
  }
}
