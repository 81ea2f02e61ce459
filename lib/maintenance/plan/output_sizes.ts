/** How many files a group becomes, and where one ends (Iceberg: `SizeBasedFileRewritePlanner`). */
import type { FileSizeRules } from "../../iceberg/rewrite/file_size_rules.ts";

/** What is added to a share of the input, in bytes, so that rounding opens no file too many. */
const SPLIT_OVERHEAD_BYTES = 5 * 1024;
/** How far files may grow over the target to take in a remainder. */
const SPREAD_RATIO = 1.1;

/** What a group is expected to become. */
export interface OutputSizes {
  /** Files. */
  readonly expectedFiles: number;
  /** Size at which a file is full and the next one begins, in bytes. */
  readonly rollBytes: number;
  /** Size that no file passes, in bytes. */
  readonly maxBytes: number;
}

/**
 * Between target and maximum: what was estimated to be just below the target may come out just above
 * it, and a file that ended at the target would leave a sliver.
 */
export function writeMaxFileSize({ targetBytes, maxBytes }: FileSizeRules): number {
  return Math.floor(targetBytes + (maxBytes - targetBytes) * 0.5);
}

/**
 * Files that `bytes` of data become: as many as the target asks for; a remainder is a file of its own
 * where that has a right size, or where spreading it over the others would make them too large.
 */
export function expectedOutputFiles(bytes: number, rules: FileSizeRules): number {
  const { targetBytes, minBytes } = rules;
  if (bytes < targetBytes) return 1;
  const full = Math.floor(bytes / targetBytes);
  const remainder = bytes % targetBytes;
  const withRemainder = remainder === 0 ? full : full + 1;
  if (remainder > minBytes) return withRemainder;
  const average = Math.floor(bytes / full);
  return average < Math.min(SPREAD_RATIO * targetBytes, writeMaxFileSize(rules))
    ? full
    : withRemainder;
}

/** Options of {@linkcode outputSizes}. */
export interface OutputSizesOptions {
  readonly rules: FileSizeRules;
  /** How much larger than the input the output is expected to be; 1 for bin packing. */
  readonly compressionFactor: number;
}

/** What `inputBytes` of data files become. */
export function outputSizes(
  inputBytes: number,
  { rules, compressionFactor }: OutputSizesOptions,
): OutputSizes {
  const estimate = Math.floor(inputBytes * compressionFactor);
  const expectedFiles = Math.max(1, expectedOutputFiles(estimate, rules));
  const share = Math.floor(estimate / expectedFiles) + SPLIT_OVERHEAD_BYTES;
  const maxBytes = writeMaxFileSize(rules);
  const rollBytes = Math.min(Math.max(share, rules.targetBytes), maxBytes);
  return { expectedFiles, rollBytes, maxBytes };
}
