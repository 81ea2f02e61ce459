/** A table of real Parquet files in memory, with writers of rows and of deletes of every kind. */
import type { RecordBatch } from "apache-arrow";
import {
  DataFileWriter,
  DeleteLoader,
  FILE_COLUMN,
  POSITION_COLUMN,
  readTask,
  ROW_LINEAGE_COLUMNS,
} from "../../../lib/columnar/mod.ts";
import {
  encodeRowGroup,
  ParquetAssembler,
  writeSettings,
} from "../../../lib/columnar/parquet/mod.ts";
import { DeletionVectorWriter } from "../../../lib/columnar/table/deletion_vector_writer.ts";
import { PositionDeleteWriter } from "../../../lib/columnar/table/position_delete_writer.ts";
import { fastAppend } from "../../../lib/iceberg/commit/snapshot/fast_append.ts";
import { rowDelta } from "../../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { CommitAction } from "../../../lib/iceberg/commit/commit_action.ts";
import { commitTransaction } from "../../../lib/iceberg/commit/transaction.ts";
import type { DataFile } from "../../../lib/iceberg/manifest/data_file.ts";
import { manifestSource } from "../../../lib/iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../lib/iceberg/scan/plan_files.ts";
import { Schema } from "../../../lib/iceberg/spec/schema.ts";
import type { Snapshot } from "../../../lib/iceberg/spec/snapshot.ts";
import {
  currentSchema,
  currentSnapshot,
  defaultSpec,
  snapshotById,
  type TableMetadata,
} from "../../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField } from "../../../lib/iceberg/spec/types.ts";
import { uuidV7 } from "../../../lib/uuid_v7.ts";
import { emptyTable } from "../commit_fixture.ts";
import { MemoryTableStore } from "../memory_table_store.ts";
import { batchOfRows, rowsOfBatch } from "../rows.ts";

/** A row. */
export type Row = readonly IcebergValue[];

/** Waits of commits that tests can live with. */
const IMPATIENT = { "commit.retry.min-wait-ms": "1", "commit.retry.max-wait-ms": "2" };

/** See the module comment. */
export class ParquetTable {
  readonly store: MemoryTableStore;
  #tasks = 0;

  constructor(more: Partial<TableMetadata> & { readonly schemas: readonly Schema[] }) {
    const formatVersion = more.formatVersion ?? 2;
    const ids = more.schemas.map((schema) => schema.highestFieldId());
    this.store = new MemoryTableStore({
      metadata: emptyTable({
        location: "/warehouse/db/real",
        lastColumnId: Math.max(...ids),
        nextRowId: formatVersion === 3 ? 0n : null,
        ...more,
        properties: { ...IMPATIENT, ...more.properties },
      }),
    });
  }

  get metadata(): TableMetadata {
    return this.store.table.metadata;
  }

  get schema(): Schema {
    return currentSchema(this.metadata);
  }

  get snapshot(): Snapshot {
    const snapshot = currentSnapshot(this.metadata);
    if (snapshot === undefined) throw new TypeError("There is no snapshot yet");
    return snapshot;
  }

  /** Appends rows as one snapshot; a file for each partition. */
  async append(rows: Iterable<Row>): Promise<readonly DataFile[]> {
    const files = await this.write(rows);
    await this.commit(fastAppend({ files }));
    return files;
  }

  /** Writes rows that some commit is to add; a file for each partition. */
  async write(rows: Iterable<Row>): Promise<readonly DataFile[]> {
    const writer = new DataFileWriter({
      io: this.store.io,
      metadata: this.metadata,
      schema: this.schema,
      spec: defaultSpec(this.metadata),
      operationId: uuidV7(Date.now()),
      taskId: this.#tasks++,
    });
    await writer.write(batchOfRows(this.schema.fields, rows));
    return await writer.finish();
  }

  /** Deletes rows by position: a position delete file, or in v3 deletion vectors. */
  async deleteWhere(matches: (row: Row) => boolean): Promise<void> {
    const { io } = this.store;
    const { metadata } = this;
    const deletes = new DeleteLoader({ io });
    const options = { io, metadata, operationId: uuidV7(Date.now()), taskId: this.#tasks++ };
    const vectors = metadata.formatVersion >= 3
      ? new DeletionVectorWriter({ ...options, deletes })
      : null;
    const positions = vectors === null ? new PositionDeleteWriter(options) : null;
    const referenced = new Set<string>();
    for (const task of await this.tasks()) {
      const hit = (await this.#read(task, [...this.schema.fields, POSITION_COLUMN]))
        .filter((row) => matches(row)).map((row) => Number(row.at(-1)));
      if (hit.length === 0) continue;
      referenced.add(task.dataFile.filePath);
      positions?.add(task.dataFile, hit);
      vectors?.add(task.dataFile, hit, task.deletes.map(({ dataFile }) => dataFile));
    }
    const written = await vectors?.finish();
    const added = written?.added ?? await positions?.finish() ?? [];
    const startingSnapshotId = this.snapshot.snapshotId;
    await this.commit(rowDelta({
      deletes: added,
      startingSnapshotId,
      referencedDataFiles: [...referenced],
    }));
  }

  /** Deletes rows by the values of some columns, in all partitions of an unpartitioned table. */
  async deleteEqual(fields: readonly NestedField[], rows: Iterable<Row>): Promise<void> {
    const { io } = this.store;
    const schema = new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
    const filePath = `${this.metadata.location}/data/equality-${this.#tasks++}.parquet`;
    const assembler = new ParquetAssembler(await io.openWriter(filePath), { schema });
    const settings = writeSettings({});
    const batch = batchOfRows(fields, rows);
    await assembler.append(encodeRowGroup([batch], { schema, settings, metrics: new Map() }));
    const { sizeBytes, recordCount } = await assembler.finish();
    await this.commit(rowDelta({
      deletes: [{
        ...NO_FACTS,
        content: "equality_deletes",
        filePath,
        recordCount,
        fileSizeInBytes: sizeBytes,
        equalityIds: fields.map(({ id }) => id),
      }],
    }));
  }

  async commit(action: CommitAction): Promise<void> {
    await commitTransaction(this.store, [action], { operationId: uuidV7(Date.now()) });
  }

  /** Live data files with their deletes. */
  async tasks(snapshotId?: bigint): Promise<readonly FileScanTask[]> {
    const { metadata } = this;
    const manifests = manifestSource(this.store.io, metadata);
    const snapshot = snapshotId === undefined
      ? this.snapshot
      : snapshotById(metadata, snapshotId) ?? this.snapshot;
    return await Array.fromAsync(planFiles({ metadata, snapshot, manifests, rows: "all" }));
  }

  /** Live rows, in the order of files; in v3 with what identifies them behind. */
  async rows(): Promise<IcebergValue[][]> {
    const lineage = this.metadata.formatVersion >= 3 ? ROW_LINEAGE_COLUMNS : [];
    return await this.read([...this.schema.fields, ...lineage]);
  }

  /** The live rows of each file by its location. */
  async rowsByFile(): Promise<ReadonlyMap<string, IcebergValue[][]>> {
    const found = new Map<string, IcebergValue[][]>();
    for (const row of await this.read([FILE_COLUMN, ...this.schema.fields])) {
      const [file, ...values] = row;
      found.set(String(file), [...found.get(String(file)) ?? [], values]);
    }
    return found;
  }

  /** Live rows with these fields, of the current snapshot unless another is named. */
  async read(fields: readonly NestedField[], snapshotId?: bigint): Promise<IcebergValue[][]> {
    const rows: IcebergValue[][][] = [];
    for (const task of await this.tasks(snapshotId)) rows.push(await this.#read(task, fields));
    return rows.flat();
  }

  async #read(task: FileScanTask, fields: readonly NestedField[]): Promise<IcebergValue[][]> {
    const { io } = this.store;
    const { metadata, schema } = this;
    const batches: RecordBatch[] = await Array.fromAsync(
      readTask(task, { io, metadata, schema, fields }),
    );
    return batches.flatMap((batch) => rowsOfBatch(batch, fields));
  }
}

/** Rows as texts, sorted: equal for tables of equal rows, in whatever order. */
export function rowSet(rows: Iterable<Row>): readonly string[] {
  return [...rows].map((row) =>
    JSON.stringify(
      row,
      (_, value) =>
        typeof value === "bigint"
          ? `${value}n`
          : value instanceof Uint8Array
          ? value.toHex()
          : Object.is(value, -0)
          ? "-0"
          : typeof value === "number" && !Number.isFinite(value)
          ? String(value)
          : value,
    )
  ).sort();
}

const NO_FACTS = {
  fileFormat: "parquet",
  specId: 0,
  partition: [],
  columnSizes: null,
  valueCounts: null,
  nullValueCounts: null,
  nanValueCounts: null,
  lowerBounds: null,
  upperBounds: null,
  keyMetadata: null,
  splitOffsets: null,
  sortOrderId: null,
  firstRowId: null,
  referencedDataFile: null,
  contentOffset: null,
  contentSizeInBytes: null,
} as const;
