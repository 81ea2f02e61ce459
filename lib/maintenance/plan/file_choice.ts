/** Which data files are worth rewriting on their own account. */
import { isRightSize } from "../../iceberg/rewrite/file_size_rules.ts";
import { type DeleteFile, referencedDataFile } from "../../iceberg/scan/delete_index.ts";
import type { FileScanTask } from "../../iceberg/scan/plan_files.ts";
import type { CompactionOptions } from "./compaction_options.ts";

/** What of a planned file decides whether it is rewritten. */
export type CompactionFile = Pick<
  FileScanTask,
  "dataFile" | "deletes" | "fileSequenceNumber"
>;

/** What of the options decides which files are rewritten. */
export type ChoiceRules = Pick<
  CompactionOptions,
  "sizes" | "deleteFileThreshold" | "deleteRatioThreshold"
>;

/** Whether the file has the wrong size or passes a rule on deletes. */
export function isChosen(file: CompactionFile, rules: ChoiceRules): boolean {
  return !isRightSize(file.dataFile.fileSizeInBytes, rules.sizes) || passesDeleteRule(file, rules);
}

/** Whether so many deletes apply that the file is rewritten whatever its size and company. */
export function passesDeleteRule(file: CompactionFile, rules: ChoiceRules): boolean {
  const deletes = effectiveDeletes(file);
  return deletes.length >= rules.deleteFileThreshold ||
    deletedRatio(file, deletes) >= rules.deleteRatioThreshold;
}

/**
 * Deletes that may hold rows of the file. A position delete names files that existed when it was
 * written; one that is older than the file itself (by *file* sequence number) is for others of the
 * partition. Counting those, a table would be compacted for the same deletes again and again, as
 * rewritten files keep their *data* sequence number.
 */
export function effectiveDeletes(file: CompactionFile): readonly DeleteFile[] {
  const addedAt = file.fileSequenceNumber;
  if (addedAt === null) return file.deletes;
  return file.deletes.filter(({ dataFile, sequenceNumber }) =>
    dataFile.content === "equality_deletes" || sequenceNumber >= addedAt
  );
}

/** Share of rows that deletes for this file alone mark; those of others cannot be told. */
function deletedRatio({ dataFile }: CompactionFile, deletes: readonly DeleteFile[]): number {
  if (dataFile.recordCount === 0) return 0;
  let deleted = 0;
  for (const { dataFile: file } of deletes) {
    if (referencedDataFile(file) !== null) deleted += file.recordCount;
  }
  return Math.min(deleted, dataFile.recordCount) / dataFile.recordCount;
}
