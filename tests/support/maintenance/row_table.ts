/**
 * A table whose rows are numbers and whose files are JSON: everything about it is real but Parquet,
 * so that what commits do to rows can be told quickly, and by a reader that is a few lines long.
 */
import { fastAppend } from "../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { rowDelta } from "../../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { CommitAction } from "../../../lib/iceberg/commit/commit_action.ts";
import type { TableStore } from "../../../lib/iceberg/commit/table_store.ts";
import { commitTransaction } from "../../../lib/iceberg/commit/transaction.ts";
import type { DataFile } from "../../../lib/iceberg/manifest/data_file.ts";
import { manifestSource } from "../../../lib/iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../lib/iceberg/scan/plan_files.ts";
import type { PartitionSpec } from "../../../lib/iceberg/spec/partition_spec.ts";
import type { Snapshot } from "../../../lib/iceberg/spec/snapshot.ts";
import { currentSnapshot, type TableMetadata } from "../../../lib/iceberg/spec/table_metadata.ts";
import type { PlannedGroup, PlanningState } from "../../../lib/maintenance/jobs/mod.ts";
import type { FileIo } from "../../../lib/iceberg/ports.ts";
import { uuidV7 } from "../../../lib/uuid_v7.ts";
import { column, emptyTable, HeldRuntime } from "../commit_fixture.ts";
import { MemoryTableStore } from "../memory_table_store.ts";
import { Schema } from "../../../lib/iceberg/spec/schema.ts";

/** Where the table lies. */
export const ROW_TABLE_LOCATION = "/warehouse/db/rows";

/** Partitioned by region. */
export const BY_REGION: PartitionSpec = {
  specId: 0,
  fields: [{ sourceIds: [2], fieldId: 1000, name: "region", transform: { kind: "identity" } }],
};

const SCHEMA = new Schema({
  schemaId: 0,
  identifierFieldIds: [],
  fields: [column(1, "id"), column(2, "region", { kind: "string" })],
});

/** Jobs wait by the clock on the wall. */
const IMPATIENT = {
  "commit.retry.min-wait-ms": "1",
  "commit.retry.max-wait-ms": "2",
  "commit.status-check.min-wait-ms": "1",
  "commit.status-check.max-wait-ms": "2",
};

/** Deletes as the files of this table hold them. */
type StoredDeletes =
  | { readonly positions: readonly (readonly [path: string, position: number])[] }
  | { readonly values: readonly number[] };

/** Rows by the hundred bytes: the size that a data file claims. */
export const BYTES_PER_ROW = 100;

let made = 0;

/** A table of numbers. */
export class RowTable {
  readonly store: MemoryTableStore;
  readonly runtime = new HeldRuntime();

  constructor(more: Partial<TableMetadata> = {}) {
    const formatVersion = more.formatVersion ?? 2;
    this.store = new MemoryTableStore({
      metadata: emptyTable({
        location: ROW_TABLE_LOCATION,
        schemas: [SCHEMA],
        lastColumnId: 2,
        partitionSpecs: [BY_REGION],
        lastPartitionId: 1000,
        nextRowId: formatVersion === 3 ? 0n : null,
        ...more,
        properties: { ...IMPATIENT, ...more.properties },
      }),
      nowMs: () => this.runtime.clock.now(),
    });
  }

  /** The state that an operation would be planned in now. */
  get state(): PlanningState {
    const { table } = this.store;
    const snapshot = currentSnapshot(table.metadata);
    if (snapshot === undefined) throw new TypeError("Cannot plan in an empty table");
    return { table, snapshot };
  }

  /** Appends one data file. */
  async append(rows: readonly number[], region = "eu"): Promise<DataFile> {
    const file = await writeRows(this.store.io, rows, { region });
    await this.commit(fastAppend({ files: [file] }));
    return file;
  }

  /** Deletes rows by their positions; one delete file, or in v3 a vector, for each data file. */
  async deleteRows(rows: readonly number[]): Promise<void> {
    const { metadata } = this.store.table;
    const deletes: DataFile[] = [];
    for (const task of await this.tasks()) {
      const all = await readJson<number[]>(this.store.io, task.dataFile.filePath);
      const gone = await positionsOf(this.store.io, task);
      const hit = all.flatMap((row, position) =>
        rows.includes(row) && !gone.has(position) ? [position] : []
      );
      if (hit.length === 0) continue;
      const isVector = metadata.formatVersion === 3;
      const positions = isVector ? [...gone, ...hit] : hit;
      deletes.push(
        await writeDeletes(this.store.io, task.dataFile, {
          deletes: { positions: positions.map((at) => [task.dataFile.filePath, at]) },
          of: task.dataFile.filePath,
          isVector,
        }),
      );
    }
    const startingSnapshotId = this.state.snapshot.snapshotId;
    await this.commit(rowDelta({ deletes, startingSnapshotId }));
  }

  /** Deletes rows by position in one file for the whole region. */
  async deleteInRegion(rows: readonly number[], region = "eu"): Promise<void> {
    const positions: [string, number][] = [];
    let sample: DataFile | null = null;
    for (const { dataFile } of await this.tasks()) {
      if (dataFile.partition[0] !== region) continue;
      sample ??= dataFile;
      const all = await readJson<number[]>(this.store.io, dataFile.filePath);
      all.forEach((row, at) => rows.includes(row) && positions.push([dataFile.filePath, at]));
    }
    if (sample === null) throw new TypeError(`There are no rows in "${region}"`);
    const file = await writeDeletes(this.store.io, sample, {
      deletes: { positions },
      of: null,
      isVector: false,
    });
    const startingSnapshotId = this.state.snapshot.snapshotId;
    await this.commit(rowDelta({
      deletes: [file],
      startingSnapshotId,
      referencedDataFiles: [...new Set(positions.map(([path]) => path))],
    }));
  }

  /** Deletes every row of the region that has one of these values and is there already. */
  async deleteEqual(
    values: readonly number[],
    region = "eu",
    more: Partial<DataFile> = {},
  ): Promise<void> {
    const file = await writeDeletes(this.store.io, { partition: [region] }, {
      deletes: { values },
      of: null,
      isVector: false,
    });
    await this.commit(rowDelta({ deletes: [{ ...file, ...more }] }));
  }

  /** Commits as another writer would. */
  async commit(action: CommitAction, store: TableStore = this.store): Promise<void> {
    this.runtime.advance(1);
    const operationId = uuidV7(this.runtime.clock.now());
    await commitTransaction(store, [action], { operationId, runtime: this.runtime });
  }

  /** Live data files with their deletes. */
  async tasks(snapshot: Snapshot = this.state.snapshot): Promise<readonly FileScanTask[]> {
    const { metadata, io } = this.store.table;
    const manifests = manifestSource(io, metadata);
    return await Array.fromAsync(planFiles({ metadata, snapshot, manifests, rows: "all" }));
  }

  /** Every row that a reader sees, sorted. */
  async rows(snapshot?: Snapshot): Promise<readonly number[]> {
    const found: number[] = [];
    for (const task of await this.tasks(snapshot)) {
      found.push(...await liveRows(this.store.io, task));
    }
    return found.sort((a, b) => a - b);
  }

  /** Locations of rewritten files that are in no snapshot of the table. */
  async strayData(): Promise<readonly string[]> {
    const live = new Set<string>();
    for (const snapshot of this.store.table.metadata.snapshots) {
      for (const { dataFile } of await this.tasks(snapshot)) live.add(dataFile.filePath);
    }
    return this.store.io.locations()
      .filter((path) => path.includes("/data/") && path.includes("rewritten") && !live.has(path));
  }
}

/** Rewrites a group of a {@linkcode RowTable}, into files as large as the plan says. */
export async function rewriteRows(
  group: PlannedGroup,
  { table }: PlanningState,
): Promise<readonly DataFile[]> {
  const rows: number[] = [];
  for (const task of group.files) rows.push(...await liveRows(table.io, task));
  const region = String(group.files[0]?.dataFile.partition[0] ?? "eu");
  const perFile = Math.floor(group.outputs.rollBytes / BYTES_PER_ROW);
  const files: DataFile[] = [];
  for (let at = 0; at < rows.length; at += perFile) {
    const some = rows.slice(at, at + perFile);
    files.push(await writeRows(table.io, some, { region, prefix: "rewritten" }));
  }
  return files;
}

async function liveRows(io: FileIo, task: FileScanTask): Promise<readonly number[]> {
  const rows = await readJson<number[]>(io, task.dataFile.filePath);
  const gone = await positionsOf(io, task);
  const values = new Set<number>();
  for (const { dataFile } of task.deletes) {
    const stored = await readJson<StoredDeletes>(io, dataFile.filePath);
    if ("values" in stored) { for (const value of stored.values) values.add(value); }
  }
  return rows.filter((row, position) => !gone.has(position) && !values.has(row));
}

async function positionsOf(io: FileIo, task: FileScanTask): Promise<ReadonlySet<number>> {
  const gone = new Set<number>();
  for (const { dataFile } of task.deletes) {
    const stored = await readJson<StoredDeletes>(io, dataFile.filePath);
    if (!("positions" in stored)) continue;
    for (const [path, at] of stored.positions) if (path === task.dataFile.filePath) gone.add(at);
  }
  return gone;
}

/** A data file that is only claimed to be there. */
export function claimedFile(name: string, partition: DataFile["partition"]): DataFile {
  const filePath = `${ROW_TABLE_LOCATION}/data/${name}.parquet`;
  return {
    ...NO_FACTS,
    content: "data",
    filePath,
    partition,
    recordCount: 1,
    fileSizeInBytes: BYTES_PER_ROW,
  };
}

async function writeRows(
  io: FileIo,
  rows: readonly number[],
  { region, prefix = "appended" }: { readonly region: string; readonly prefix?: string },
): Promise<DataFile> {
  const filePath = `${ROW_TABLE_LOCATION}/data/region=${region}/${prefix}-${made++}.parquet`;
  await io.createIfAbsent(filePath, new TextEncoder().encode(JSON.stringify(rows)));
  return {
    ...NO_FACTS,
    content: "data",
    filePath,
    partition: [region],
    recordCount: rows.length,
    fileSizeInBytes: rows.length * BYTES_PER_ROW,
  };
}

async function writeDeletes(
  io: FileIo,
  beside: Pick<DataFile, "partition">,
  { deletes, of, isVector }: {
    readonly deletes: StoredDeletes;
    readonly of: string | null;
    readonly isVector: boolean;
  },
): Promise<DataFile> {
  const ending = isVector ? "puffin" : "parquet";
  const filePath = `${ROW_TABLE_LOCATION}/data/deletes-${made++}.${ending}`;
  await io.createIfAbsent(filePath, new TextEncoder().encode(JSON.stringify(deletes)));
  const isEquality = "values" in deletes;
  return {
    ...NO_FACTS,
    content: isEquality ? "equality_deletes" : "position_deletes",
    filePath,
    fileFormat: ending,
    partition: beside.partition,
    recordCount: isEquality ? deletes.values.length : deletes.positions.length,
    fileSizeInBytes: 50,
    equalityIds: isEquality ? [1] : null,
    referencedDataFile: of,
    contentOffset: isVector ? 4 : null,
    contentSizeInBytes: isVector ? 40 : null,
  };
}

const NO_FACTS = {
  fileFormat: "parquet",
  specId: 0,
  columnSizes: null,
  valueCounts: null,
  nullValueCounts: null,
  nanValueCounts: null,
  lowerBounds: null,
  upperBounds: null,
  keyMetadata: null,
  splitOffsets: null,
  equalityIds: null,
  sortOrderId: null,
  firstRowId: null,
  referencedDataFile: null,
  contentOffset: null,
  contentSizeInBytes: null,
} as const;

async function readJson<T>(io: FileIo, location: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await io.read(location)));
}
