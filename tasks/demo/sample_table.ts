/**
 * One sample table, changed through the commits that the server itself makes, at the times that its
 * story tells: nothing of it is faked afterwards.
 */
import type { Catalog } from "../../lib/catalog/mod.ts";
import { openTableStore } from "../../lib/catalog/commit/mod.ts";
import {
  BatchBuilder,
  DataFileWriter,
  DeleteLoader,
  DeletionVectorWriter,
} from "../../lib/columnar/mod.ts";
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import { systemCommitRuntime } from "../../lib/iceberg/commit/commit_runtime.ts";
import { mergeAppend } from "../../lib/iceberg/commit/snapshot/merge_append.ts";
import { rowDelta } from "../../lib/iceberg/commit/snapshot/row_delta.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import { commitTransaction } from "../../lib/iceberg/commit/transaction.ts";
import { defineTable, type TableTexts } from "../../lib/iceberg/ddl/define_table.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../lib/iceberg/ports.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import {
  currentSchema,
  currentSnapshot,
  defaultSpec,
} from "../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue } from "../../lib/iceberg/spec/types.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";
import { bulkFileIo } from "./bulk_file_io.ts";

/** A row: values in the order of the columns. */
export type Row = readonly IcebergValue[];

/** A column: its name, its SQL type, with `!` behind it where it is required, and a comment. */
export type ColumnText = readonly [name: string, type: string, comment?: string];

/** What makes a sample table. */
export interface SampleDefinition {
  readonly namespace: string;
  readonly name: string;
  readonly columns: readonly ColumnText[];
  readonly partitionBy?: readonly string[];
  readonly identifierColumns?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly formatVersion?: TableTexts["format_version"];
}

/** Where sample tables are made. */
export interface SampleCatalog {
  readonly catalog: Catalog;
  readonly signal: AbortSignal;
}

/** See the module comment. Calls come one after another, with times that only go forward. */
export class SampleTable {
  readonly #store: TableStore;
  readonly #signal: AbortSignal;
  #table: LoadedTable;

  private constructor(store: TableStore, table: LoadedTable, signal: AbortSignal) {
    this.#store = store;
    this.#table = table;
    this.#signal = signal;
  }

  /** Creates the table; the catalog's clock says when. */
  static async create(
    definition: SampleDefinition,
    { catalog, signal }: SampleCatalog,
  ): Promise<SampleTable> {
    const identifier = { namespace: [definition.namespace], name: definition.name };
    const location = await catalog.createTable({
      identifier,
      ...defineTable(textsOf(definition)),
    }, { signal });
    const store = openTableStore(location, {
      gateway: {
        locate: (one, options) => catalog.locateExactly(one, options),
        commit: (one, commit, options) => catalog.commit(one, commit, options),
        drop: (one, options) => catalog.dropTable(one, options),
      },
      openStorage: (spec) => bulkFileIo(openStorage(spec)),
    });
    return new SampleTable(store, await store.load(signal), signal);
  }

  /** Appends rows as one snapshot. */
  async append(rows: Iterable<Row>, atMs: number): Promise<readonly DataFile[]> {
    const operationId = uuidV7(atMs);
    const files = await this.#write(rows, { operationId });
    await this.#commit(mergeAppend({ files }), { operationId, atMs });
    return files;
  }

  /** Marks rows of data files as deleted, by deletion vectors in one snapshot. */
  async deleteRows(
    deletes: readonly { readonly file: DataFile; readonly positions: readonly number[] }[],
    atMs: number,
  ): Promise<void> {
    const operationId = uuidV7(atMs);
    const { io, metadata } = this.#table;
    const writer = new DeletionVectorWriter({
      io,
      metadata,
      operationId,
      deletes: new DeleteLoader({ io }),
      signal: this.#signal,
    });
    for (const { file, positions } of deletes) writer.add(file, positions);
    const { added } = await writer.finish();
    const action = rowDelta({ deletes: added, startingSnapshotId: this.#headId() });
    await this.#commit(action, { operationId, atMs });
  }

  /**
   * Replaces rows by key in one snapshot, as streaming writers do that cannot look up where a row
   * lies: an equality delete for each key, and the new rows.
   */
  async upsert(rows: readonly Row[], { key, atMs }: UpsertOptions): Promise<void> {
    const operationId = uuidV7(atMs);
    const schema = currentSchema(this.#table.metadata);
    const at = schema.fields.findIndex(({ name }) => name === key);
    const field = schema.fields[at];
    if (field === undefined) throw new RangeError(`Cannot upsert by "${key}": there is no column`);
    const keys = new Schema({ schemaId: 0, fields: [field], identifierFieldIds: [] });
    const deletes = await this.#write(rows.map((row) => [row[at] ?? null]), {
      operationId,
      schema: keys,
      equalityIds: [field.id],
    });
    const added = await this.#write(rows, { operationId, taskId: 1 });
    await this.#commit(rowDelta({ rows: added, deletes }), { operationId, atMs });
  }

  #headId(): bigint | null {
    return currentSnapshot(this.#table.metadata)?.snapshotId ?? null;
  }

  async #write(rows: Iterable<Row>, options: WriteOptions): Promise<readonly DataFile[]> {
    const { io, metadata } = this.#table;
    const schema = options.schema ?? currentSchema(metadata);
    const writer = new DataFileWriter({
      io,
      metadata,
      spec: defaultSpec(metadata),
      signal: this.#signal,
      ...options,
      schema,
    });
    const builder = new BatchBuilder(schema);
    for (const row of rows) builder.append(row);
    await writer.write(builder.finish());
    return await writer.finish();
  }

  async #commit(action: CommitAction, { operationId, atMs }: CommitTime): Promise<void> {
    const { table, committed } = await commitTransaction(this.#store, [action], {
      operationId,
      base: this.#table,
      runtime: { ...systemCommitRuntime, clock: { now: () => atMs } },
      signal: this.#signal,
    });
    if (!committed) throw new TypeError(`Cannot tell the story: "${action.name}" changed nothing`);
    this.#table = table;
  }
}

/** Options of {@linkcode SampleTable.upsert}. */
export interface UpsertOptions {
  /** The column that tells rows apart, in an unpartitioned table. */
  readonly key: string;
  readonly atMs: number;
}

interface WriteOptions {
  readonly operationId: string;
  readonly taskId?: number;
  readonly schema?: Schema;
  readonly equalityIds?: readonly number[];
}

interface CommitTime {
  readonly operationId: string;
  readonly atMs: number;
}

function textsOf(definition: SampleDefinition): TableTexts {
  return {
    schema: definition.columns.map(([name, type, comment]) => ({
      name,
      type: type.replace(/!$/, ""),
      nullable: !type.endsWith("!"),
      comment: comment ?? null,
      default: null,
    })),
    partition_by: definition.partitionBy ?? [],
    sort_order: [],
    identifier_columns: definition.identifierColumns ?? [],
    properties: definition.properties ?? {},
    format_version: definition.formatVersion ?? 2,
  };
}
