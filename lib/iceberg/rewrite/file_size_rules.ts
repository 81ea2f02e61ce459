/**
 * Which sizes of data files are right (`rewrite_data_files` of Iceberg's procedures). Health reports
 * and compaction both go by these: a report must not ask for what compaction would not do.
 */

/** `write.target-file-size-bytes` where a table sets none: 512 MiB. */
export const DEFAULT_TARGET_FILE_SIZE_BYTES = 536_870_912;
/** Largest target that is taken at its word, so that its multiples are exact: 1 PiB. */
export const MAX_TARGET_FILE_SIZE_BYTES = 2 ** 50;
/** `min-file-size-bytes`, relative to the target. */
export const MIN_FILE_SIZE_RATIO = 0.75;
/** `max-file-size-bytes`, relative to the target. */
export const MAX_FILE_SIZE_RATIO = 1.8;
/** `min-input-files`. */
export const DEFAULT_MIN_INPUT_FILES = 5;

/** The sizes a table wants, in bytes. A file is right from `minBytes` to `maxBytes`, both included. */
export interface FileSizeRules {
  readonly targetBytes: number;
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** The target that a table's properties name; the default where they name none that is usable. */
export function targetFileSize(properties: Readonly<Record<string, string>>): number {
  const target = Number(properties["write.target-file-size-bytes"]);
  const usable = Number.isSafeInteger(target) && target > 0 && target <= MAX_TARGET_FILE_SIZE_BYTES;
  return usable ? target : DEFAULT_TARGET_FILE_SIZE_BYTES;
}

/** The sizes around a target. */
export function sizeRulesFor(targetBytes: number): FileSizeRules {
  return {
    targetBytes,
    minBytes: Math.floor(targetBytes * MIN_FILE_SIZE_RATIO),
    maxBytes: Math.floor(targetBytes * MAX_FILE_SIZE_RATIO),
  };
}

/** Whether a file of this size is as it should be. */
export function isRightSize(sizeBytes: number, rules: FileSizeRules): boolean {
  return sizeBytes >= rules.minBytes && sizeBytes <= rules.maxBytes;
}

/** Files that would be rewritten together. */
export interface GroupSize {
  readonly files: number;
  readonly bytes: number;
}

/** Options of {@linkcode isGroupWorthwhile}. */
export interface GroupRules {
  readonly sizes: FileSizeRules;
  readonly minInputFiles: number;
}

/**
 * Whether rewriting a group of files of the wrong size makes anything better: there are enough of
 * them, or together they fill a file of the target size, or one is to be split. Deletes are another
 * reason, which this does not know.
 */
export function isGroupWorthwhile(
  { files, bytes }: GroupSize,
  { sizes, minInputFiles }: GroupRules,
): boolean {
  return (files > 1 && (files >= minInputFiles || bytes > sizes.targetBytes)) ||
    bytes > sizes.maxBytes;
}
