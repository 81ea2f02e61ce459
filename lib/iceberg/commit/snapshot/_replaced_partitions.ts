/**
 * Partitions whose files all go, whatever the table holds by then.
 *
 * Files of another spec have other partitions, in which the same rows may lie. What their partition
 * values and bounds tell decides: a file that certainly holds no such row stays, one that certainly
 * holds nothing else goes, and any other is refused, because it can neither go nor stay.
 */
import { AppError, displayPath } from "../../../errors.ts";
import { fileColumnFacts, UNKNOWN_FACTS } from "../../expression/column_facts.ts";
import { comparatorFor, isComparable, isFloating } from "../../expression/compare.ts";
import { referenceTo } from "../../expression/reference_to.ts";
import type { DataFile } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { applyTransform } from "../../spec/apply_transform.ts";
import { partitionKey } from "../../spec/partition_key.ts";
import {
  isUnpartitioned,
  type PartitionField,
  type PartitionSpec,
} from "../../spec/partition_spec.ts";
import type { Schema } from "../../spec/schema.ts";
import { schemaOfSpec, type TableMetadata } from "../../spec/table_metadata.ts";
import { canTransform, formatTransform, transformResultType } from "../../spec/transform.ts";
import type { IcebergValue, Type } from "../../spec/types.ts";
import { type Partitioned, partitionPruner } from "../../scan/partition_pruner.ts";

/** How many rows of a file are of a partition, as far as can be told. */
type Share = "all" | "none" | "unknown";

/** Tells the share of a file's rows that have one value of a partition field. */
type ShareOf = (value: IcebergValue) => Share;

interface TargetSpec {
  readonly spec: PartitionSpec;
  readonly schema: Schema;
  readonly tuples: readonly DataFile["partition"][];
}

/** The partitions that given files lie in. */
export class ReplacedPartitions {
  readonly #metadata: TableMetadata;
  readonly #keys: ReadonlySet<string>;
  readonly #specs: ReadonlyMap<number, TargetSpec>;
  /** A file of a spec without partitions stands for the whole table. */
  readonly #isWhole: boolean;
  readonly #inPartitions: (manifest: ManifestFile) => boolean;

  constructor(files: readonly Partitioned[], metadata: TableMetadata) {
    const tuples = new Map<string, Partitioned>();
    for (const file of files) tuples.set(partitionKey(file.specId, file.partition), file);
    this.#metadata = metadata;
    this.#keys = new Set(tuples.keys());
    const specs = new Map<number, TargetSpec>();
    for (const { specId } of files) {
      const spec = specOf(metadata, specId);
      if (specs.has(specId)) continue;
      specs.set(specId, {
        spec,
        schema: schemaOfSpec(metadata, spec),
        tuples: [...tuples.values()].filter((one) => one.specId === specId)
          .map((one) => one.partition),
      });
    }
    this.#specs = specs;
    this.#isWhole = [...specs.values()].some(({ spec }) => isUnpartitioned(spec));
    this.#inPartitions = partitionPruner(metadata, tuples.values());
  }

  /** Whether a manifest of data files may list one that goes. */
  mayHold(manifest: ManifestFile): boolean {
    if (this.#keys.size === 0) return false;
    const others = [...this.#specs.keys()].some((id) => id !== manifest.partitionSpecId);
    return this.#isWhole || others || this.#inPartitions(manifest);
  }

  /** Whether a manifest of deletes may list some of these very partitions. */
  mayHoldDeletes(manifest: ManifestFile): boolean {
    return this.#isWhole || this.#inPartitions(manifest);
  }

  /**
   * Whether a file lies in these very partitions. Deletes that do go with the data: they reach
   * nothing outside, and nothing that comes now.
   */
  covers(file: Partitioned): boolean {
    return this.#isWhole || this.#keys.has(partitionKey(file.specId, file.partition));
  }

  /** Whether a data file goes. `unsupported`, code `partition_spec_mismatch`, where it may in part. */
  removes(file: DataFile): boolean {
    if (this.covers(file)) return true;
    let isOpen = false;
    for (const target of this.#specs.values()) {
      if (target.spec.specId === file.specId || file.recordCount === 0) continue;
      const share = this.#shareIn(target, file);
      if (share === "all") return true;
      isOpen ||= share === "unknown";
    }
    if (isOpen) throw specMismatch(file);
    return false;
  }

  #shareIn({ spec, schema, tuples }: TargetSpec, file: DataFile): Share {
    const own = specOf(this.#metadata, file.specId);
    const fields = spec.fields.map((field) => shareOfField(field, schema, { file, own }));
    let share: Share = "none";
    for (const tuple of tuples) {
      const shares = fields.map((shareOf, at) => shareOf(tuple[at] ?? null));
      if (shares.every((one) => one === "all")) return "all";
      if (!shares.includes("none")) share = "unknown";
    }
    return share;
  }
}

interface ForeignFile {
  readonly file: DataFile;
  /** The file's own spec. */
  readonly own: PartitionSpec;
}

function shareOfField(field: PartitionField, schema: Schema, foreign: ForeignFile): ShareOf {
  const { transform, sourceIds } = field;
  if (transform.kind === "void") return () => "all";
  const [sourceId, ...others] = sourceIds;
  const type = sourceId === undefined ? undefined : schema.findById(sourceId)?.field.type;
  if (sourceId === undefined || others.length > 0 || type === undefined) return () => "unknown";
  const known = knownValue(field, type, foreign);
  if (known !== undefined) {
    const key = partitionKey(0, [known]);
    return (value) => partitionKey(0, [value]) === key ? "all" : "none";
  }
  return canTransform(transform, type)
    ? shareByMetrics(field, schema, foreign.file)
    : () => "unknown";
}

/** The one value that all rows of the file have, where its own partition tells it. */
function knownValue(
  { transform, sourceIds }: PartitionField,
  type: Type,
  { file, own }: ForeignFile,
): IcebergValue | undefined {
  for (const [at, field] of own.fields.entries()) {
    const isSame = field.sourceIds.length === 1 && field.sourceIds[0] === sourceIds[0];
    const value = file.partition[at] ?? null;
    if (!isSame || field.transform.kind === "void") continue;
    if (formatTransform(field.transform) === formatTransform(transform)) return value;
    const { kind } = field.transform;
    if (kind === "identity" && canTransform(transform, type)) {
      return applyTransform(transform, type, value);
    }
    // Hours lie within one day, days within one month and one year.
    const isCoarser = transform.kind === "month" || transform.kind === "year" ||
      (transform.kind === "day" && kind === "hour");
    if ((kind !== "day" && kind !== "hour") || !isCoarser) continue;
    if (value === null) return null;
    const days = kind === "day" ? Number(value) : Math.floor(Number(value) / HOURS_PER_DAY);
    return applyTransform(transform, { kind: "date" }, days);
  }
  return undefined;
}

const HOURS_PER_DAY = 24;

/** By nulls, NaNs and bounds, where the transform keeps the order of its values. */
function shareByMetrics(
  { transform, sourceIds }: PartitionField,
  schema: Schema,
  file: DataFile,
): ShareOf {
  const ref = referenceTo(schema, sourceIds[0] ?? -1);
  const facts = ref === null ? UNKNOWN_FACTS : fileColumnFacts(file, ref);
  const { mayHaveNull, mayHaveNan, mayHaveValue, lower, upper } = facts;
  const type = ref?.type ?? { kind: "unknown" };
  const resultType = transformResultType(transform, type);
  const hasOrder = transform.kind !== "bucket" && isComparable(resultType);
  const image = (bound: IcebergValue | undefined) =>
    bound === undefined || !hasOrder ? undefined : applyTransform(transform, type, bound);
  const first = image(lower);
  const last = image(upper);
  const compare = comparatorFor(resultType);
  // The smallest integers of a truncation wrap around (as in Java): then there is no order.
  const inOrder = first === undefined || last === undefined || compare(first, last) <= 0;
  return (value) => {
    if (value === null) {
      return mayHaveNull ? mayHaveNan || mayHaveValue ? "unknown" : "all" : "none";
    }
    if (Number.isNaN(value)) {
      return mayHaveNan ? mayHaveNull || mayHaveValue ? "unknown" : "all" : "none";
    }
    if (!mayHaveValue) return "none";
    if (!inOrder) return "unknown";
    if (first !== undefined && compare(value, first) < 0) return "none";
    if (last !== undefined && compare(value, last) > 0) return "none";
    // Bounds do not tell -0.0 from 0.0, which are partitions of their own.
    if (first === undefined || last === undefined || isFloating(type)) return "unknown";
    return compare(first, last) === 0 && !mayHaveNull && !mayHaveNan ? "all" : "unknown";
  };
}

function specOf(metadata: TableMetadata, specId: number): PartitionSpec {
  const spec = metadata.partitionSpecs.find((one) => one.specId === specId);
  if (spec === undefined) {
    throw new TypeError(`Cannot replace partitions of unknown spec ${specId}`);
  }
  return spec;
}

function specMismatch(file: DataFile): AppError {
  return new AppError(
    "unsupported",
    "partition_spec_mismatch",
    `Cannot replace partitions: "${displayPath(file.filePath)}" follows another partition spec, ` +
      "and may hold rows of them beside others; compact all files of the table to the spec that " +
      "rows are written with",
    { context: { location: file.filePath, specId: file.specId } },
  );
}
