/**
 * Finds delete files that apply to no row any more: what compaction leaves behind.
 *
 * - A deletion vector, or a position delete file for one data file: the data file is gone, or newer.
 *   A position delete file goes, too, where its data file has a vector: that holds all its positions.
 * - Other position deletes: every data file of the partition is newer.
 * - Equality deletes: no data file in reach is older. Written without a partition, they reach the
 *   whole table (spec: "Scan Planning").
 *
 * Position deletes name files that existed when they were written: for them a data file is as old as
 * its *file* sequence number says. Rewritten files keep the data sequence number of their rows, and
 * would seem to be within reach of deletes that were applied to those rows long ago.
 */
import { mapConcurrently } from "../../../concurrency.ts";
import type { DataFile, ManifestEntry } from "../../manifest/data_file.ts";
import type { ManifestFile } from "../../manifest/manifest_file.ts";
import { type DataFileColumn, NO_DATA_FILE_COLUMNS } from "../../manifest/read_manifest.ts";
import { isDeletionVector, referencedDataFile } from "../../scan/delete_index.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "../../scan/manifest_source.ts";
import { partitionKey } from "../../spec/partition_key.ts";
import { isUnpartitioned } from "../../spec/partition_spec.ts";
import type { Snapshot } from "../../spec/snapshot.ts";
import type { TableMetadata } from "../../spec/table_metadata.ts";
import { isLive } from "./_manifest_filter.ts";
import { partitionPruner } from "../../scan/partition_pruner.ts";

/** Options of {@linkcode findDanglingDeletes}. */
export interface FindDanglingOptions {
  readonly metadata: TableMetadata;
  readonly snapshot: Snapshot;
  readonly manifests: ManifestSource;
  readonly signal?: AbortSignal | undefined;
}

/** Position deletes say by their bounds which file they are for, where not in so many words. */
const BOUNDS: ReadonlySet<DataFileColumn> = new Set(["lowerBounds", "upperBounds"]);

/** Entries of the delete files of a snapshot that no longer apply to anything. */
export async function findDanglingDeletes(
  options: FindDanglingOptions,
): Promise<readonly ManifestEntry[]> {
  const { metadata, snapshot, manifests: source, signal } = options;
  const read = signal === undefined ? {} : { signal };
  const all = (await source.manifestsOf(snapshot, read)).filter(isLive);
  const deletes: ManifestEntry[] = [];
  await forEachLive(all.filter((manifest) => manifest.content === "deletes"), options, {
    columns: BOUNDS,
    visit: (entry) => deletes.push(entry),
  });
  if (deletes.length === 0) return [];
  const reach = new Reach(metadata, deletes);
  const mayHold = reach.isGlobal
    ? () => true
    : partitionPruner(metadata, deletes.map((entry) => entry.dataFile));
  const data = all.filter((manifest) => manifest.content === "data" && mayHold(manifest));
  await forEachLive(data, options, {
    columns: NO_DATA_FILE_COLUMNS,
    visit: (entry) => reach.add(entry),
  });
  return deletes.filter((entry) => reach.isDangling(entry));
}

async function forEachLive(
  manifests: readonly ManifestFile[],
  { manifests: source, signal }: FindDanglingOptions,
  { columns, visit }: {
    readonly columns: ReadonlySet<DataFileColumn>;
    readonly visit: (entry: ManifestEntry) => void;
  },
): Promise<void> {
  await mapConcurrently(manifests, async (manifest) => {
    const read = { columns, ...(signal === undefined ? {} : { signal }) };
    for (const entry of await source.entriesOf(manifest, read)) {
      if (entry.status !== "deleted") visit(entry);
    }
  }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
}

/** How old the oldest data is that each delete may reach. */
class Reach {
  /** Whether an equality delete reaches every partition. */
  readonly isGlobal: boolean;
  readonly #unpartitioned: ReadonlySet<number>;
  /** File sequence numbers of data files that a delete names; null until one is found. */
  readonly #files = new Map<string, bigint | null>();
  readonly #vectors = new Set<string>();
  /** Lowest sequence numbers by partition, of partitions with deletes. */
  readonly #partitions = new Map<string, { data: bigint | null; file: bigint | null }>();
  #oldest: bigint | null = null;

  constructor(metadata: TableMetadata, deletes: readonly ManifestEntry[]) {
    this.#unpartitioned = new Set(
      metadata.partitionSpecs.filter(isUnpartitioned).map((spec) => spec.specId),
    );
    let isGlobal = false;
    for (const { dataFile } of deletes) {
      const path = referencedDataFile(dataFile);
      if (path !== null) this.#files.set(path, null);
      else this.#partitions.set(keyOf(dataFile), { data: null, file: null });
      if (path !== null && isDeletionVector(dataFile)) this.#vectors.add(path);
      isGlobal ||= this.#reachesAll(dataFile);
    }
    this.isGlobal = isGlobal;
  }

  /** Takes in a live data file. */
  add({ dataFile, sequenceNumber, fileSequenceNumber }: ManifestEntry): void {
    const number = sequenceNumber ?? 0n;
    const fileNumber = fileSequenceNumber ?? number;
    const known = this.#partitions.get(keyOf(dataFile));
    if (known !== undefined) {
      known.data = lower(known.data, number);
      known.file = lower(known.file, fileNumber);
    }
    if (this.#files.has(dataFile.filePath)) this.#files.set(dataFile.filePath, fileNumber);
    this.#oldest = lower(this.#oldest, number);
  }

  /** Whether a delete file applies to nothing, once all data has been taken in. */
  isDangling({ dataFile, sequenceNumber }: ManifestEntry): boolean {
    const number = sequenceNumber ?? 0n;
    if (dataFile.content === "equality_deletes") {
      const oldest = this.#reachesAll(dataFile) ? this.#oldest : this.#beside(dataFile)?.data;
      return oldest === null || oldest === undefined || number <= oldest;
    }
    const path = referencedDataFile(dataFile);
    if (path !== null && this.#vectors.has(path) && !isDeletionVector(dataFile)) return true;
    const oldest = path === null ? this.#beside(dataFile)?.file : this.#files.get(path);
    return oldest === null || oldest === undefined || number < oldest;
  }

  #reachesAll({ content, specId }: DataFile): boolean {
    return content === "equality_deletes" && this.#unpartitioned.has(specId);
  }

  #beside(file: DataFile) {
    return this.#partitions.get(keyOf(file));
  }
}

function keyOf({ specId, partition }: DataFile): string {
  return partitionKey(specId, partition);
}

function lower(a: bigint | null, b: bigint): bigint {
  return a === null || b < a ? b : a;
}
