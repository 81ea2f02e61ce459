/** Planned files made up for the planner's tests. */
import type { CompactionFile } from "../../../../lib/maintenance/plan/file_choice.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { dataFile } from "../../../support/memory_table.ts";

let made = 0;

/** A live data file of `size` bytes, without deletes unless told otherwise. */
export function plannedFile(
  size: number,
  more: Partial<DataFile> & Partial<CompactionFile> = {},
): CompactionFile {
  const { deletes = [], fileSequenceNumber = 1n, ...file } = more;
  return {
    dataFile: dataFile(`file-${made++}`, { fileSizeInBytes: size, ...file }),
    deletes,
    fileSequenceNumber,
  };
}

/** A delete file of some sequence number; for one data file where `of` names it. */
export function deleteFile(
  kind: "position" | "equality",
  more: { readonly sequenceNumber?: bigint; readonly rows?: number; readonly of?: string } = {},
): CompactionFile["deletes"][number] {
  const { sequenceNumber = 2n, rows = 10, of = null } = more;
  return {
    sequenceNumber,
    dataFile: dataFile(`delete-${made++}`, {
      content: kind === "position" ? "position_deletes" : "equality_deletes",
      recordCount: rows,
      referencedDataFile: of,
    }),
  };
}
