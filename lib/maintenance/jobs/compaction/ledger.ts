/** Keeps account of a compaction: what was committed, what failed, and the receipt of it all. */
import type { Snapshot } from "../../../iceberg/spec/snapshot.ts";
import type { CompactReceipt } from "../../contract/mod.ts";
import type { SkippedFiles } from "../../plan/backlog.ts";
import type { CompactionStrategy } from "../../plan/compaction_options.ts";
import type { FinishedGroup, PlannedGroup } from "./group_rewriter.ts";

/** Why a group stays as it was. */
export type FailureReason =
  /** Files of it are gone: another compaction, an overwrite or a delete of whole files came first. */
  | "files_replaced_meanwhile"
  /** Rows of it were deleted each time that it was rewritten. */
  | "rows_deleted_meanwhile"
  /** With partial progress: it could not be read or written. */
  | "rewrite_failed"
  /** With partial progress: its commit lost against others every time. */
  | "commit_failed";

interface Sums {
  files: number;
  newFiles: number;
  bytes: number;
  newBytes: number;
  removedDeletes: number;
}

/** What is known from the start. */
export interface LedgerOptions {
  readonly strategy: CompactionStrategy;
  readonly groups: number;
  readonly skipped: readonly SkippedFiles[];
}

/** The account. */
export class CompactionLedger {
  readonly #options: LedgerOptions;
  readonly #sums: Sums = { files: 0, newFiles: 0, bytes: 0, newBytes: 0, removedDeletes: 0 };
  readonly #failed = new Map<FailureReason, number>();
  readonly #snapshotIds: bigint[] = [];

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Files of groups that are done with, one way or the other. */
  get settledFiles(): number {
    return this.#sums.files + this.#failedFiles;
  }

  /** Counts groups that one snapshot committed. */
  commit(finished: readonly FinishedGroup[], snapshot: Snapshot | null): void {
    for (const { group, added } of finished) {
      this.#sums.files += group.files.length;
      this.#sums.bytes += group.inputBytes;
      this.#sums.newFiles += added.length;
      this.#sums.newBytes += added.reduce((sum, file) => sum + file.fileSizeInBytes, 0);
    }
    if (snapshot === null) return;
    this.#sums.removedDeletes += Number(snapshot.summary["removed-delete-files"] ?? 0);
    this.#snapshotIds.push(snapshot.snapshotId);
  }

  /** Counts groups that stay as they were. */
  fail(groups: readonly PlannedGroup[], reason: FailureReason): void {
    const files = groups.reduce((sum, group) => sum + group.files.length, 0);
    if (files > 0) this.#failed.set(reason, (this.#failed.get(reason) ?? 0) + files);
  }

  /** A copy, to see what a commit would make of it. */
  clone(): CompactionLedger {
    const copy = new CompactionLedger(this.#options);
    Object.assign(copy.#sums, this.#sums);
    for (const [reason, files] of this.#failed) copy.#failed.set(reason, files);
    copy.#snapshotIds.push(...this.#snapshotIds);
    return copy;
  }

  /** The receipt so far. */
  receipt(): CompactReceipt {
    const { strategy, groups, skipped } = this.#options;
    const { files, newFiles, bytes, newBytes, removedDeletes } = this.#sums;
    return {
      strategy,
      rewritten_files: files,
      new_files: newFiles,
      rewritten_data_files_count: files,
      added_data_files_count: newFiles,
      rewritten_bytes_count: bytes,
      added_bytes_count: newBytes,
      failed_data_files_count: this.#failedFiles,
      removed_delete_files_count: removedDeletes,
      file_groups_count: groups,
      failed_file_groups: [...this.#failed].map(([reason, files]) => ({ reason, files })),
      skipped_files: [...skipped],
      snapshot_ids: this.#snapshotIds.map(String),
    };
  }

  get #failedFiles(): number {
    return [...this.#failed.values()].reduce((sum, files) => sum + files, 0);
  }
}
