/** A table in memory that actions are committed to, and what it holds read back. */
import { applyUpdates } from "../../../../../lib/iceberg/commit/apply_updates.ts";
import { checkRequirements } from "../../../../../lib/iceberg/commit/check_requirements.ts";
import type {
  CommitAction,
  CommitAttempt,
} from "../../../../../lib/iceberg/commit/commit_action.ts";
import type { TableChange, TableStore } from "../../../../../lib/iceberg/commit/table_store.ts";
import type { DataFile, ManifestEntry } from "../../../../../lib/iceberg/manifest/data_file.ts";
import type { ManifestFile } from "../../../../../lib/iceberg/manifest/manifest_file.ts";
import type { LoadedTable } from "../../../../../lib/iceberg/ports.ts";
import { type LiveFile, liveFiles } from "../../../../../lib/iceberg/scan/live_files.ts";
import { manifestSource } from "../../../../../lib/iceberg/scan/manifest_source.ts";
import { planFiles } from "../../../../../lib/iceberg/scan/plan_files.ts";
import type { PartitionSpec } from "../../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import type { Snapshot } from "../../../../../lib/iceberg/spec/snapshot.ts";
import {
  type FormatVersion,
  snapshotById,
  type TableMetadata,
} from "../../../../../lib/iceberg/spec/table_metadata.ts";
import { MemoryFileIo } from "../../../../../lib/storage/mod.ts";

/** Where the table lies. */
export const LOCATION = "/warehouse/db/events";
/** When it is looked at first. */
export const NOW_MS = Date.parse("2026-03-01T00:00:00Z");

/** Partitioned by region. */
export const BY_REGION: PartitionSpec = {
  specId: 0,
  fields: [{ sourceIds: [2], fieldId: 1000, name: "region", transform: { kind: "identity" } }],
};
/** Not partitioned. */
export const UNPARTITIONED: PartitionSpec = { specId: 1, fields: [] };

const column = { doc: null, initialDefault: undefined, writeDefault: undefined };

/** Columns id and region. */
export const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { ...column, id: 1, name: "id", required: true, type: { kind: "long" } },
    { ...column, id: 2, name: "region", required: false, type: { kind: "string" } },
  ],
});

const NO_METRICS = {
  columnSizes: null,
  valueCounts: null,
  nullValueCounts: null,
  nanValueCounts: null,
  lowerBounds: null,
  upperBounds: null,
  keyMetadata: null,
  splitOffsets: null,
};

/** A data file of region "eu" with 10 rows in 100 bytes, unless told otherwise. */
export function dataFile(name: string, more: Partial<DataFile> = {}): DataFile {
  return {
    ...NO_METRICS,
    content: "data",
    filePath: `${LOCATION}/data/${name}.parquet`,
    fileFormat: "parquet",
    specId: 0,
    partition: ["eu"],
    recordCount: 10,
    fileSizeInBytes: 100,
    equalityIds: null,
    sortOrderId: null,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
    ...more,
  };
}

/** Position deletes of one row; of the file `on` alone, where it is given. */
export function positionDeletes(name: string, on: DataFile | null, more: Partial<DataFile> = {}) {
  return dataFile(name, {
    content: "position_deletes",
    recordCount: 1,
    fileSizeInBytes: 7,
    referencedDataFile: on?.filePath ?? null,
    ...(on === null ? {} : { specId: on.specId, partition: on.partition }),
    ...more,
  });
}

/** Equality deletes on column id. */
export function equalityDeletes(name: string, more: Partial<DataFile> = {}): DataFile {
  return dataFile(name, {
    content: "equality_deletes",
    equalityIds: [1],
    recordCount: 2,
    fileSizeInBytes: 9,
    ...more,
  });
}

/** A deletion vector of one row; `name` is the Puffin file, which may hold several. */
export function deletionVector(name: string, on: DataFile, contentOffset = 4): DataFile {
  return dataFile(name, {
    content: "position_deletes",
    filePath: `${LOCATION}/data/${name}.puffin`,
    fileFormat: "puffin",
    specId: on.specId,
    partition: on.partition,
    recordCount: 1,
    fileSizeInBytes: 1_000,
    referencedDataFile: on.filePath,
    contentOffset,
    contentSizeInBytes: 50,
  });
}

/** Metadata of an empty table. */
export function emptyMetadata(
  formatVersion: FormatVersion,
  overrides: Partial<TableMetadata> = {},
): TableMetadata {
  return {
    formatVersion,
    tableUuid: "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10",
    location: LOCATION,
    lastSequenceNumber: 0n,
    lastUpdatedMs: NOW_MS,
    lastColumnId: 2,
    schemas: [SCHEMA],
    currentSchemaId: 0,
    partitionSpecs: [BY_REGION, UNPARTITIONED],
    defaultSpecId: 0,
    lastPartitionId: 1000,
    sortOrders: [{ orderId: 0, fields: [] }],
    defaultSortOrderId: 0,
    properties: {},
    currentSnapshotId: null,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: new Map(),
    statistics: [],
    partitionStatistics: [],
    nextRowId: formatVersion === 3 ? 0n : null,
    encryptionKeys: [],
    extra: {},
    ...overrides,
  };
}

/** A table and its store. Commits are serialized by the metadata's identity, as a catalog does. */
export class TestTable implements TableStore {
  readonly io: MemoryFileIo;
  #current: LoadedTable;
  #version = 0;
  #operations = 0;
  #lastId = 1_000n;

  constructor(metadata: TableMetadata, io: MemoryFileIo = new MemoryFileIo()) {
    this.io = io;
    this.#current = this.#loaded(metadata);
  }

  get metadata(): TableMetadata {
    return this.#current.metadata;
  }

  /** The head of main; a table without one fails the test. */
  get head(): Snapshot {
    const { currentSnapshotId } = this.metadata;
    const head = currentSnapshotId === null ? undefined : this.snapshot(currentSnapshotId);
    if (head === undefined) throw new Error("The table has no snapshot");
    return head;
  }

  snapshot(id: bigint): Snapshot | undefined {
    return snapshotById(this.metadata, id);
  }

  load(): Promise<LoadedTable> {
    return Promise.resolve(this.#current);
  }

  commit(base: LoadedTable, change: TableChange): Promise<LoadedTable> {
    return Promise.resolve().then(() => {
      checkRequirements(change.requirements, this.metadata);
      if (base !== this.#current) throw lostRace();
      return this.#current = this.#loaded(change.metadata);
    });
  }

  /** Changes metadata behind everybody's back. */
  replace(metadata: TableMetadata): void {
    this.#current = this.#loaded(metadata);
  }

  /** An attempt at the table as it is now. */
  attempt(more: Partial<CommitAttempt> = {}): CommitAttempt {
    const table = more.table ?? this.#current;
    return {
      table,
      manifests: manifestSource(table.io, table.metadata),
      operationId: `op-${++this.#operations}`,
      attempt: 1,
      nowMs: NOW_MS,
      newSnapshotId: () => this.#lastId += 1n,
      ...more,
    };
  }

  /** Applies an action and commits it, once; it is settled either way. */
  async run(action: CommitAction, attempt: CommitAttempt = this.attempt()): Promise<LoadedTable> {
    let table: LoadedTable;
    try {
      table = await this.tryCommit(action, attempt);
    } catch (error) {
      await action.settle?.({ kind: "failed" });
      throw error;
    }
    await action.settle?.({ kind: "committed", table });
    return table;
  }

  /** Applies an action and commits it, without settling it. */
  async tryCommit(action: CommitAction, attempt: CommitAttempt): Promise<LoadedTable> {
    const { table, nowMs } = attempt;
    const { requirements, updates } = await action.apply(attempt);
    if (updates.length === 0) return this.#current;
    const metadata = applyUpdates(table.metadata, updates, { nowMs });
    return await this.commit(table, { requirements, updates, metadata });
  }

  /** Live files of a snapshot, the head of main by default. */
  live(snapshot: Snapshot = this.head): Promise<LiveFile[]> {
    const manifests = manifestSource(this.io, this.metadata);
    return Array.fromAsync(liveFiles({ snapshot, manifests }));
  }

  /** Names of live files, sorted; deletion vectors as `puffin@offset`. */
  async names(snapshot: Snapshot = this.head): Promise<string[]> {
    return (await this.live(snapshot)).map(({ entry }) => shortName(entry.dataFile)).sort();
  }

  /** Data files to read with the deletes that apply to each. */
  async plan(snapshot: Snapshot = this.head): Promise<Record<string, string[]>> {
    const { metadata } = this;
    const manifests = manifestSource(this.io, metadata);
    const tasks = await Array.fromAsync(planFiles({ metadata, snapshot, manifests }));
    return Object.fromEntries(tasks.map((task) => [
      shortName(task.dataFile),
      task.deletes.map((one) => shortName(one.dataFile)).sort(),
    ]));
  }

  manifests(snapshot: Snapshot = this.head): Promise<readonly ManifestFile[]> {
    return manifestSource(this.io, this.metadata).manifestsOf(snapshot);
  }

  /** Entries of every manifest, deleted ones included, in order. */
  async entries(snapshot: Snapshot = this.head): Promise<ManifestEntry[]> {
    const source = manifestSource(this.io, this.metadata);
    const lists = [];
    for (const manifest of await this.manifests(snapshot)) {
      lists.push(await source.entriesOf(manifest));
    }
    return lists.flat();
  }

  /** Locations in the store, sorted. */
  async files(): Promise<string[]> {
    const found = await Array.fromAsync(this.io.listRecursive(LOCATION));
    return found.map(({ location }) => location).sort();
  }

  #loaded(metadata: TableMetadata): LoadedTable {
    return {
      identifier: { namespace: ["db"], name: "events" },
      metadata,
      metadataLocation: `${LOCATION}/metadata/v${++this.#version}.metadata.json`,
      io: this.io,
      readOnly: null,
    };
  }
}

/** The last segment without its ending. */
export function shortName(file: DataFile): string {
  const stem = file.filePath.slice(file.filePath.lastIndexOf("/") + 1).replace(/\.[a-z]+$/, "");
  return file.fileFormat === "puffin" ? `${stem}@${file.contentOffset}` : stem;
}

/** Uploads of manifests, not of manifest lists. */
export function isManifest(location: string): boolean {
  return /-m\d+\.avro$/.test(location);
}

/** Uploads of manifest lists. */
export function isManifestList(location: string): boolean {
  return /\/snap-\d+-\d+-[^/]+\.avro$/.test(location);
}

function lostRace(): Error {
  return new Error("Another commit came first");
}
