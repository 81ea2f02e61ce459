/**
 * A table that drls writes, beside the plain rows that it must have: every change is made to both,
 * and rows know nothing of files.
 */
import assert from "node:assert/strict";
import type { Catalog, TableDefinition } from "../../../lib/catalog/mod.ts";
import {
  DataFileWriter,
  DeleteLoader,
  DeletionVectorWriter,
  POSITION_COLUMN,
  PositionDeleteWriter,
  readTask,
} from "../../../lib/columnar/mod.ts";
import type { CommitAction } from "../../../lib/iceberg/commit/commit_action.ts";
import { rowDelta } from "../../../lib/iceberg/commit/snapshot/row_delta.ts";
import { LAST_ADDED } from "../../../lib/iceberg/commit/table_update.ts";
import { type SpecChange, updateSpec } from "../../../lib/iceberg/evolve/update_spec.ts";
import { formatIdentifier, type LoadedTable } from "../../../lib/iceberg/ports.ts";
import { ALL_DATA_FILE_COLUMNS } from "../../../lib/iceberg/manifest/read_manifest.ts";
import { manifestSource } from "../../../lib/iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../../lib/iceberg/scan/plan_files.ts";
import type { PartitionSpec } from "../../../lib/iceberg/spec/partition_spec.ts";
import type { Schema } from "../../../lib/iceberg/spec/schema.ts";
import {
  currentSchema,
  currentSnapshot,
  defaultSpec,
} from "../../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField, Type } from "../../../lib/iceberg/spec/types.ts";
import type { ColumnChange } from "../../../lib/tables/contract/change_jobs.ts";
import { uuidV7 } from "../../../lib/uuid_v7.ts";
import { readRows } from "../../support/read_table.ts";
import { batchOfRows, collectRows, rowText } from "../../support/rows.ts";
import { commitOne } from "../../support/writable_tables.ts";
import { TableJobs } from "./run_jobs.ts";

/** A row as the current schema has it, the row's number first. */
export type ModelRow = readonly IcebergValue[];

/** See the module comment. */
export class ModelTable {
  readonly name: string;
  readonly jobs: TableJobs;
  schema: Schema;
  rows: ModelRow[] = [];
  /** Whether equality deletes apply to some of the rows. */
  hasEqualityDeletes = false;
  /** Whether rows are deleted from files that still have them. */
  hasDeletes = false;
  /** Whether some files have another schema than the current one. */
  hasOldFiles = false;
  /** Ids of columns that some spec splits by. */
  readonly partitioned = new Set<number>();
  #nextId = 0n;

  private constructor(name: string, jobs: TableJobs, schema: Schema) {
    this.name = name;
    this.jobs = jobs;
    this.schema = schema;
  }

  /** Creates the table. */
  static async create(catalog: Catalog, definition: TableDefinition): Promise<ModelTable> {
    await catalog.createTable(definition);
    const jobs = new TableJobs(catalog, definition.identifier);
    const { metadata } = await (await jobs.store()).load();
    const name = formatIdentifier(definition.identifier);
    const table = new ModelTable(name, jobs, currentSchema(metadata));
    table.#noteSpec(defaultSpec(metadata));
    return table;
  }

  /** The table as it is now. */
  async load(): Promise<LoadedTable> {
    return await (await this.jobs.store()).load();
  }

  /** The rows, as all engines must show them. */
  expected(): readonly string[] {
    return this.rows.map((row) => rowText(row, this.schema.fields));
  }

  /** The rows as drls reads them. */
  async own(): Promise<readonly string[]> {
    const { io, metadata } = await this.load();
    const { rows, fields } = await readRows(io, metadata);
    return rows.map((row) => rowText(row, fields));
  }

  /** Live data files. */
  async files(): Promise<readonly FileScanTask[]> {
    const { io, metadata } = await this.load();
    const snapshot = currentSnapshot(metadata);
    assert(snapshot !== undefined);
    const manifests = manifestSource(io, metadata);
    const columns = ALL_DATA_FILE_COLUMNS;
    return await Array.fromAsync(
      planFiles({ metadata, snapshot, manifests, rows: "all", columns }),
    );
  }

  /** Appends rows; their number is put first. */
  async append(rows: readonly ModelRow[]): Promise<void> {
    const numbered = rows.map(([, ...rest]): ModelRow => [this.#nextId++, ...rest]);
    const receipt = await this.jobs.append(this.schema.fields, numbered);
    assert.equal(receipt.appended_rows_count, rows.length);
    this.rows.push(...numbered);
  }

  /** Deletes rows by position. */
  async deletePositions(matches: (id: bigint) => boolean): Promise<void> {
    const { io, metadata } = await this.load();
    const options = { io, metadata, operationId: uuidV7(Date.now()) };
    const writer = metadata.formatVersion === 3
      ? new DeletionVectorWriter({ ...options, deletes: new DeleteLoader({ io }) })
      : new PositionDeleteWriter(options);
    const referencedDataFiles: string[] = [];
    const { schema } = this;
    const fields = [...schema.fields.slice(0, 1), POSITION_COLUMN];
    for (const task of await this.files()) {
      const batches = readTask(task, { io, metadata, schema, fields });
      const hit = (await collectRows(batches, fields)).filter(([id]) => matches(id as bigint));
      if (hit.length === 0) continue;
      referencedDataFiles.push(task.dataFile.filePath);
      const before = task.deletes.map(({ dataFile }) => dataFile);
      writer.add(task.dataFile, hit.map(([, position]) => Number(position)), before);
    }
    const written = await writer.finish();
    const { added, replaced } = "added" in written ? written : { added: written, replaced: [] };
    await this.commit(rowDelta({
      deletes: added,
      removedDeletes: replaced.map((dataFile) => ({ dataFile })),
      startingSnapshotId: currentSnapshot(metadata)?.snapshotId ?? null,
      referencedDataFiles,
    }));
    this.rows = this.rows.filter(([id]) => !matches(id as bigint));
    this.hasDeletes = true;
  }

  /** Deletes rows by their number, with an equality delete file for each partition that has any. */
  async deleteEqual(matches: (id: bigint) => boolean): Promise<void> {
    const { io, metadata } = await this.load();
    const { schema } = this;
    const writer = new DataFileWriter({
      io,
      metadata,
      schema,
      spec: defaultSpec(metadata),
      operationId: uuidV7(Date.now()),
      equalityIds: [schema.fields[0]?.id ?? 0],
    });
    const gone = this.rows.filter(([id]) => matches(id as bigint));
    await writer.write(batchOfRows(schema.fields, gone));
    await this.commit(rowDelta({ deletes: await writer.finish() }));
    this.rows = this.rows.filter((row) => !gone.includes(row));
    this.hasEqualityDeletes = this.hasDeletes = true;
  }

  /** Changes one column, of the table and of the rows. */
  async evolve(change: ColumnChange): Promise<void> {
    const before = this.schema;
    await this.jobs.evolve(change);
    this.schema = currentSchema((await this.load()).metadata);
    const [from, to] = [before.asStruct(), this.schema.asStruct()];
    this.rows = this.rows.map((row) => evolved(row, { from, to }) as ModelRow);
    this.hasOldFiles = true;
  }

  /** Splits what is written from now on otherwise. */
  async respec(changes: readonly SpecChange[]): Promise<void> {
    await this.commit({
      name: "evolve spec",
      apply: ({ table: { metadata } }) => {
        const { spec } = updateSpec(currentSchema(metadata), changes, metadata);
        this.#noteSpec(spec);
        const { defaultSpecId } = metadata;
        return Promise.resolve({
          requirements: [{ type: "assert-default-spec-id", defaultSpecId }],
          updates: [
            { action: "add-spec", spec },
            { action: "set-default-spec", specId: LAST_ADDED },
          ],
        });
      },
    });
  }

  #noteSpec({ fields }: PartitionSpec): void {
    for (const { sourceIds: [id] } of fields) if (id !== undefined) this.partitioned.add(id);
  }

  /** Commits. */
  async commit(action: CommitAction): Promise<void> {
    await commitOne(await this.jobs.store(), action);
  }

  /** Rewrites everything. */
  async compact(more: Parameters<TableJobs["compact"]>[0] = {}): Promise<void> {
    await this.jobs.compact(more);
    this.hasEqualityDeletes = this.hasDeletes = this.hasOldFiles = false;
  }
}

/** A value of one type in another that the first may evolve to, by field ids. */
export function evolved(
  value: IcebergValue,
  { from, to }: { readonly from: Type; readonly to: Type },
): IcebergValue {
  if (value === null) return null;
  if (from.kind === "struct" && to.kind === "struct") {
    return to.fields.map((field) => evolvedField(value as ModelRow, from.fields, field));
  }
  if (from.kind === "list" && to.kind === "list") {
    const types = { from: from.element, to: to.element };
    return (value as ModelRow).map((item) => evolved(item, types));
  }
  if (from.kind === "map" && to.kind === "map") {
    return (value as readonly ModelRow[]).map(([key = null, item = null]) => [
      evolved(key, { from: from.key, to: to.key }),
      evolved(item, { from: from.value, to: to.value }),
    ]);
  }
  return from.kind === "int" && to.kind === "long" ? BigInt(value as number) : value;
}

function evolvedField(
  values: ModelRow,
  fields: readonly NestedField[],
  to: NestedField,
): IcebergValue {
  const at = fields.findIndex(({ id }) => id === to.id);
  const from = fields[at];
  if (from === undefined) return to.initialDefault ?? null;
  return evolved(values[at] ?? null, { from: from.type, to: to.type });
}
