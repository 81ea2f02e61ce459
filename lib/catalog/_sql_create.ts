/** Creating a table in a sql catalog: its first metadata file, then the row that points to it. */
import { throwIfAborted } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { type FileIo, formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import { joinLocation, stripTrailingSlashes } from "./_location.ts";
import { encodeMetadata, metadataCodec, metadataEnding, metadataFolder } from "./_metadata_file.ts";
import { requireFolderNames, tableExists } from "./_names.ts";
import { newTableMetadata } from "./_new_table.ts";
import type { SqlClient } from "./_sql_client.ts";
import {
  createCatalogTables,
  ensureNamespace,
  hasTypeColumn,
  namespaceLocation,
} from "./_sql_schema.ts";
import { insertTable, readTableRow } from "./_sql_writes.ts";
import { closedPlace, deleteQuietly, isUnknown, notWritten } from "./_written_metadata.ts";
import type { TableDefinition } from "./ports.ts";

/** Where to create. */
export interface SqlCreateOptions {
  readonly client: SqlClient;
  readonly catalogName: string;
  readonly io: FileIo;
  readonly warehouse: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** Creates an empty table and gives out its metadata location; `already_exists` where it is taken. */
export async function createSqlTable(
  definition: TableDefinition,
  options: SqlCreateOptions,
): Promise<string> {
  const { client, catalogName, io, signal } = options;
  const { identifier, properties } = definition;
  requireSqlNames(identifier);
  await createCatalogTables(client, { signal });
  const key = { catalogName, identifier };
  const namespace = { catalogName, namespace: identifier.namespace.join(".") };
  if (await readTableRow(client, key, { signal }) !== null) throw tableExists(identifier);
  const codec = metadataCodec(properties);
  const tableUuid = crypto.randomUUID();
  const location = await newLocation(identifier, { ...options, tableUuid });
  const nowMs = options.clock.now();
  const metadata = newTableMetadata(definition, { location, tableUuid, nowMs });
  const fileName = `00000-${crypto.randomUUID()}${metadataEnding(codec)}`;
  const metadataLocation = joinLocation(metadataFolder(metadata), fileName);
  const bytes = await encodeMetadata(metadata, codec);
  throwIfAborted(signal);
  try {
    await io.createIfAbsent(metadataLocation, bytes);
  } catch (error) {
    throw notWritten(error);
  }
  try {
    const hasType = await hasTypeColumn(client, { signal });
    await ensureNamespace(client, namespace, { signal });
    await insertTable(client, key, { metadataLocation, hasType, signal });
  } catch (error) {
    if (!isUnknown(error)) await deleteQuietly(io, metadataLocation);
    throw error;
  }
  return metadataLocation;
}

/**
 * `<namespace's location>/<table>`, or else `<warehouse>/<namespace>/<table>`. Where something lies
 * there already (a table that was renamed or dropped), a part of the table's id is appended: two
 * tables in one folder would take each other's files for orphans.
 */
async function newLocation(
  identifier: TableIdentifier,
  options: SqlCreateOptions & { readonly tableUuid: string },
): Promise<string> {
  const { client, catalogName, io, warehouse, tableUuid, signal } = options;
  const namespace = identifier.namespace.join(".");
  const configured = await namespaceLocation(client, { catalogName, namespace }, { signal });
  const parent = configured === null
    ? joinLocation(warehouse, namespace)
    : stripTrailingSlashes(configured);
  const location = joinLocation(parent, identifier.name);
  try {
    const entries = await io.listFolder(location, signal);
    return entries.length === 0 ? location : `${location}-${tableUuid.slice(0, 8)}`;
  } catch (error) {
    throw closedPlace(error);
  }
}

/** Levels are joined with dots in the database, so one that holds a dot would be read as two. */
function requireSqlNames(identifier: TableIdentifier): void {
  const { namespace, name } = identifier;
  const isUsable = namespace.length > 0 && namespace.every((level) => !level.includes(".")) &&
    namespace.join(".").length <= MAX_NAME_CHARS;
  if (isUsable) return requireFolderNames(identifier, [...namespace, name]);
  const message = `Cannot create table "${formatIdentifier(identifier).slice(0, 240)}": its ` +
    "namespace cannot be written down; expected one or more levels without dots, at most " +
    `${MAX_NAME_CHARS} characters in all`;
  throw new AppError("invalid", "table_name_invalid", message);
}

/** Width of the database's name columns. */
const MAX_NAME_CHARS = 255;
