/**
 * The summary of a snapshot (spec: "Snapshots", Appendix F), with the counts and the omissions of
 * the Java implementation: totals go on from the parent's, and stay away where it has none.
 */
import { AppError } from "../../../errors.ts";
import { VERSION } from "../../../version.ts";
import type { DataFile } from "../../manifest/data_file.ts";
import { partitionPath } from "../../spec/partition_path.ts";
import type { Snapshot } from "../../spec/snapshot.ts";
import { schemaOfSpec, type TableMetadata } from "../../spec/table_metadata.ts";
import { OPERATION_ID_PROPERTY } from "../commit_action.ts";
import { METRIC_NAMES, type MetricName, UpdateMetrics } from "./_update_metrics.ts";

/** What the snapshot does to its parent's data (spec: "Snapshots", `operation`). */
export type SnapshotOperation = "append" | "replace" | "overwrite" | "delete";

/** Name under which drls signs snapshots. */
export const ENGINE_NAME = "drls";

const TOTALS: readonly (readonly [string, MetricName, MetricName])[] = [
  ["total-records", "added-records", "deleted-records"],
  ["total-files-size", "added-files-size", "removed-files-size"],
  ["total-data-files", "added-data-files", "deleted-data-files"],
  ["total-delete-files", "added-delete-files", "removed-delete-files"],
  ["total-position-deletes", "added-position-deletes", "removed-position-deletes"],
  ["total-equality-deletes", "added-equality-deletes", "removed-equality-deletes"],
];

const RESERVED: ReadonlySet<string> = new Set([
  ...METRIC_NAMES,
  ...TOTALS.map(([name]) => name),
  "operation",
  "deleted-duplicate-files",
  "changed-partition-count",
  "partition-summaries-included",
  "manifests-created",
  "manifests-kept",
  "manifests-replaced",
  "entries-processed",
  "replace-partitions",
  "engine-name",
  "engine-version",
  OPERATION_ID_PROPERTY,
]);

/** Refuses (`invalid`, code `snapshot_property_reserved`) what the commit itself says. */
export function checkSnapshotProperties(properties: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(properties)) {
    if (!RESERVED.has(name) && !name.startsWith("partitions.")) continue;
    throw new AppError(
      "invalid",
      "snapshot_property_reserved",
      `Cannot set the snapshot property "${name.slice(0, 80)}": the commit itself says it; ` +
        "choose another name",
    );
  }
}

/** Manifests of the new snapshot, by where they come from. */
export interface ManifestCounts {
  readonly created: number;
  readonly kept: number;
  readonly replaced: number;
}

/** Options of {@linkcode SnapshotSummaryBuilder.build}. */
export interface BuildSummaryOptions {
  readonly operation: SnapshotOperation;
  /** The snapshot before; null for a table's first. */
  readonly parent: Snapshot | null;
  readonly operationId: string;
  /** The caller's; see {@linkcode checkSnapshotProperties}. */
  readonly properties: Readonly<Record<string, string>>;
  /** `write.summary.partition-limit`: changed partitions up to which each is summed up. */
  readonly partitionSummaryLimit: number;
}

/** Collects what a snapshot changes. */
export class SnapshotSummaryBuilder {
  readonly #metadata: TableMetadata;
  readonly #metrics = new UpdateMetrics();
  readonly #partitions = new Map<string, UpdateMetrics>();
  readonly #paths = new Map<number, (file: DataFile) => string>();
  readonly #properties = new Map<string, string>();
  #duplicates = 0;

  constructor(metadata: TableMetadata) {
    this.#metadata = metadata;
  }

  /** Counts so far. */
  get metrics(): Pick<UpdateMetrics, "get"> {
    return this.#metrics;
  }

  /** Counts a file that the snapshot adds. */
  added(file: DataFile): void {
    this.#metrics.added(file);
    this.#partitionOf(file).added(file);
  }

  /** Counts a file that the snapshot removes. */
  removed(file: DataFile): void {
    this.#metrics.removed(file);
    this.#partitionOf(file).removed(file);
  }

  /** Counts removals of a file that the parent had more than once. */
  removedAgain(count: number): void {
    this.#duplicates += count;
  }

  /** Says how many manifests were made, kept and replaced. */
  manifests(counts: ManifestCounts): void {
    this.set("manifests-created", counts.created);
    this.set("manifests-kept", counts.kept);
    this.set("manifests-replaced", counts.replaced);
  }

  /** Sets a further property. */
  set(name: string, value: number | string): void {
    this.#properties.set(name, String(value));
  }

  /** The summary, `operation` included. */
  build(options: BuildSummaryOptions): Readonly<Record<string, string>> {
    const { operation, operationId, properties } = options;
    const counted: Record<string, string> = {
      ...Object.fromEntries(this.#properties),
      ...Object.fromEntries(this.#metrics.entries()),
      ...(this.#duplicates > 0 ? { "deleted-duplicate-files": String(this.#duplicates) } : {}),
      ...this.#partitionSummaries(options.partitionSummaryLimit),
      ...this.#totals(options.parent),
      "engine-name": ENGINE_NAME,
      "engine-version": VERSION,
      [OPERATION_ID_PROPERTY]: operationId,
    };
    return { operation, ...properties, ...counted };
  }

  #partitionOf(file: DataFile): UpdateMetrics {
    let pathOf = this.#paths.get(file.specId);
    if (pathOf === undefined) this.#paths.set(file.specId, pathOf = this.#pathOf(file.specId));
    const path = pathOf(file);
    let metrics = this.#partitions.get(path);
    if (metrics === undefined) this.#partitions.set(path, metrics = new UpdateMetrics());
    return metrics;
  }

  #pathOf(specId: number): (file: DataFile) => string {
    const spec = this.#metadata.partitionSpecs.find((one) => one.specId === specId);
    if (spec === undefined) throw new TypeError(`Cannot sum up files of unknown spec ${specId}`);
    const schema = schemaOfSpec(this.#metadata, spec);
    // Files of a partition mostly share their tuple.
    const known = new WeakMap<DataFile["partition"], string>();
    return ({ partition }) => {
      let path = known.get(partition);
      if (path === undefined) {
        known.set(partition, path = partitionPath(partition, { spec, schema }));
      }
      return path;
    };
  }

  #partitionSummaries(limit: number): Record<string, string> {
    const summaries: Record<string, string> = {
      "changed-partition-count": String(this.#partitions.size),
    };
    if (this.#partitions.size > limit) return summaries;
    if (this.#partitions.size > 0) summaries["partition-summaries-included"] = "true";
    for (const [path, metrics] of this.#partitions) {
      if (path === "") continue;
      summaries[`partitions.${path}`] = [...metrics.entries()]
        .map(([name, count]) => `${name}=${count}`).join(",");
    }
    return summaries;
  }

  #totals(parent: Snapshot | null): Record<string, string> {
    const totals: Record<string, string> = {};
    for (const [name, added, removed] of TOTALS) {
      const before = parent === null ? 0n : parseTotal(parent.summary[name]);
      if (before === null) continue;
      const now = before + this.#metrics.get(added) - this.#metrics.get(removed);
      // A total below zero shows that the parent's was wrong: Java leaves it out from then on.
      if (now >= 0n) totals[name] = String(now);
    }
    return totals;
  }
}

function parseTotal(text: string | undefined): bigint | null {
  return text !== undefined && /^\d{1,19}$/.test(text) ? BigInt(text) : null;
}
