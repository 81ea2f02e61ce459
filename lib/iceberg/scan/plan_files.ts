/** Scan planning: from a snapshot and a filter to the data files to read, with their deletes. */
import { throwIfAborted } from "../../abort.ts";
import { Pacer } from "../../pacer.ts";
import { alwaysTrue } from "../expression/expression.ts";
import type { BoundExpression } from "../expression/bound.ts";
import { equalityMetricsMayMatch, metricsMayMatch } from "../expression/match_metrics.ts";
import type { DataFile, ManifestEntry } from "../manifest/data_file.ts";
import type { ManifestFile } from "../manifest/manifest_file.ts";
import { type DataFileColumn, NO_DATA_FILE_COLUMNS } from "../manifest/read_manifest.ts";
import type { PartitionSpec } from "../spec/partition_spec.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { mapOrdered } from "./_map_ordered.ts";
import { type SpecPruner, SpecPruners } from "./_spec_pruner.ts";
import { type DeleteFile, DeleteIndex } from "./delete_index.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "./manifest_source.ts";
import { emptyScanReport, type MutableScanReport, type ScanReport } from "./scan_report.ts";

/** A data file to read. */
export interface FileScanTask {
  readonly dataFile: DataFile;
  /** Data sequence number. */
  readonly sequenceNumber: bigint;
  readonly fileSequenceNumber: bigint | null;
  /** Snapshot that added the file, where its manifest says. */
  readonly snapshotId: bigint | null;
  /** Deletes to apply, equality deletes first. */
  readonly deletes: readonly DeleteFile[];
  /** What of the filter is left to test in the file's rows. */
  readonly residual: BoundExpression;
  readonly spec: PartitionSpec;
}

/** Options of {@linkcode planFiles}. */
export interface PlanFilesOptions {
  readonly metadata: TableMetadata;
  readonly snapshot: Snapshot;
  readonly manifests: ManifestSource;
  /** Bound to the schema that rows are read with; all rows by default. */
  readonly filter?: BoundExpression;
  /**
   * `matching` (default): a reader takes only rows that match, so that deletes of other rows are
   * left out. `all`: every row of a planned file counts, as when it is rewritten; the filter picks
   * files, no delete is left out, and residuals are always true.
   */
  readonly rows?: "matching" | "all";
  /** Columns of data files that the caller wants, beyond what planning itself decodes. */
  readonly columns?: ReadonlySet<DataFileColumn>;
  /** Manifests read at a time. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** What pruning and delete assignment look at. */
const METRIC_COLUMNS: readonly DataFileColumn[] = [
  "valueCounts",
  "nullValueCounts",
  "nanValueCounts",
  "lowerBounds",
  "upperBounds",
];

/**
 * Plans a scan. Nothing is read before the result is iterated; tasks come in the order of the
 * manifest list and of entries in each manifest. Errors are those of the manifest source,
 * `corrupt_data` where manifests break the specification, and `cancelled`.
 */
export function planFiles(options: PlanFilesOptions): FileScan {
  return new FileScan(options);
}

/** A planned scan: iterate it for its tasks. */
export class FileScan implements AsyncIterable<FileScanTask> {
  readonly #options: PlanFilesOptions;
  #report: MutableScanReport = emptyScanReport();

  constructor(options: PlanFilesOptions) {
    this.#options = options;
  }

  /** Counts of the latest iteration so far. */
  report(): ScanReport {
    return structuredClone(this.#report);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FileScanTask> {
    const report = this.#report = emptyScanReport();
    const { metadata, filter = alwaysTrue } = this.#options;
    const pruners = new SpecPruners(filter, metadata.partitionSpecs);
    const manifests = await this.#manifests();
    const select = (
      content: ManifestFile["content"],
      counts: MutableScanReport["dataManifests"],
    ) => {
      const all = manifests.filter((manifest) => manifest.content === content);
      const chosen = all.filter((manifest) => pruners.forManifest(manifest).mayHold(manifest));
      counts.total = all.length;
      counts.skipped = all.length - chosen.length;
      return chosen;
    };
    const dataManifests = select("data", report.dataManifests);
    const deleteManifests = select("deletes", report.deleteManifests);
    if (dataManifests.length === 0) {
      report.deleteManifests.skipped = report.deleteManifests.total;
      return;
    }
    const deletes = await this.#indexDeletes(deleteManifests, pruners);
    yield* this.#planManifests(dataManifests, pruners, deletes);
  }

  async #manifests(): Promise<readonly ManifestFile[]> {
    const { snapshot, manifests, signal } = this.#options;
    throwIfAborted(signal);
    return await manifests.manifestsOf(snapshot, signal === undefined ? {} : { signal });
  }

  async #indexDeletes(
    manifests: readonly ManifestFile[],
    pruners: SpecPruners,
  ): Promise<DeleteIndex> {
    const { metadata, filter = alwaysTrue, rows = "matching" } = this.#options;
    const { deleteManifests, deleteFiles } = this.#report;
    const mayDeleteMatch = rows === "all" ? () => true : equalityMetricsMayMatch(filter);
    const indexed: DeleteFile[] = [];
    for await (const { manifest, entries } of this.#read(manifests, new Set(METRIC_COLUMNS))) {
      deleteManifests.scanned++;
      const pruner = pruners.forManifest(manifest);
      for (const { dataFile, sequenceNumber } of liveEntries(entries)) {
        const needed = pruner.judge(dataFile.partition).mayMatch &&
          (dataFile.content !== "equality_deletes" || mayDeleteMatch(dataFile));
        if (!needed) deleteFiles.skipped++;
        else indexed.push({ dataFile, sequenceNumber: sequenceNumber ?? 0n });
      }
    }
    deleteFiles.used = indexed.length;
    return new DeleteIndex(metadata, indexed);
  }

  async *#planManifests(
    manifests: readonly ManifestFile[],
    pruners: SpecPruners,
    deletes: DeleteIndex,
  ): AsyncGenerator<FileScanTask> {
    const { filter = alwaysTrue, columns = NO_DATA_FILE_COLUMNS } = this.#options;
    const { dataManifests, dataFiles } = this.#report;
    const wantsMetrics = filter.kind !== "constant" || deletes.hasEqualityDeletes;
    const mayMatch = filter.kind === "constant" ? () => filter.value : metricsMayMatch(filter);
    const read = this.#read(manifests, columns.union(new Set(wantsMetrics ? METRIC_COLUMNS : [])));
    for await (const { manifest, entries } of read) {
      dataManifests.scanned++;
      const pruner = pruners.forManifest(manifest);
      for (const entry of liveEntries(entries)) {
        const task = mayMatch(entry.dataFile) ? this.#task(entry, pruner, deletes) : null;
        if (task === null) dataFiles.skipped++;
        else {
          dataFiles.used++;
          yield task;
        }
      }
    }
  }

  #task(entry: ManifestEntry, pruner: SpecPruner, deletes: DeleteIndex): FileScanTask | null {
    const { dataFile, fileSequenceNumber, snapshotId } = entry;
    const { mayMatch, residual } = pruner.judge(dataFile.partition);
    if (!mayMatch) return null;
    const sequenceNumber = entry.sequenceNumber ?? 0n;
    return {
      dataFile,
      sequenceNumber,
      fileSequenceNumber,
      snapshotId,
      deletes: deletes.forFile(dataFile, sequenceNumber),
      residual: this.#options.rows === "all" ? alwaysTrue : residual,
      spec: pruner.spec,
    };
  }

  async *#read(
    manifests: readonly ManifestFile[],
    columns: ReadonlySet<DataFileColumn>,
  ): AsyncGenerator<{
    readonly manifest: ManifestFile;
    readonly entries: readonly ManifestEntry[];
  }> {
    const { concurrency = DEFAULT_MANIFEST_CONCURRENCY, signal } = this.#options;
    const source = this.#options.manifests;
    const pacer = new Pacer();
    const read = async (manifest: ManifestFile, innerSignal: AbortSignal) => ({
      manifest,
      entries: await source.entriesOf(manifest, { columns, signal: innerSignal }),
    });
    for await (const result of mapOrdered(manifests, read, { concurrency, signal })) {
      yield result;
      await pacer.breathe();
    }
  }
}

function liveEntries(entries: readonly ManifestEntry[]): readonly ManifestEntry[] {
  return entries.filter((entry) => entry.status !== "deleted");
}
