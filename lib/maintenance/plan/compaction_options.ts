/**
 * The options of `rewrite_data_files` as callers write them, checked and with their defaults (Iceberg:
 * Spark procedures; `SizeBasedFileRewritePlanner`, `BinPackRewriteFilePlanner`). An option that is not
 * known is refused by its name: one that is ignored would be believed to work.
 */
import { AppError, type FieldIssue } from "../../errors.ts";
import {
  DEFAULT_MIN_INPUT_FILES,
  type FileSizeRules,
  MAX_TARGET_FILE_SIZE_BYTES,
  sizeRulesFor,
} from "../../iceberg/rewrite/file_size_rules.ts";
import { OptionReader } from "./_option_reader.ts";

/** How rows are laid out in the new files. */
export type CompactionStrategy = "binpack" | "sort" | "zorder";

/** In which order groups are rewritten; `none` keeps the order they were found in. */
export type RewriteJobOrder = "none" | "bytes-asc" | "bytes-desc" | "files-asc" | "files-desc";

/** Options as they come: Spark's are texts, JSON clients write numbers and booleans too. */
export type RawOptions = Readonly<Record<string, string | number | boolean>>;

/** Checked options. Sizes in bytes. */
export interface CompactionOptions {
  readonly strategy: CompactionStrategy;
  readonly sizes: FileSizeRules;
  readonly minInputFiles: number;
  readonly maxConcurrentFileGroupRewrites: number;
  readonly maxFileGroupSizeBytes: number;
  readonly maxFileGroupInputFiles: number;
  readonly partialProgress: PartialProgress | null;
  readonly useStartingSequenceNumber: boolean;
  readonly rewriteJobOrder: RewriteJobOrder;
  readonly rewriteAll: boolean;
  readonly deleteFileThreshold: number;
  readonly deleteRatioThreshold: number;
  /** Null for the table's current spec. */
  readonly outputSpecId: number | null;
  readonly removeDanglingDeletes: boolean;
  /** Null for all of them. */
  readonly maxFilesToRewrite: number | null;
  /** How much larger than its input the output of sorting is expected to be. */
  readonly compressionFactor: number;
  readonly zOrder: ZOrderOptions;
}

/** Several commits instead of one. */
export interface PartialProgress {
  readonly maxCommits: number;
  /** Commits that may fail before the whole run counts as failed. */
  readonly maxFailedCommits: number;
}

/** How z-order values are made. */
export interface ZOrderOptions {
  /** Bytes that a string or binary column gives. */
  readonly varLengthContribution: number;
  /** Longest value, in bytes. */
  readonly maxOutputSize: number;
}

/** Java's `Integer.MAX_VALUE`. */
const MAX_INT = 2_147_483_647;
/** `max-file-group-size-bytes`: 100 GiB. */
const DEFAULT_MAX_FILE_GROUP_SIZE_BYTES = 107_374_182_400;
const DEFAULT_MAX_CONCURRENT_FILE_GROUP_REWRITES = 5;
const DEFAULT_MAX_COMMITS = 10;
const DEFAULT_DELETE_RATIO_THRESHOLD = 0.3;
/** Bytes of a primitive in a z-order value. */
const DEFAULT_VAR_LENGTH_CONTRIBUTION = 8;

const JOB_ORDERS = ["none", "bytes-asc", "bytes-desc", "files-asc", "files-desc"] as const;

const COMMON = [
  "target-file-size-bytes",
  "min-file-size-bytes",
  "max-file-size-bytes",
  "min-input-files",
  "max-concurrent-file-group-rewrites",
  "max-file-group-size-bytes",
  "max-file-group-input-files",
  "partial-progress.enabled",
  "partial-progress.max-commits",
  "partial-progress.max-failed-commits",
  "use-starting-sequence-number",
  "rewrite-job-order",
  "rewrite-all",
  "delete-file-threshold",
  "delete-ratio-threshold",
  "output-spec-id",
  "remove-dangling-deletes",
  "max-files-to-rewrite",
];
// Accepted from Spark's users; a sorted group is one stream here, so there is nothing to shuffle.
const SORTING = ["compression-factor", "shuffle-partitions-per-file"];
const Z_ORDERING = ["var-length-contribution", "max-output-size"];

/** The options that a strategy knows, sorted. */
export function knownOptions(strategy: CompactionStrategy): readonly string[] {
  const more = { binpack: [], sort: SORTING, zorder: [...SORTING, ...Z_ORDERING] };
  return [...COMMON, ...more[strategy]].sort();
}

/** Where {@linkcode parseCompactionOptions} takes what the options leave open. */
export interface ParseCompactionOptions {
  readonly strategy: CompactionStrategy;
  /** The table's own target file size, in bytes. */
  readonly defaultTargetBytes: number;
}

/**
 * Parses options. Error: `invalid`/`compaction_options_invalid`, with one issue per option under
 * `options.<name>`.
 */
export function parseCompactionOptions(
  raw: RawOptions,
  { strategy, defaultTargetBytes }: ParseCompactionOptions,
): CompactionOptions {
  const known = knownOptions(strategy);
  const options = new OptionReader(raw);
  for (const name of Object.keys(raw)) {
    if (known.includes(name)) continue;
    options.refuse(
      name,
      `Cannot use option "${name}" with strategy ${strategy}; known are ${known.join(", ")}`,
    );
  }
  const parsed = { strategy, ...readOptions(options, defaultTargetBytes) };
  if (options.issues.length > 0) throw optionsInvalid(options.issues);
  return parsed;
}

function readOptions(
  options: OptionReader,
  defaultTargetBytes: number,
): Omit<CompactionOptions, "strategy"> {
  const positive = (name: string, fallback: number, max = MAX_INT) =>
    options.integer(name, { fallback, min: 1, max });
  positive("shuffle-partitions-per-file", 1);
  return {
    sizes: readSizes(options, defaultTargetBytes),
    minInputFiles: positive("min-input-files", DEFAULT_MIN_INPUT_FILES),
    maxConcurrentFileGroupRewrites: positive(
      "max-concurrent-file-group-rewrites",
      DEFAULT_MAX_CONCURRENT_FILE_GROUP_REWRITES,
    ),
    maxFileGroupSizeBytes: positive(
      "max-file-group-size-bytes",
      DEFAULT_MAX_FILE_GROUP_SIZE_BYTES,
      Number.MAX_SAFE_INTEGER,
    ),
    maxFileGroupInputFiles: positive(
      "max-file-group-input-files",
      Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
    ),
    partialProgress: readPartialProgress(options),
    useStartingSequenceNumber: options.boolean("use-starting-sequence-number", true),
    rewriteJobOrder: options.oneOf("rewrite-job-order", JOB_ORDERS, "none"),
    rewriteAll: options.boolean("rewrite-all", false),
    deleteFileThreshold: options.integer("delete-file-threshold", {
      fallback: MAX_INT,
      min: 0,
      max: MAX_INT,
    }),
    deleteRatioThreshold: options.decimal("delete-ratio-threshold", {
      fallback: DEFAULT_DELETE_RATIO_THRESHOLD,
      max: 1,
    }),
    outputSpecId: options.has("output-spec-id")
      ? options.integer("output-spec-id", { fallback: 0, min: 0, max: MAX_INT })
      : null,
    removeDanglingDeletes: options.boolean("remove-dangling-deletes", false),
    maxFilesToRewrite: options.has("max-files-to-rewrite")
      ? positive("max-files-to-rewrite", MAX_INT)
      : null,
    compressionFactor: options.decimal("compression-factor", { fallback: 1, max: MAX_INT }),
    zOrder: {
      varLengthContribution: positive("var-length-contribution", DEFAULT_VAR_LENGTH_CONTRIBUTION),
      maxOutputSize: positive("max-output-size", MAX_INT),
    },
  };
}

function readPartialProgress(options: OptionReader): PartialProgress | null {
  const bounds = { min: 0, max: MAX_INT };
  const maxCommits = options.integer("partial-progress.max-commits", {
    fallback: DEFAULT_MAX_COMMITS,
    ...bounds,
    min: 1,
  });
  const maxFailedCommits = options.integer("partial-progress.max-failed-commits", {
    fallback: maxCommits,
    ...bounds,
  });
  const enabled = options.boolean("partial-progress.enabled", false);
  return enabled ? { maxCommits, maxFailedCommits } : null;
}

function readSizes(options: OptionReader, defaultTargetBytes: number): FileSizeRules {
  const max = MAX_TARGET_FILE_SIZE_BYTES;
  const target = "target-file-size-bytes";
  const targetBytes = options.integer(target, { fallback: defaultTargetBytes, min: 1, max });
  const defaults = sizeRulesFor(targetBytes);
  const sizes = {
    targetBytes,
    minBytes: options.integer("min-file-size-bytes", { fallback: defaults.minBytes, min: 0, max }),
    // A target of one byte would have a maximum of one byte, too.
    maxBytes: options.integer("max-file-size-bytes", {
      fallback: Math.max(defaults.maxBytes, targetBytes + 1),
      min: 1,
      max: 2 * max,
    }),
  };
  if (sizes.minBytes >= targetBytes) {
    const others = `"${target}" (${targetBytes})`;
    options.refuse(
      "min-file-size-bytes",
      `Cannot be ${sizes.minBytes}: every new file would be too small; use less than ${others}`,
    );
  }
  if (sizes.maxBytes <= targetBytes) {
    options.refuse(
      "max-file-size-bytes",
      `Cannot be ${sizes.maxBytes}: every new file would be too large; use more than ` +
        `"${target}" (${targetBytes})`,
    );
  }
  return sizes;
}

function optionsInvalid(issues: readonly FieldIssue[]): AppError {
  const [first] = issues;
  const message = first === undefined ? "Cannot use the options" : first.message;
  return new AppError("invalid", "compaction_options_invalid", message, { issues });
}
