/** Delete files in the order of their data sequence numbers. */
import type { DataFile } from "../manifest/data_file.ts";

/** A delete file with what decides which data files it applies to. */
export interface DeleteFile {
  readonly dataFile: DataFile;
  /** Data sequence number. */
  readonly sequenceNumber: bigint;
}

/** Place of the first number greater than `limit`, in ascending order. */
export function firstAfter(ascending: readonly bigint[], limit: bigint): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0n) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sorted by sequence number; files of one number keep their order. */
export function bySequence(files: readonly DeleteFile[]): readonly DeleteFile[] {
  return [...files].sort((a, b) =>
    a.sequenceNumber < b.sequenceNumber ? -1 : a.sequenceNumber > b.sequenceNumber ? 1 : 0
  );
}
