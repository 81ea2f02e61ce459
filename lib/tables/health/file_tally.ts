/** Folds a snapshot's live files into the figures of a health report. Pure; one pass, no lists. */

import { AppError } from "../../errors.ts";
import {
  DEFAULT_MIN_INPUT_FILES,
  isGroupWorthwhile,
  sizeRulesFor,
} from "../../iceberg/rewrite/file_size_rules.ts";
import { addExactly } from "./add_exactly.ts";

/** Data files counted; some 10 s of work, so that the answer is not left to the request's deadline. */
const MAX_DATA_FILES = 20_000_000;
/** Partitions told apart: each keeps its figures and its key in memory. */
const MAX_PARTITIONS = 1_000_000;
/** Below this share of the target a file is tiny: opening it costs more than reading it. */
const TINY_FILE_SIZE_RATIO = 1 / 32;

/** Size classes by a table's own target. Bounds in bytes. */
export type SizeClass = "tiny" | "small" | "on_target" | "large";

/** A live data file, as far as health goes. */
export interface DataFileFigures {
  /** Equal for files of the same spec and partition. */
  readonly partitionKey: string;
  /** Whether it follows the table's current spec; compaction puts all others in one group. */
  readonly currentSpec: boolean;
  readonly recordCount: number;
  readonly sizeBytes: number;
  /** Whether a reader has to merge it with deletes. */
  readonly affected: boolean;
}

/** A live delete file, as far as health goes. */
export interface DeleteFileFigures {
  readonly kind: "position" | "equality" | "deletion_vector";
  readonly recordCount: number;
  readonly sizeBytes: number;
}

/** Files and bytes. */
export interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/** What compaction would find in one partition. */
export interface PartitionTally {
  readonly currentSpec: boolean;
  files: number;
  bytes: number;
  smallFiles: number;
  smallBytes: number;
  largeFiles: number;
  largeBytes: number;
}

/** The sums over all files seen. */
export class FileTally {
  readonly targetBytes: number;
  readonly partitions = new Map<string, PartitionTally>();
  readonly deletes = { position: 0, equality: 0, deletion_vector: 0, bytes: 0 };
  files = 0;
  bytes = 0;
  records = 0;
  affectedFiles = 0;
  affectedRecords = 0;
  positionDeletedRows = 0;
  equalityDeleteRows = 0;
  readonly #classes = new Map<SizeClass, { files: number; bytes: number }>();

  constructor(targetBytes: number) {
    this.targetBytes = targetBytes;
  }

  /** Counts one live data file. */
  addDataFile(file: DataFileFigures): void {
    if (++this.files > MAX_DATA_FILES) throw tooMany(MAX_DATA_FILES, "data files");
    this.bytes = addExactly(this.bytes, file.sizeBytes);
    this.records = addExactly(this.records, file.recordCount);
    if (file.affected) {
      this.affectedFiles++;
      this.affectedRecords += file.recordCount;
    }
    const partition = this.#partition(file);
    partition.files++;
    partition.bytes += file.sizeBytes;
    const sizeClass = classOf(file.sizeBytes, this.targetBytes);
    const amount = this.#classes.get(sizeClass) ?? { files: 0, bytes: 0 };
    amount.files++;
    amount.bytes += file.sizeBytes;
    this.#classes.set(sizeClass, amount);
    if (sizeClass === "tiny" || sizeClass === "small") {
      partition.smallFiles++;
      partition.smallBytes += file.sizeBytes;
    } else if (sizeClass === "large") {
      partition.largeFiles++;
      partition.largeBytes += file.sizeBytes;
    }
  }

  /** Counts one live delete file. */
  addDeleteFile(file: DeleteFileFigures): void {
    this.deletes[file.kind]++;
    this.deletes.bytes = addExactly(this.deletes.bytes, file.sizeBytes);
    const { recordCount } = file;
    if (file.kind === "equality") {
      this.equalityDeleteRows = addExactly(this.equalityDeleteRows, recordCount);
    } else this.positionDeletedRows = addExactly(this.positionDeletedRows, recordCount);
  }

  /** Files and bytes of one size class. */
  sizeClass(sizeClass: SizeClass): Amount {
    return this.#classes.get(sizeClass) ?? { files: 0, bytes: 0 };
  }

  /** Files below compaction's minimum size. */
  get smallFiles(): number {
    return this.sizeClass("tiny").files + this.sizeClass("small").files;
  }

  #partition({ partitionKey, currentSpec }: DataFileFigures): PartitionTally {
    let partition = this.partitions.get(partitionKey);
    if (partition === undefined) {
      if (this.partitions.size === MAX_PARTITIONS) {
        throw tooMany(MAX_PARTITIONS, "partitions");
      }
      partition = {
        currentSpec,
        files: 0,
        bytes: 0,
        smallFiles: 0,
        smallBytes: 0,
        largeFiles: 0,
        largeBytes: 0,
      };
      this.partitions.set(partitionKey, partition);
    }
    return partition;
  }
}

function tooMany(bound: number, what: string): AppError {
  return new AppError(
    "too_large",
    "table_too_large",
    `Cannot report on the table: it has more than ${bound} ${what}`,
  );
}

/** What a bin-pack compaction with default options would rewrite. */
export interface CompactionCandidates {
  readonly partitions: number;
  readonly small: Amount;
  readonly large: Amount;
}

/**
 * Sums the partitions that `rewrite_data_files` would pick with its defaults: at least
 * `min-input-files` files of the wrong size, or more than one that together exceed the target, or
 * one beyond the maximum. A table whose leftovers stay below that is healthy: compaction would not
 * touch it, and this report must not ask for what it would not do.
 */
export function compactionCandidates(tally: FileTally): CompactionCandidates {
  const rules = { sizes: sizeRulesFor(tally.targetBytes), minInputFiles: DEFAULT_MIN_INPUT_FILES };
  const sums = { partitions: 0, small: { files: 0, bytes: 0 }, large: { files: 0, bytes: 0 } };
  for (const partition of compactionGroups(tally)) {
    const files = partition.smallFiles + partition.largeFiles;
    const bytes = partition.smallBytes + partition.largeBytes;
    if (!isGroupWorthwhile({ files, bytes }, rules)) continue;
    sums.partitions++;
    sums.small.files += partition.smallFiles;
    sums.small.bytes += partition.smallBytes;
    sums.large.files += partition.largeFiles;
    sums.large.bytes += partition.largeBytes;
  }
  return sums;
}

/** Partitions of the current spec, and one group of all files that follow an older one. */
function compactionGroups(tally: FileTally): readonly Omit<PartitionTally, "currentSpec">[] {
  const groups = [];
  const old = { files: 0, bytes: 0, smallFiles: 0, smallBytes: 0, largeFiles: 0, largeBytes: 0 };
  for (const partition of tally.partitions.values()) {
    if (partition.currentSpec) groups.push(partition);
    else {
      old.smallFiles += partition.smallFiles;
      old.smallBytes += partition.smallBytes;
      old.largeFiles += partition.largeFiles;
      old.largeBytes += partition.largeBytes;
    }
  }
  return [...groups, old];
}

/** Where each class begins and ends for a target, in bytes; `maxBytes` is exclusive. */
export function sizeClassBounds(
  targetBytes: number,
): readonly { class: SizeClass; minBytes: number; maxBytes: number | null }[] {
  const tiny = Math.floor(targetBytes * TINY_FILE_SIZE_RATIO);
  const { minBytes: small, maxBytes } = sizeRulesFor(targetBytes);
  const large = maxBytes + 1;
  return [
    { class: "tiny", minBytes: 0, maxBytes: tiny },
    { class: "small", minBytes: tiny, maxBytes: small },
    { class: "on_target", minBytes: small, maxBytes: large },
    { class: "large", minBytes: large, maxBytes: null },
  ];
}

function classOf(sizeBytes: number, targetBytes: number): SizeClass {
  if (sizeBytes < Math.floor(targetBytes * TINY_FILE_SIZE_RATIO)) return "tiny";
  const { minBytes, maxBytes } = sizeRulesFor(targetBytes);
  if (sizeBytes < minBytes) return "small";
  return sizeBytes <= maxBytes ? "on_target" : "large";
}
