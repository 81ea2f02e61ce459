/** The health answer: folds a snapshot's manifests into figures and what to do about them. */
import { mapConcurrently } from "../../concurrency.ts";
import { AppError } from "../../errors.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../iceberg/manifest/manifest_file.ts";
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import { targetFileSize } from "../../iceberg/rewrite/file_size_rules.ts";
import { retentionFromProperties } from "../../iceberg/retention/expirable_snapshots.ts";
import { type NamedPin, pinsIn } from "../../iceberg/retention/pinned_snapshots.ts";
import { planExpiry } from "../../iceberg/retention/plan_expiry.ts";
import { type DeleteFile, DeleteIndex, isDeletionVector } from "../../iceberg/scan/delete_index.ts";
import { partitionKey } from "../../iceberg/spec/partition_key.ts";
import type { PartitionSpec } from "../../iceberg/spec/partition_spec.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import { currentSnapshot } from "../../iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../iceberg/spec/types.ts";
import { Pacer } from "../../pacer.ts";
import {
  compactionCandidates,
  type DataFileFigures,
  type DeleteFileFigures,
  FileTally,
  type PartitionTally,
  sizeClassBounds,
} from "../health/file_tally.ts";
import { addExactly } from "../health/add_exactly.ts";
import { recommend, worstSeverity } from "../health/recommend.ts";
import type { HealthReport } from "../contract/schemas.ts";
import { isoTime } from "./iso_time.ts";
import type { CachedManifests } from "./cached_manifests.ts";
import { partitionPath, partitionValues } from "./partition_text.ts";

/** Manifests fetched at once. */
const MANIFEST_CONCURRENCY = 16;
/** Memory that the delete files of a snapshot may take; some million files. */
const MAX_DELETES_BYTES = 512 * 1024 * 1024;
/** Data files counted between two looks at the clock. */
const FILES_PER_BREATH = 256;
/** Partitions named in a report. */
const MAX_LISTED_PARTITIONS = 10;

/** What a report is made from besides the table itself. */
export interface HealthInput {
  readonly manifests: CachedManifests;
  /** Size of the metadata document, in bytes. */
  readonly metadataBytes: number;
  readonly nowMs: number;
  /** Who reads which snapshots, as far as the table's name tells. */
  readonly pins: readonly NamedPin[];
  readonly signal?: AbortSignal | undefined;
}

/** Figures of the manifests themselves. */
interface ManifestFigures {
  readonly count: number;
  readonly bytes: number;
  readonly listBytes: number;
}

/** Where a file is counted. */
type Place = Pick<DataFileFigures, "partitionKey" | "currentSpec">;

/** One partition of the report, remembered by its key. */
interface KnownPartition {
  readonly spec: PartitionSpec;
  readonly tuple: readonly IcebergValue[];
}

/** Reports on the current snapshot; a table without one is healthy and empty. */
export async function reportHealth(table: LoadedTable, input: HealthInput): Promise<HealthReport> {
  const fold = new HealthFold(table, input);
  const snapshot = currentSnapshot(table.metadata);
  const manifests = snapshot === undefined
    ? { count: 0, bytes: 0, listBytes: 0 }
    : await fold.addSnapshot(snapshot);
  return fold.report(manifests);
}

class HealthFold {
  readonly #table: LoadedTable;
  readonly #input: HealthInput;
  readonly #tally: FileTally;
  readonly #partitions = new Map<string, KnownPartition>();
  readonly #pacer = new Pacer();

  constructor(table: LoadedTable, input: HealthInput) {
    this.#table = table;
    this.#input = input;
    this.#tally = new FileTally(targetFileSize(table.metadata.properties));
  }

  async addSnapshot(snapshot: Snapshot): Promise<ManifestFigures> {
    const manifests = await this.#input.manifests.list(snapshot, this.#input.signal);
    const deletes = await this.#readDeletes(manifests.filter((one) => one.content === "deletes"));
    const data = manifests.filter((one) => one.content === "data");
    const index = deletes.length === 0 ? null : new DeleteIndex(this.#table.metadata, deletes);
    await this.#mapManifests(
      data,
      (manifest) => index === null ? this.#addColumns(manifest) : this.#addEntries(manifest, index),
    );
    return {
      count: manifests.length,
      bytes: manifests.reduce((sum, manifest) => addExactly(sum, manifest.manifestLength), 0),
      listBytes: await this.#sizeOf(snapshot.manifestList),
    };
  }

  async #sizeOf(location: string | null): Promise<number> {
    if (location === null) return 0;
    return (await this.#table.io.stat(location, this.#input.signal))?.sizeBytes ?? 0;
  }

  async #readDeletes(manifests: readonly ManifestFile[]): Promise<readonly DeleteFile[]> {
    let held = 0;
    const entriesOf = async (manifest: ManifestFile) => {
      const { entries, bytes } = await this.#input.manifests.entries(manifest, this.#input.signal);
      held += bytes;
      if (held > MAX_DELETES_BYTES) throw tooManyDeletes();
      return entries;
    };
    const deletes = (await this.#mapManifests(manifests, entriesOf)).flat();
    for (const { dataFile } of deletes) {
      this.#tally.addDeleteFile({
        kind: deleteKind(dataFile),
        recordCount: dataFile.recordCount,
        sizeBytes: dataFile.contentSizeInBytes ?? dataFile.fileSizeInBytes,
      });
    }
    // Without a sequence number (v1 writers) a delete applies to everything older: nothing.
    return deletes.map(({ dataFile, sequenceNumber }) => ({
      dataFile,
      sequenceNumber: sequenceNumber ?? 0n,
    }));
  }

  /** Without deletes in the snapshot, counting needs no paths and no objects per file. */
  async #addColumns(manifest: ManifestFile): Promise<void> {
    const columns = await this.#input.manifests.columns(manifest, this.#input.signal);
    const places: Place[] = [];
    for (let i = 0; i < columns.partitionIndex.length; i++) {
      if (i % FILES_PER_BREATH === 0) await this.#pacer.breathe(this.#input.signal);
      const partition = columns.partitionIndex[i]!;
      const place = places[partition] ??= this.#place(manifest, columns.partitions[partition]!);
      this.#tally.addDataFile({
        ...place,
        recordCount: columns.recordCounts[i]!,
        sizeBytes: columns.sizesInBytes[i]!,
        affected: false,
      });
    }
  }

  async #addEntries(manifest: ManifestFile, deletes: DeleteIndex): Promise<void> {
    const { signal } = this.#input;
    const { entries } = await this.#input.manifests.entries(manifest, signal);
    const places = new Map<readonly IcebergValue[], Place>();
    for (const [i, entry] of entries.entries()) {
      if (i % FILES_PER_BREATH === 0) await this.#pacer.breathe(signal);
      const { partition, recordCount, fileSizeInBytes } = entry.dataFile;
      let place = places.get(partition);
      if (place === undefined) places.set(partition, place = this.#place(manifest, partition));
      const affected = deletes.appliesTo(entry.dataFile, entry.sequenceNumber ?? 0n);
      this.#tally.addDataFile({ ...place, recordCount, sizeBytes: fileSizeInBytes, affected });
    }
  }

  #place(manifest: ManifestFile, tuple: readonly IcebergValue[]): Place {
    const spec = this.#input.manifests.spec(manifest);
    const key = partitionKey(spec.specId, tuple);
    this.#partitions.set(key, { spec, tuple });
    const currentSpec = spec.specId === this.#table.metadata.defaultSpecId;
    return { partitionKey: key, currentSpec };
  }

  #mapManifests<R>(
    manifests: readonly ManifestFile[],
    visit: (manifest: ManifestFile) => Promise<R>,
  ): Promise<readonly R[]> {
    const { signal } = this.#input;
    return mapConcurrently(manifests, async (manifest) => {
      const result = await visit(manifest);
      await this.#pacer.breathe(signal);
      return result;
    }, { limit: MANIFEST_CONCURRENCY, signal });
  }

  report(manifests: ManifestFigures): HealthReport {
    const { metadata } = this.#table;
    const table = formatIdentifier(this.#table.identifier);
    const tally = this.#tally;
    const expiry = planExpiry(metadata, {
      retention: retentionFromProperties(metadata.properties, this.#input.nowMs),
      snapshotIds: new Set(),
      pins: pinsIn(metadata, this.#input.pins),
      used: null,
    });
    const recommendations = recommend({
      table,
      tally,
      candidates: compactionCandidates(tally),
      expirableSnapshots: expiry.expired.length,
      pinned: expiry.pinned,
      snapshots: metadata.snapshots.length,
      manifests: manifests.count,
      manifestBytes: manifests.bytes,
      readOnly: this.#table.readOnly !== null,
    });
    return {
      success: true,
      table,
      snapshot_count: metadata.snapshots.length,
      data_file_count: tally.files,
      total_size_bytes: tally.bytes,
      avg_file_size_bytes: tally.files === 0 ? 0 : Math.floor(tally.bytes / tally.files),
      small_file_count: tally.smallFiles,
      recommendation: recommendations[0]?.summary ?? "Nothing to do: the table is healthy",
      severity: worstSeverity(recommendations),
      recommendations: [...recommendations],
      record_count: tally.records,
      ...deleteFigures(tally),
      target_file_size_bytes: tally.targetBytes,
      size_classes: sizeClassBounds(tally.targetBytes).map((bounds) => ({
        class: bounds.class,
        min_bytes: bounds.minBytes,
        max_bytes: bounds.maxBytes,
        file_count: tally.sizeClass(bounds.class).files,
        total_size_bytes: tally.sizeClass(bounds.class).bytes,
      })),
      partition_count: tally.partitions.size,
      partitions_with_most_small_files: this.#worstPartitions(),
      ...snapshotMoments(metadata.snapshots),
      manifest_count: manifests.count,
      metadata_size_bytes: addExactly(
        this.#input.metadataBytes + manifests.listBytes,
        manifests.bytes,
      ),
      format_version: metadata.formatVersion,
      location: metadata.location,
      read_only: this.#table.readOnly,
    };
  }

  #worstPartitions(): HealthReport["partitions_with_most_small_files"] {
    return worstOf(this.#tally.partitions)
      .map(([key, partition]) => {
        const known = this.#partitions.get(key);
        if (known === undefined) throw new TypeError(`Cannot find partition "${key}" of the fold`);
        return {
          partition: partitionPath(partitionValues(this.#table, known)),
          spec_id: known.spec.specId,
          small_file_count: partition.smallFiles,
          data_file_count: partition.files,
          total_size_bytes: partition.bytes,
        };
      });
  }
}

/** The partitions with most small files, in one pass: there may be a million. */
function worstOf(
  partitions: ReadonlyMap<string, PartitionTally>,
): readonly (readonly [string, PartitionTally])[] {
  const worst: (readonly [string, PartitionTally])[] = [];
  for (const candidate of partitions) {
    if (candidate[1].smallFiles === 0) continue;
    let at = worst.length;
    while (at > 0 && isWorse(candidate, worst[at - 1])) at--;
    if (at === MAX_LISTED_PARTITIONS) continue;
    worst.splice(at, 0, candidate);
    if (worst.length > MAX_LISTED_PARTITIONS) worst.pop();
  }
  return worst;
}

/** Manifests arrive in any order; ties are broken so that equal tables report equally. */
function isWorse(
  [keyA, a]: readonly [string, PartitionTally],
  other: readonly [string, PartitionTally] | undefined,
): boolean {
  if (other === undefined) return false;
  const [keyB, b] = other;
  if (a.smallFiles !== b.smallFiles) return a.smallFiles > b.smallFiles;
  if (a.smallBytes !== b.smallBytes) return a.smallBytes > b.smallBytes;
  return keyA < keyB;
}

function tooManyDeletes(): AppError {
  return new AppError(
    "too_large",
    "table_too_large",
    `Cannot report on the table: its delete files take more than ${MAX_DELETES_BYTES} bytes of ` +
      "memory; compact it first",
  );
}

function deleteKind(file: DataFile): DeleteFileFigures["kind"] {
  if (file.content === "equality_deletes") return "equality";
  return isDeletionVector(file) ? "deletion_vector" : "position";
}

function deleteFigures(
  { deletes, ...tally }: FileTally,
): Pick<HealthReport, "delete_file_count" | "delete_files"> {
  return {
    delete_file_count: deletes.position + deletes.equality + deletes.deletion_vector,
    delete_files: {
      position_delete_files: deletes.position,
      equality_delete_files: deletes.equality,
      deletion_vectors: deletes.deletion_vector,
      position_deleted_rows: tally.positionDeletedRows,
      equality_delete_rows: tally.equalityDeleteRows,
      total_size_bytes: deletes.bytes,
      affected_data_files: tally.affectedFiles,
      affected_rows: tally.affectedRecords,
    },
  };
}

function snapshotMoments(
  snapshots: readonly Snapshot[],
): Pick<HealthReport, "oldest_snapshot" | "newest_snapshot"> {
  const byTime = snapshots.toSorted((a, b) => a.timestampMs - b.timestampMs);
  const moment = (snapshot: Snapshot | undefined) =>
    snapshot === undefined ? null : {
      snapshot_id: String(snapshot.snapshotId),
      timestamp: isoTime(snapshot.timestampMs),
    };
  return { oldest_snapshot: moment(byTime[0]), newest_snapshot: moment(byTime.at(-1)) };
}
