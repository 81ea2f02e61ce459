/** What a task knows of the table whose rows it rewrites. */
import type { TableLocation } from "../../../catalog/mod.ts";
import { ROW_LINEAGE_COLUMNS } from "../../../columnar/mod.ts";
import { type WriteSettings, writeSettings } from "../../../columnar/parquet/mod.ts";
import type { FileIo } from "../../../iceberg/ports.ts";
import { parseTableMetadata } from "../../../iceberg/spec/parse_table_metadata.ts";
import { Schema } from "../../../iceberg/spec/schema.ts";
import { currentSchema, type TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../../jobs/mod.ts";

/** A table to read rows of and to write them to. */
export interface TableContext {
  readonly io: FileIo;
  readonly metadata: TableMetadata;
  /** Of the rows that are written: the current schema, and in v3 what identifies rows. */
  readonly schema: Schema;
  /** Whether rows carry their ids along. */
  readonly keepsLineage: boolean;
  readonly settings: WriteSettings;
}

/** Of metadata and an open store. */
export function tableContext(metadata: TableMetadata, io: FileIo): TableContext {
  const keepsLineage = metadata.formatVersion >= 3;
  const settings = writeSettings(metadata.properties);
  return { io, metadata, schema: rewriteSchema(metadata), keepsLineage, settings };
}

/** As {@linkcode tableContext}, of what a task was sent. */
export async function receivedTable(
  sent: { readonly location: TableLocation; readonly metadata: string },
  host: JobHost,
): Promise<TableContext> {
  const bytes = new TextEncoder().encode(sent.metadata);
  const metadata = parseTableMetadata(bytes, { location: "metadata of a task" });
  return tableContext(metadata, await openTableIo(sent.location, host));
}

/**
 * The store of a table's files. What a REST catalog lends access with runs out: it is asked anew, for
 * each task.
 */
export async function openTableIo(location: TableLocation, host: JobHost): Promise<FileIo> {
  if (location.kind === "file") return host.openStorage(location.storage);
  return (await host.openTable(location).load(host.signal)).io;
}

function rewriteSchema(metadata: TableMetadata): Schema {
  const schema = currentSchema(metadata);
  if (metadata.formatVersion < 3) return schema;
  return new Schema({
    schemaId: schema.schemaId,
    fields: [...schema.fields, ...ROW_LINEAGE_COLUMNS],
    identifierFieldIds: schema.identifierFieldIds,
  });
}
