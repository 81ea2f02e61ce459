/** A table of the catalog as queries read it: one state of it, planned and read file by file. */
import type { RecordBatch } from "apache-arrow";
import type { TableLocation } from "../../catalog/mod.ts";
import { DeleteLoader, readAhead, readTask } from "../../columnar/mod.ts";
import { bind } from "../../iceberg/expression/bind.ts";
import { planFiles } from "../../iceberg/scan/plan_files.ts";
import {
  type ResolvedSnapshot,
  resolveSnapshot,
  type SnapshotTarget,
} from "../../iceberg/scan/time_travel.ts";
import { nameMappingOf } from "../../iceberg/spec/name_mapping.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { NestedField } from "../../iceberg/spec/types.ts";
import type { QueryTable, ScanRequest } from "../../sql/mod.ts";
import type { QueryAt } from "../contract/query.ts";
import type { CachedTable, CachedTables } from "../read/cached_tables.ts";

/** Which state of which table, and where it is loaded from. */
export interface OpenLakeTableOptions {
  readonly location: TableLocation;
  /** The current state where null. */
  readonly at: QueryAt | null;
  readonly tables: CachedTables;
  readonly signal: AbortSignal;
}

/** Loads the table's metadata; errors are those of `loadTable` and `resolveSnapshot`. */
export async function openLakeTable(options: OpenLakeTableOptions): Promise<QueryTable> {
  const { location, at, tables, signal } = options;
  const loaded = await tables.load(location, signal);
  const state = resolveSnapshot(loaded.table.metadata, targetOf(at));
  return new LakeTable(loaded, { ...state, tables });
}

class LakeTable implements QueryTable {
  readonly schema: Schema;
  readonly #loaded: CachedTable;
  readonly #tables: CachedTables;
  readonly #snapshot: ResolvedSnapshot["snapshot"];

  constructor(
    loaded: CachedTable,
    { schema, snapshot, tables }: ResolvedSnapshot & { readonly tables: CachedTables },
  ) {
    this.schema = schema;
    this.#loaded = loaded;
    this.#tables = tables;
    this.#snapshot = snapshot;
  }

  async *scan({ columns, filter, signal }: ScanRequest): AsyncGenerator<RecordBatch> {
    const { metadata, io } = this.#loaded.table;
    const { schema } = this;
    const snapshot = this.#snapshot;
    if (snapshot === null) return;
    const nameMapping = nameMappingOf(metadata.properties);
    const deletes = new DeleteLoader({ io, nameMapping });
    const fields = columns.map((name) => this.#field(name));
    const tasks = planFiles({
      metadata,
      snapshot,
      manifests: this.#tables.manifests(this.#loaded).scanSource(),
      filter: bind(filter, schema),
      signal,
    });
    yield* readAhead(tasks, {
      // Rows that do not match need not enter the engine, which holds what it is given.
      read: (task) => readTask(task, { io, metadata, schema, fields, deletes, signal }),
      bytesOf: ({ dataFile }) => dataFile.fileSizeInBytes,
    });
  }

  #field(name: string): NestedField {
    const field = this.schema.fields.find((one) => one.name === name);
    if (field === undefined) throw new TypeError(`Cannot read column "${name}": there is none`);
    return field;
  }
}

function targetOf(at: QueryAt | null): SnapshotTarget {
  if (at === null) return { kind: "current" };
  if ("snapshot_id" in at) return { kind: "id", snapshotId: BigInt(at.snapshot_id) };
  if ("ref" in at) return { kind: "ref", name: at.ref };
  return { kind: "timestamp", timestampMs: Date.parse(at.timestamp) };
}
