/**
 * Plans a compaction (Iceberg: `BinPackRewriteFilePlanner`): which files, in which groups, becoming
 * how many. Pure; files are added one by one, and only those that are rewritten are kept.
 */
import { isGroupWorthwhile } from "../../iceberg/rewrite/file_size_rules.ts";
import { partitionKey } from "../../iceberg/spec/partition_key.ts";
import type { IcebergValue } from "../../iceberg/spec/types.ts";
import { Backlog, type SkippedFiles, type SkipReason } from "./backlog.ts";
import type { CompactionOptions, RewriteJobOrder } from "./compaction_options.ts";
import { type CompactionFile, isChosen, passesDeleteRule } from "./file_choice.ts";
import { type OutputSizes, outputSizes } from "./output_sizes.ts";
import { packFiles } from "./pack_files.ts";

/** Files that are rewritten together. */
export interface RewriteGroup<F extends CompactionFile = CompactionFile> {
  /** 1 for the first. */
  readonly index: number;
  /** The partition of all its files under the output spec; null where rows are sorted out anew. */
  readonly partition: readonly IcebergValue[] | null;
  readonly files: readonly F[];
  readonly inputBytes: number;
  readonly outputs: OutputSizes;
}

/** What a compaction would do. */
export interface CompactionPlan<F extends CompactionFile = CompactionFile> {
  readonly groups: readonly RewriteGroup<F>[];
  readonly skipped: readonly SkippedFiles[];
}

/** Options of {@linkcode CompactionPlanner}. */
export interface CompactionPlannerOptions {
  readonly options: CompactionOptions;
  /** Spec that new files are written with. */
  readonly outputSpecId: number;
  /** Bytes of data files that one group may have beside the option's bound, where memory sets one. */
  readonly maxGroupBytes: number | null;
}

/** Formats whose rows can be read; what is written is always Parquet. */
const READABLE_FORMATS: ReadonlySet<string> = new Set(["parquet", "avro"]);

interface Bucket<F> {
  readonly partition: readonly IcebergValue[] | null;
  readonly files: F[];
}

/** Takes a snapshot's files and gives the plan. */
export class CompactionPlanner<F extends CompactionFile> {
  readonly #options: CompactionOptions;
  readonly #outputSpecId: number;
  readonly #maxGroupBytes: number;
  readonly #backlog = new Backlog();
  readonly #buckets = new Map<string, Bucket<F>>();

  constructor({ options, outputSpecId, maxGroupBytes }: CompactionPlannerOptions) {
    this.#options = options;
    this.#outputSpecId = outputSpecId;
    this.#maxGroupBytes = Math.min(options.maxFileGroupSizeBytes, maxGroupBytes ?? Infinity);
  }

  /** Looks at one live data file. */
  add(file: F): void {
    const { fileFormat, keyMetadata } = file.dataFile;
    if (!READABLE_FORMATS.has(fileFormat)) this.#skip("unsupported_format", [file]);
    else if (keyMetadata !== null) this.#skip("encrypted", [file]);
    else if (this.#options.rewriteAll || isChosen(file, this.#options)) {
      this.#bucketOf(file).files.push(file);
    } else this.#skip("right_size", [file]);
  }

  /** Groups what was chosen. Call it once. */
  finish(): CompactionPlan<F> {
    const groups: Omit<RewriteGroup<F>, "index">[] = [];
    const bounds = {
      maxBytes: this.#maxGroupBytes,
      maxFiles: this.#options.maxFileGroupInputFiles,
    };
    for (const { partition, files } of this.#buckets.values()) {
      for (const group of packFiles(files, sizeOf, bounds)) {
        if (this.#isWorthwhile(group)) groups.push(this.#group(partition, group));
        else this.#skip(group.length === 1 ? "lone_file" : "below_min_input_files", group);
      }
    }
    const ordered = groups.sort(comparator(this.#options.rewriteJobOrder));
    return {
      groups: this.#cutOff(ordered).map((group, i) => ({ index: i + 1, ...group })),
      skipped: this.#backlog.list(),
    };
  }

  /**
   * Files of one partition of the output spec; all files of other specs are one bucket, as their rows
   * may belong to any partition. Going by the *output* spec rather than the current one, a run that
   * writes an older spec finds its own files again by partition and has nothing to do.
   */
  #bucketOf({ dataFile }: F): Bucket<F> {
    const matches = dataFile.specId === this.#outputSpecId;
    const key = matches ? partitionKey(dataFile.specId, dataFile.partition) : "";
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { partition: matches ? dataFile.partition : null, files: [] };
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  #isWorthwhile(files: readonly F[]): boolean {
    const options = this.#options;
    return options.rewriteAll ||
      isGroupWorthwhile({ files: files.length, bytes: bytesOf(files) }, options) ||
      files.some((file) => passesDeleteRule(file, options));
  }

  #group(
    partition: readonly IcebergValue[] | null,
    files: readonly F[],
  ): Omit<RewriteGroup<F>, "index"> {
    const { sizes: rules, compressionFactor } = this.#options;
    const inputBytes = bytesOf(files);
    const outputs = outputSizes(inputBytes, { rules, compressionFactor });
    return { partition, files, inputBytes, outputs };
  }

  #skip(reason: SkipReason, files: readonly F[]): void {
    this.#backlog.skip(reason, { files: files.length, bytes: bytesOf(files) });
  }

  /** Keeps as many files as `max-files-to-rewrite` allows; the rest is for another run. */
  #cutOff(
    groups: readonly Omit<RewriteGroup<F>, "index">[],
  ): readonly Omit<RewriteGroup<F>, "index">[] {
    const kept: Omit<RewriteGroup<F>, "index">[] = [];
    let left = this.#options.maxFilesToRewrite ?? Infinity;
    for (const group of groups) {
      const files = group.files.slice(0, left);
      const rest = group.files.slice(files.length);
      // What is left of a cut group may be a single small file, and no better for being rewritten.
      const pays = rest.length === 0 || files.length > 1 || this.#isWorthwhile(files);
      if (files.length > 0 && pays) {
        left -= files.length;
        kept.push(rest.length === 0 ? group : this.#group(group.partition, files));
        this.#skip("over_max_files_to_rewrite", rest);
      } else this.#skip("over_max_files_to_rewrite", group.files);
    }
    return kept;
  }
}

function sizeOf({ dataFile }: CompactionFile): number {
  return dataFile.fileSizeInBytes;
}

function bytesOf(files: readonly CompactionFile[]): number {
  return files.reduce((sum, file) => sum + sizeOf(file), 0);
}

type Ordered = Pick<RewriteGroup, "files" | "inputBytes">;

/** Sorting is stable: groups that compare equal keep the order they were found in. */
function comparator(order: RewriteJobOrder): (a: Ordered, b: Ordered) => number {
  switch (order) {
    case "none":
      return () => 0;
    case "bytes-asc":
      return (a, b) => a.inputBytes - b.inputBytes;
    case "bytes-desc":
      return (a, b) => b.inputBytes - a.inputBytes;
    case "files-asc":
      return (a, b) => a.files.length - b.files.length;
    case "files-desc":
      return (a, b) => b.files.length - a.files.length;
  }
}
