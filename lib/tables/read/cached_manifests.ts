/** A table's manifests through a cache: they never change under their paths. */
import type { ByteBudgetCache, Load, Sized } from "../../byte_budget_cache.ts";
import { corruptData } from "../../errors.ts";
import type { ManifestEntry } from "../../iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../iceberg/manifest/manifest_file.ts";
import type { PartitionFieldRef } from "../../iceberg/manifest/partition_tuple.ts";
import { type DataFileColumn, NO_DATA_FILE_COLUMNS } from "../../iceberg/manifest/read_manifest.ts";
import { scanManifest } from "../../iceberg/manifest/scan_manifest.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import {
  type ManifestSource,
  manifestSource,
  MAX_MANIFEST_BYTES,
  partitionFieldsBySpec,
} from "../../iceberg/scan/manifest_source.ts";
import type { PartitionSpec } from "../../iceberg/spec/partition_spec.ts";
import type { Snapshot } from "../../iceberg/spec/snapshot.ts";
import type { IcebergValue } from "../../iceberg/spec/types.ts";
import { Pacer } from "../../pacer.ts";

/** Estimated memory of one cached entry besides its path, in bytes. */
const ENTRY_BYTES = 320;
/** Estimated memory of one line of a manifest list, in bytes. */
const MANIFEST_FILE_BYTES = 480;
/** Estimated memory of one distinct partition tuple, and of one file in columns, in bytes. */
const PARTITION_BYTES = 160;
const COLUMNS_FILE_BYTES = 24;

/** Bounds of file paths, for position deletes that name one data file by equal bounds. */
const DELETE_COLUMNS: ReadonlySet<DataFileColumn> = new Set(["lowerBounds", "upperBounds"]);

/** The live data files of one manifest, in columns: what counting needs and nothing else. */
export interface FileColumns {
  readonly partitions: readonly (readonly IcebergValue[])[];
  /** Index into `partitions`, by file. */
  readonly partitionIndex: readonly number[];
  readonly recordCounts: readonly number[];
  readonly sizesInBytes: readonly number[];
}

/** Manifests of one table. Calls of one manifest share one load. */
export class CachedManifests {
  readonly #table: LoadedTable;
  readonly #cache: ByteBudgetCache;
  readonly #source: ManifestSource;
  readonly #partitionFields: ReadonlyMap<number, readonly PartitionFieldRef[]>;
  readonly #scope: string;

  constructor(table: LoadedTable, cache: ByteBudgetCache) {
    this.#table = table;
    this.#cache = cache;
    this.#source = manifestSource(table.io, table.metadata);
    this.#partitionFields = partitionFieldsBySpec(table.metadata);
    // Recorded paths may be relative, so they are unique only within a table's metadata folder.
    this.#scope = table.metadataLocation.slice(0, table.metadataLocation.lastIndexOf("/"));
  }

  /** The manifests of a snapshot. */
  async list(snapshot: Snapshot, signal?: AbortSignal): Promise<readonly ManifestFile[]> {
    const load: Load<readonly ManifestFile[]> = async (loading) => {
      const value = await this.#source.manifestsOf(snapshot, { signal: loading });
      return { value, bytes: value.length * MANIFEST_FILE_BYTES };
    };
    const path = snapshot.manifestList ?? `inline ${snapshot.snapshotId}`;
    return await this.#cache.getOrLoad(this.#key("list", path), load, signal);
  }

  /** The live entries of a manifest, without column metrics. */
  async entries(
    manifest: ManifestFile,
    signal?: AbortSignal,
  ): Promise<readonly ManifestEntry[]> {
    const columns = manifest.content === "deletes" ? DELETE_COLUMNS : NO_DATA_FILE_COLUMNS;
    const load: Load<readonly ManifestEntry[]> = async (loading) => {
      const entries = await this.#source.entriesOf(manifest, { columns, signal: loading });
      const live = entries.filter((entry) => entry.status !== "deleted");
      const paths = live.reduce((sum, { dataFile }) => sum + dataFile.filePath.length, 0);
      return { value: live, bytes: live.length * ENTRY_BYTES + 2 * paths };
    };
    return await this.#cache.getOrLoad(this.#key("entries", manifest.manifestPath), load, signal);
  }

  /** The live files of a data manifest, in columns. */
  async columns(manifest: ManifestFile, signal?: AbortSignal): Promise<FileColumns> {
    const load: Load<FileColumns> = (loading) => this.#scanColumns(manifest, loading);
    return await this.#cache.getOrLoad(this.#key("columns", manifest.manifestPath), load, signal);
  }

  /** The spec that a manifest's files follow. */
  spec(manifest: ManifestFile): PartitionSpec {
    const { partitionSpecId } = manifest;
    const { partitionSpecs } = this.#table.metadata;
    const found = partitionSpecs.find((spec) => spec.specId === partitionSpecId);
    if (found !== undefined) return found;
    throw corruptData(
      "manifest_unknown_spec",
      `Cannot read the table's manifests: one refers to partition spec ${partitionSpecId}, ` +
        "which the metadata does not have",
      { context: { manifest: manifest.manifestPath } },
    );
  }

  async #scanColumns(manifest: ManifestFile, signal: AbortSignal): Promise<Sized<FileColumns>> {
    const options = { maxBytes: MAX_MANIFEST_BYTES, signal };
    const bytes = await this.#table.io.read(manifest.manifestPath, options);
    const partitions: (readonly IcebergValue[])[] = [];
    const indexes = new Map<readonly IcebergValue[], number>();
    const partitionIndex: number[] = [];
    const recordCounts: number[] = [];
    const sizesInBytes: number[] = [];
    const partitionFields = this.#partitionFields.get(this.spec(manifest).specId) ?? [];
    const steps = scanManifest(bytes, (file) => {
      if (file.status === "deleted") return;
      let index = indexes.get(file.partition);
      if (index === undefined) {
        index = partitions.push(file.partition) - 1;
        indexes.set(file.partition, index);
      }
      partitionIndex.push(index);
      recordCounts.push(file.recordCount);
      sizesInBytes.push(file.fileSizeInBytes);
    }, { location: manifest.manifestPath, partitionFields });
    const pacer = new Pacer();
    for (const _ of steps) await pacer.breathe(signal);
    const memory = partitionIndex.length * COLUMNS_FILE_BYTES + partitions.length * PARTITION_BYTES;
    return { value: { partitions, partitionIndex, recordCounts, sizesInBytes }, bytes: memory };
  }

  #key(kind: string, location: string): string {
    return `${kind} ${this.#scope} ${location}`;
  }
}
