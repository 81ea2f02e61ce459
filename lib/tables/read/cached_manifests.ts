/**
 * A table's manifests through a cache: they never change under their paths. One call never holds
 * more than named bounds of them: files of some kilobytes may unpack to gigabytes.
 */
import type { ByteBudgetCache, Load, Sized } from "../../byte_budget_cache.ts";
import { ByteGate } from "../../byte_gate.ts";
import { AppError, corruptData, displayPath } from "../../errors.ts";
import { estimateBytes } from "../../estimate_bytes.ts";
import type { DataFile, ManifestEntry } from "../../iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../iceberg/manifest/manifest_file.ts";
import type { PartitionFieldRef } from "../../iceberg/manifest/partition_tuple.ts";
import { MetricMap } from "../../iceberg/manifest/metric_map.ts";
import {
  ALL_DATA_FILE_COLUMNS,
  type DataFileColumn,
  NO_DATA_FILE_COLUMNS,
  readManifest,
} from "../../iceberg/manifest/read_manifest.ts";
import { scanManifest } from "../../iceberg/manifest/scan_manifest.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import { DELETE_FILE_PATH_ID } from "../../iceberg/scan/delete_index.ts";
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
import { faultOfTable } from "../../storage/mod.ts";

/** Bytes of manifests that one call holds as they lie in the store. */
const MAX_RAW_BYTES = 256 * 1024 * 1024;
/** Memory that one manifest may take when it is decoded, roughly; 8 MiB of file take some 50 MiB. */
const MAX_DECODED_BYTES = 256 * 1024 * 1024;
/** Read at first of a manifest whose recorded length is less: that may be wrong, and is for some. */
const MIN_CLAIM_BYTES = 1024 * 1024;
/** Estimated memory of one cached entry besides its texts, in bytes. */
const ENTRY_BYTES = 320;
/** The same with five maps of metrics, which lie in the manifest's decoded blocks. */
const SCAN_ENTRY_BYTES = ENTRY_BYTES + 5 * 64;
/** Estimated memory of one distinct partition tuple, and of one file in columns, in bytes. */
const PARTITION_BYTES = 104;
const COLUMNS_FILE_BYTES = 32;

/** Bounds of file paths, for position deletes that name one data file by equal bounds. */
const DELETE_COLUMNS: ReadonlySet<DataFileColumn> = new Set(["lowerBounds", "upperBounds"]);

/** Metrics that scans look at. */
const SCAN_COLUMNS: ReadonlySet<DataFileColumn> = new Set([
  "valueCounts",
  "nullValueCounts",
  "nanValueCounts",
  "lowerBounds",
  "upperBounds",
]);

/** Live entries of one manifest. */
export interface LiveEntries {
  readonly entries: readonly ManifestEntry[];
  /** Estimated memory. */
  readonly bytes: number;
}

/** The live data files of one manifest, in columns: what counting needs and nothing else. */
export interface FileColumns {
  readonly partitions: readonly (readonly IcebergValue[])[];
  /** Index into `partitions`, by file. */
  readonly partitionIndex: readonly number[];
  readonly recordCounts: readonly number[];
  readonly sizesInBytes: readonly number[];
}

/** Where {@linkcode CachedManifests} keeps what it read. */
export interface CachedManifestsOptions {
  readonly cache: ByteBudgetCache;
  /** Tells tables and stores apart that use the same paths. */
  readonly place: string;
}

/** Manifests of one table. Calls of one manifest share one load. */
export class CachedManifests {
  readonly #table: LoadedTable;
  readonly #cache: ByteBudgetCache;
  readonly #source: ManifestSource;
  readonly #partitionFields: ReadonlyMap<number, readonly PartitionFieldRef[]>;
  readonly #scope: string;
  readonly #raw = new ByteGate({ maxBytes: MAX_RAW_BYTES });
  /** Decoding is work of this thread: side by side it would take no less time, and more memory. */
  readonly #decoding = new ByteGate({ maxBytes: 1 });

  constructor(table: LoadedTable, { cache, place }: CachedManifestsOptions) {
    this.#table = table;
    this.#cache = cache;
    this.#source = manifestSource(table.io, table.metadata);
    this.#partitionFields = partitionFieldsBySpec(table.metadata);
    // Recorded paths may be relative, so they are unique only within a table's metadata folder.
    const folder = table.metadataLocation.slice(0, table.metadataLocation.lastIndexOf("/"));
    this.#scope = `${place} ${folder}`;
  }

  /** The manifests of a snapshot. */
  async list(snapshot: Snapshot, signal?: AbortSignal): Promise<readonly ManifestFile[]> {
    const load: Load<readonly ManifestFile[]> = async (loading) => {
      try {
        const value = await this.#source.manifestsOf(snapshot, { signal: loading });
        return { value, bytes: estimateBytes(value) };
      } catch (error) {
        throw faultOfTable(error);
      }
    };
    const path = snapshot.manifestList ?? `inline ${snapshot.snapshotId}`;
    return await this.#cache.getOrLoad(this.#key("list", path), load, signal);
  }

  /** The live entries of a manifest, without column metrics. */
  async entries(manifest: ManifestFile, signal?: AbortSignal): Promise<LiveEntries> {
    const load: Load<LiveEntries> = async (loading) => {
      const value = await this.#readEntries(manifest, loading);
      return { value, bytes: value.bytes };
    };
    return await this.#cache.getOrLoad(this.#key("entries", manifest.manifestPath), load, signal);
  }

  /** The manifests as scans want them: with the metrics by which they choose files. */
  scanSource(): ManifestSource {
    return {
      manifestsOf: (snapshot, { signal } = {}) => this.list(snapshot, signal),
      entriesOf: async (manifest, read = {}) => {
        const { columns = ALL_DATA_FILE_COLUMNS, signal } = read;
        if (!columns.isSubsetOf(SCAN_COLUMNS)) return await this.#source.entriesOf(manifest, read);
        const key = this.#key("scan", manifest.manifestPath);
        return await this.#cache.getOrLoad(key, (loading) => {
          return this.#readForScans(manifest, loading);
        }, signal);
      },
    };
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

  #readEntries(manifest: ManifestFile, signal: AbortSignal): Promise<LiveEntries> {
    const columns = manifest.content === "deletes" ? DELETE_COLUMNS : NO_DATA_FILE_COLUMNS;
    const partitionFields = this.#fieldsOf(manifest);
    return this.#decode(manifest, async (bytes) => {
      const entries: ManifestEntry[] = [];
      const memory = new DecodedMemory(manifest);
      const pacer = new Pacer();
      for (const step of readManifest(bytes, { manifest, columns, partitionFields })) {
        for (const entry of step) {
          if (entry.status === "deleted") continue;
          const { dataFile } = entry;
          entries.push({ ...entry, dataFile: { ...dataFile, ...pathBounds(dataFile) } });
          memory.add(ENTRY_BYTES + textBytes(dataFile), dataFile.partition);
        }
        await pacer.breathe(signal);
      }
      return { entries, bytes: memory.bytes };
    }, signal);
  }

  /** All entries with their metrics, which stay in the decoded blocks. */
  #readForScans(
    manifest: ManifestFile,
    signal: AbortSignal,
  ): Promise<Sized<readonly ManifestEntry[]>> {
    const partitionFields = this.#fieldsOf(manifest);
    return this.#decode(manifest, async (bytes) => {
      const value: ManifestEntry[] = [];
      const memory = new DecodedMemory(manifest);
      const pacer = new Pacer();
      for (
        const step of readManifest(bytes, { manifest, columns: SCAN_COLUMNS, partitionFields })
      ) {
        for (const entry of step) {
          value.push(entry);
          memory.add(SCAN_ENTRY_BYTES + textBytes(entry.dataFile), entry.dataFile.partition);
          memory.addBlock(entry.dataFile);
        }
        await pacer.breathe(signal);
      }
      return { value, bytes: memory.bytes };
    }, signal);
  }

  #scanColumns(manifest: ManifestFile, signal: AbortSignal): Promise<Sized<FileColumns>> {
    const partitionFields = this.#fieldsOf(manifest);
    return this.#decode(manifest, async (bytes) => {
      const partitions: (readonly IcebergValue[])[] = [];
      const indexes = new Map<readonly IcebergValue[], number>();
      const partitionIndex: number[] = [];
      const recordCounts: number[] = [];
      const sizesInBytes: number[] = [];
      const memory = new DecodedMemory(manifest);
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
        memory.add(COLUMNS_FILE_BYTES, file.partition);
      }, { location: manifest.manifestPath, partitionFields });
      const pacer = new Pacer();
      for (const _ of steps) await pacer.breathe(signal);
      const value = { partitions, partitionIndex, recordCounts, sizesInBytes };
      return { value, bytes: memory.bytes };
    }, signal);
  }

  #fieldsOf(manifest: ManifestFile): readonly PartitionFieldRef[] {
    return this.#partitionFields.get(this.spec(manifest).specId) ?? [];
  }

  /** Reads a manifest and decodes it: reads side by side within a budget, decodes in turn. */
  async #decode<T>(
    manifest: ManifestFile,
    decode: (bytes: Uint8Array) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const attempt = (maxBytes: number) =>
      this.#raw.hold(maxBytes, async () => {
        const bytes = await this.#table.io.read(manifest.manifestPath, { maxBytes, signal });
        return await this.#decoding.hold(1, () => decode(bytes), { signal });
      }, { signal });
    const claim = Math.max(manifest.manifestLength, MIN_CLAIM_BYTES);
    try {
      if (claim >= MAX_MANIFEST_BYTES) return await attempt(MAX_MANIFEST_BYTES);
      try {
        return await attempt(claim);
      } catch (error) {
        if (!(error instanceof AppError && error.code === "file_too_large")) throw error;
        return await attempt(MAX_MANIFEST_BYTES); // The manifest list does not tell its length.
      }
    } catch (error) {
      throw faultOfTable(error);
    }
  }

  #key(kind: string, location: string): string {
    return `${kind} ${this.#scope} ${location}`;
  }
}

/** Estimated memory of what is being decoded, kept below {@linkcode MAX_DECODED_BYTES}. */
class DecodedMemory {
  readonly #manifest: ManifestFile;
  /** Files of a partition mostly share one tuple, one after another or in turns. */
  readonly #tuples = new Set<readonly IcebergValue[]>();
  #block: ArrayBufferLike | null = null;
  bytes = 0;

  constructor(manifest: ManifestFile) {
    this.#manifest = manifest;
  }

  add(bytes: number, tuple: readonly IcebergValue[]): void {
    this.bytes += bytes;
    if (!this.#tuples.has(tuple)) {
      this.#tuples.add(tuple);
      this.bytes += PARTITION_BYTES + estimateBytes(tuple);
    }
    if (this.bytes > MAX_DECODED_BYTES) throw manifestTooLarge(this.#manifest);
  }

  /** The block that a file's metrics keep alive, once for all its files, which follow one another. */
  addBlock({ lowerBounds, valueCounts }: DataFile): void {
    const metrics = lowerBounds ?? valueCounts;
    if (!(metrics instanceof MetricMap) || metrics.block === this.#block) return;
    this.#block = metrics.block;
    this.bytes += metrics.block.byteLength;
  }
}

function manifestTooLarge({ manifestPath }: ManifestFile): AppError {
  return new AppError(
    "too_large",
    "manifest_too_large",
    `Cannot read manifest "${displayPath(manifestPath)}": its entries take more than ` +
      `${MAX_DECODED_BYTES} bytes of memory`,
    { context: { location: manifestPath } },
  );
}

function textBytes(file: DataFile): number {
  return file.filePath.length + file.fileFormat.length + (file.referencedDataFile?.length ?? 0) +
    8 * (file.equalityIds?.length ?? 0);
}

/** Bounds as far as deletes are assigned by them; whole maps would keep the manifest in memory. */
function pathBounds(file: DataFile): Pick<DataFile, "lowerBounds" | "upperBounds"> {
  const only = (bounds: ReadonlyMap<number, Uint8Array> | null) => {
    const path = bounds?.get(DELETE_FILE_PATH_ID);
    return path === undefined ? null : new Map([[DELETE_FILE_PATH_ID, path]]);
  };
  if (file.content !== "position_deletes") return { lowerBounds: null, upperBounds: null };
  return { lowerBounds: only(file.lowerBounds), upperBounds: only(file.upperBounds) };
}
