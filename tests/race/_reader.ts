/** Reads what a snapshot holds, as drls' own scans do; what cannot have changed is read once. */
import {
  DeleteLoader,
  FILE_COLUMN,
  POSITION_COLUMN,
  readTask,
  ROW_LINEAGE_COLUMNS,
} from "../../lib/columnar/mod.ts";
import type { FileIo, LoadedTable, ReadOptions } from "../../lib/iceberg/ports.ts";
import { manifestSource } from "../../lib/iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../lib/iceberg/scan/plan_files.ts";
import { nameMappingOf } from "../../lib/iceberg/spec/name_mapping.ts";
import type { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { Snapshot } from "../../lib/iceberg/spec/snapshot.ts";
import { currentSchema, type TableMetadata } from "../../lib/iceberg/spec/table_metadata.ts";
import type { IcebergValue, NestedField } from "../../lib/iceberg/spec/types.ts";
import { rowsOfBatch } from "../support/rows.ts";
import { FIXED, textOf } from "./_rows.ts";

/** A row as it was read. */
export interface ReadRow {
  readonly uid: number;
  readonly key: number;
  readonly region: string;
  /** All columns of the schema; see `textOf`. */
  readonly text: string;
  readonly values: readonly IcebergValue[];
  /** v3: what identifies the row. */
  readonly rowId: bigint | null;
  readonly lastUpdated: bigint | null;
  readonly file: string;
  readonly position: number;
}

/** Options of {@linkcode readSnapshot}. */
export interface ReadSnapshotOptions {
  readonly io: FileIo;
  readonly metadata: TableMetadata;
  /** The current one by default. */
  readonly schema?: Schema;
  /** Rows of files with their deletes, by what makes them what they are. */
  readonly cache?: Map<string, readonly ReadRow[]>;
}

/** A file of a scan, with the rows that are left of it. */
export interface ReadFile {
  readonly task: FileScanTask;
  readonly rows: readonly ReadRow[];
}

/** All files of a snapshot with their rows. */
export async function readSnapshot(
  snapshot: Snapshot,
  options: ReadSnapshotOptions,
): Promise<readonly ReadFile[]> {
  const { io, metadata } = options;
  const schema = options.schema ?? currentSchema(metadata);
  const manifests = manifestSource(io, metadata);
  const deletes = new DeleteLoader({ io, nameMapping: nameMappingOf(metadata.properties) });
  const files: ReadFile[] = [];
  for await (const task of planFiles({ metadata, snapshot, manifests, rows: "all" })) {
    const key = keyOf(task, schema);
    const known = options.cache?.get(key);
    const rows = known ?? await readFile(task, { io, metadata, schema, deletes });
    options.cache?.set(key, rows);
    files.push({ task, rows });
  }
  return files;
}

async function readFile(
  task: FileScanTask,
  { io, metadata, schema, deletes }: {
    readonly io: FileIo;
    readonly metadata: TableMetadata;
    readonly schema: Schema;
    readonly deletes: DeleteLoader;
  },
): Promise<readonly ReadRow[]> {
  const lineage = metadata.formatVersion >= 3 ? ROW_LINEAGE_COLUMNS : [];
  const fields = [...schema.fields, FILE_COLUMN, POSITION_COLUMN, ...lineage];
  const rows: ReadRow[] = [];
  for await (const batch of readTask(task, { io, metadata, schema, fields, deletes })) {
    rows.push(...rowsOfBatch(batch, fields).map((values) => toRow(values, schema.fields)));
  }
  return rows;
}

function toRow(values: readonly IcebergValue[], fields: readonly NestedField[]): ReadRow {
  const own = values.slice(0, fields.length);
  const at = (id: number) => own[fields.findIndex((field) => field.id === id)];
  const [file, position, rowId = null, lastUpdated = null] = values.slice(fields.length);
  return {
    uid: Number(at(FIXED.uid)),
    key: Number(at(FIXED.key)),
    region: String(at(FIXED.region)),
    text: textOf(own, fields),
    values: own,
    rowId: typeof rowId === "bigint" ? rowId : null,
    lastUpdated: typeof lastUpdated === "bigint" ? lastUpdated : null,
    file: String(file),
    position: Number(position),
  };
}

function keyOf({ dataFile, deletes, sequenceNumber }: FileScanTask, schema: Schema): string {
  const parts = deletes.map(({ dataFile: { filePath, contentOffset } }) =>
    `${filePath}@${contentOffset}`
  );
  const { filePath, firstRowId } = dataFile;
  return [schema.schemaId, filePath, firstRowId, sequenceNumber, ...parts.sort()].join("\n");
}

/** A store that reads each manifest and manifest list once: they never change. */
export function readingOnce(io: FileIo, table: Pick<LoadedTable, "metadata">): FileIo {
  const folder = `${table.metadata.location}/metadata/`;
  const known = new Map<string, Promise<Uint8Array>>();
  const read = (location: string, options?: ReadOptions) => {
    if (!location.startsWith(folder) || !location.endsWith(".avro") || options?.range) {
      return io.read(location, options);
    }
    const found = known.get(location) ?? io.read(location);
    known.set(location, found);
    return found;
  };
  return {
    read,
    stat: (location, signal) => io.stat(location, signal),
    listFolder: (location, signal) => io.listFolder(location, signal),
    listRecursive: (location, signal) => io.listRecursive(location, signal),
    createIfAbsent: (location, bytes) => io.createIfAbsent(location, bytes),
    put: (location, bytes) => io.put(location, bytes),
    openWriter: (location) => io.openWriter(location),
    delete: (location) => io.delete(location),
  };
}
