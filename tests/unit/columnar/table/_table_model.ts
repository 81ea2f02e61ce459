/**
 * A table that is written with the real writers and kept beside as plain rows: what is read back must
 * be what the plain rows say.
 */
import { DataFileWriter } from "../../../../lib/columnar/table/data_file_writer.ts";
import { DeletionVectorWriter } from "../../../../lib/columnar/table/deletion_vector_writer.ts";
import { DeleteLoader } from "../../../../lib/columnar/table/deletes/delete_loader.ts";
import { PositionDeleteWriter } from "../../../../lib/columnar/table/position_delete_writer.ts";
import { readTask, type ReadTaskOptions } from "../../../../lib/columnar/table/read_task.ts";
import { alwaysTrue } from "../../../../lib/iceberg/expression/expression.ts";
import type { DataFile } from "../../../../lib/iceberg/manifest/data_file.ts";
import { DeleteIndex } from "../../../../lib/iceberg/scan/delete_index.ts";
import type { FileScanTask } from "../../../../lib/iceberg/scan/plan_files.ts";
import { applyTransform } from "../../../../lib/iceberg/spec/apply_transform.ts";
import { partitionKey } from "../../../../lib/iceberg/spec/partition_key.ts";
import type { PartitionSpec } from "../../../../lib/iceberg/spec/partition_spec.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField } from "../../../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../../../lib/storage/mod.ts";
import { batchOfRows, collectRows } from "../../../support/rows.ts";

/** The table's location. */
export const LOCATION = "/w/db/model";

const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] };

interface ModelRow {
  readonly file: string;
  readonly position: number;
  readonly sequenceNumber: bigint;
  readonly partition: string;
  readonly values: readonly IcebergValue[];
  live: boolean;
}

/** Options of {@linkcode TableModel}. */
export interface TableModelOptions {
  readonly schema: Schema;
  /** Spec 1; spec 0 is unpartitioned. */
  readonly spec?: PartitionSpec;
  readonly formatVersion?: 2 | 3;
  readonly properties?: Record<string, string>;
}

/** See the module comment. */
export class TableModel {
  readonly io = new MemoryFileIo();
  readonly schema: Schema;
  readonly spec: PartitionSpec;
  readonly rows: ModelRow[] = [];
  readonly dataFiles: { dataFile: DataFile; sequenceNumber: bigint }[] = [];
  deleteFiles: { dataFile: DataFile; sequenceNumber: bigint }[] = [];
  metadata: TableMetadata;
  #sequenceNumber = 0n;
  #operations = 0;

  constructor(
    { schema, spec = UNPARTITIONED, formatVersion = 2, properties = {} }: TableModelOptions,
  ) {
    this.schema = schema;
    this.spec = spec;
    this.metadata = {
      formatVersion,
      tableUuid: null,
      location: LOCATION,
      lastSequenceNumber: 0n,
      lastUpdatedMs: 0,
      lastColumnId: 100,
      schemas: [schema],
      currentSchemaId: schema.schemaId,
      partitionSpecs: spec === UNPARTITIONED ? [UNPARTITIONED] : [UNPARTITIONED, spec],
      defaultSpecId: spec.specId,
      lastPartitionId: 1010,
      sortOrders: [],
      defaultSortOrderId: 0,
      properties,
      currentSnapshotId: null,
      snapshots: [],
      snapshotLog: [],
      metadataLog: [],
      refs: new Map(),
      statistics: [],
      partitionStatistics: [],
      nextRowId: null,
      encryptionKeys: [],
      extra: {},
    };
  }

  /** Adds rows. */
  async append(rows: readonly (readonly IcebergValue[])[]): Promise<void> {
    const sequenceNumber = ++this.#sequenceNumber;
    const writer = new DataFileWriter({ ...this.#shared(), schema: this.schema, spec: this.spec });
    await writer.write(batchOfRows(this.schema.fields, rows));
    const files = await writer.finish();
    const byPartition = new Map<string, { file: DataFile; used: number }>();
    for (const file of files) {
      this.dataFiles.push({ dataFile: file, sequenceNumber });
      byPartition.set(partitionKey(0, file.partition), { file, used: 0 });
    }
    for (const values of rows) {
      const partition = partitionKey(0, this.partitionOf(values));
      const place = byPartition.get(partition);
      if (place === undefined) throw new TypeError(`No file was written for ${partition}`);
      this.rows.push({
        file: place.file.filePath,
        position: place.used++,
        sequenceNumber,
        partition,
        values,
        live: true,
      });
    }
  }

  /** Deletes rows by position, one in `every` that `which` chooses. */
  async deletePositions(which: (row: number) => boolean): Promise<void> {
    const sequenceNumber = ++this.#sequenceNumber;
    const writer = this.metadata.formatVersion === 2
      ? new PositionDeleteWriter(this.#shared())
      : new DeletionVectorWriter({ ...this.#shared(), deletes: new DeleteLoader({ io: this.io }) });
    const index = this.#index();
    for (const { dataFile, sequenceNumber } of this.dataFiles) {
      const own = this.rows.filter((row, at) => row.file === dataFile.filePath && which(at));
      for (const row of own) row.live = false;
      const before = index.forFile(dataFile, sequenceNumber).map((file) => file.dataFile);
      if (own.length > 0) writer.add(dataFile, own.map((row) => row.position), before);
    }
    const written = await writer.finish();
    const { added, replaced } = "added" in written ? written : { added: written, replaced: [] };
    this.deleteFiles = this.deleteFiles.filter(({ dataFile }) => !replaced.includes(dataFile));
    for (const dataFile of added) this.deleteFiles.push({ dataFile, sequenceNumber });
  }

  /** Deletes rows that are equal to one of `keys` in the columns, by the order that the keys have. */
  async deleteEqual(
    equalityIds: readonly number[],
    keys: readonly (readonly IcebergValue[])[],
    options: { readonly fields?: readonly NestedField[]; readonly isGlobal?: boolean } = {},
  ): Promise<void> {
    const sequenceNumber = ++this.#sequenceNumber;
    const { fields = this.schema.fields, isGlobal = true } = options;
    const schema = new Schema({ schemaId: 9, fields, identifierFieldIds: [] });
    const spec = isGlobal ? UNPARTITIONED : this.spec;
    const writer = new DataFileWriter({ ...this.#shared(), schema, spec, equalityIds });
    await writer.write(batchOfRows(fields, keys));
    for (const dataFile of await writer.finish()) {
      this.deleteFiles.push({ dataFile, sequenceNumber });
    }
    const keyOf = (row: readonly IcebergValue[], columns: readonly NestedField[]) =>
      JSON.stringify(equalityIds.map((id) => exactText(valueAt(row, columns, id))));
    const gone = new Map(keys.map((key) => [
      keyOf(key, fields),
      isGlobal ? null : partitionKey(0, this.partitionOf(key)),
    ]));
    const goneIn = new Set(
      keys.map((key) =>
        `${isGlobal ? "" : partitionKey(0, this.partitionOf(key))} ${keyOf(key, fields)}`
      ),
    );
    for (const row of this.rows) {
      if (row.sequenceNumber >= sequenceNumber || gone.size === 0) continue;
      const key = `${isGlobal ? "" : row.partition} ${keyOf(row.values, this.schema.fields)}`;
      if (goneIn.has(key)) row.live = false;
    }
  }

  /** The partition of a row. */
  partitionOf(row: readonly IcebergValue[]): IcebergValue[] {
    return this.spec.fields.map(({ sourceIds, transform }) => {
      const [id = -1] = sourceIds;
      const type = this.schema.findById(id)?.field.type ?? { kind: "unknown" };
      return applyTransform(transform, type, valueAt(row, this.schema.fields, id));
    });
  }

  /** The rows that are left, as the model has them. */
  liveRows(): (readonly IcebergValue[])[] {
    return this.rows.filter((row) => row.live).map((row) => row.values);
  }

  /** What a scan of all files gives. */
  tasks(residual: FileScanTask["residual"] = alwaysTrue): FileScanTask[] {
    const index = this.#index();
    return this.dataFiles.map(({ dataFile, sequenceNumber }) => ({
      dataFile,
      sequenceNumber,
      fileSequenceNumber: sequenceNumber,
      snapshotId: 1n,
      deletes: index.forFile(dataFile, sequenceNumber),
      residual,
      spec: this.spec,
    }));
  }

  /** Reads the table's rows. */
  async read(
    options: Partial<ReadTaskOptions> = {},
    tasks: readonly FileScanTask[] = this.tasks(),
  ): Promise<IcebergValue[][]> {
    const { io, metadata } = this;
    const schema = options.schema ?? this.schema;
    const deletes = options.deletes ?? new DeleteLoader({ io });
    const rows: IcebergValue[][] = [];
    for (const task of tasks) {
      const batches = readTask(task, { io, metadata, deletes, ...options, schema });
      rows.push(...await collectRows(batches, options.fields ?? schema.fields));
    }
    return rows;
  }

  #index(): DeleteIndex {
    return new DeleteIndex(this.metadata, this.deleteFiles);
  }

  #shared() {
    const operationId = `op-${++this.#operations}`;
    return { io: this.io, metadata: this.metadata, operationId };
  }
}

/** The value of a column, however deep in structs; null below a null struct. */
export function valueAt(
  row: readonly IcebergValue[],
  fields: readonly NestedField[],
  id: number,
): IcebergValue {
  for (const [at, field] of fields.entries()) {
    const value = row[at] ?? null;
    if (field.id === id) return value;
    if (field.type.kind !== "struct") continue;
    if (!partitionHas(field.type.fields, id)) continue;
    return value === null ? null : valueAt(value as readonly IcebergValue[], field.type.fields, id);
  }
  throw new TypeError(`No column ${id}`);
}

function partitionHas(fields: readonly NestedField[], id: number): boolean {
  return fields.some((field) =>
    field.id === id || (field.type.kind === "struct" && partitionHas(field.type.fields, id))
  );
}

/** A text that two values share exactly if equality deletes hold them for equal. */
function exactText(value: IcebergValue): string {
  if (Object.is(value, -0)) return "-0";
  if (value instanceof Uint8Array) return `bytes ${value.toHex()}`;
  return `${typeof value} ${String(value)}`;
}
