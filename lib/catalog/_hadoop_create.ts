/**
 * Creating a table in a hadoop warehouse: its first metadata file, created if absent, is the table.
 * The folders above it are its namespaces and appear with it.
 */
import { AppError } from "../errors.ts";
import { type FileIo, formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import type { Clock } from "../clock.ts";
import { findCurrentMetadata } from "./_current_metadata.ts";
import { joinLocation } from "./_location.ts";
import { requireFolderNames, tableExists } from "./_names.ts";
import { encodeMetadata, metadataCodec, metadataEnding } from "./_metadata_file.ts";
import { newTableMetadata } from "./_new_table.ts";
import { throwIfAborted } from "../abort.ts";
import { putVersionHint } from "./_version_hint.ts";
import { METADATA_PATH_PROPERTY } from "./_metadata_file.ts";
import type { TableDefinition } from "./ports.ts";
import type { FoundTable } from "./_warehouse_lookup.ts";

/** Where to create. */
export interface HadoopCreateOptions {
  readonly io: FileIo;
  readonly warehouse: string;
  readonly clock: Clock;
  /** See `HadoopCatalogOptions.isFolder`. */
  readonly isFolder: (folder: string) => Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
}

/** Creates an empty table; `already_exists` where the name is a table's or a namespace's. */
export async function createHadoopTable(
  definition: TableDefinition,
  options: HadoopCreateOptions,
): Promise<FoundTable> {
  const { io, warehouse, signal } = options;
  const { identifier, properties } = definition;
  const levels = [...identifier.namespace, identifier.name];
  requireFolderNames(identifier, levels);
  if (METADATA_PATH_PROPERTY in properties) throw metadataElsewhere(identifier);
  const folder = joinLocation(warehouse, ...levels);
  await requireFree(identifier, { ...options, folder });
  const codec = metadataCodec(properties);
  const metadata = newTableMetadata(definition, {
    location: folder,
    tableUuid: crypto.randomUUID(),
    nowMs: options.clock.now(),
  });
  const bytes = await encodeMetadata(metadata, codec);
  const metadataLocation = joinLocation(folder, "metadata", `v1${metadataEnding(codec)}`);
  throwIfAborted(signal);
  try {
    // The commit point. Without a signal: an answer that nobody waits for leaves a table behind.
    await io.createIfAbsent(metadataLocation, bytes);
  } catch (error) {
    const isTaken = error instanceof AppError && error.kind === "already_exists";
    throw isTaken ? tableExists(identifier, error) : error;
  }
  await putVersionHint(io, { folder, version: 1n });
  return { identifier, folder, metadataLocation };
}

/** The name must be free, and none of the folders above may be a table. */
async function requireFree(
  identifier: TableIdentifier,
  options: HadoopCreateOptions & { readonly folder: string },
): Promise<void> {
  const { io, warehouse, folder, signal } = options;
  const { namespace } = identifier;
  const above = namespace.map((_, at) => joinLocation(warehouse, ...namespace.slice(0, at + 1)));
  const [current, entries, ...tablesAbove] = await Promise.all([
    findCurrentMetadata(io, folder, { signal }),
    io.listFolder(folder, signal),
    ...above.map((location) => findCurrentMetadata(io, location, { signal })),
  ]);
  if (current !== null) throw tableExists(identifier);
  // `metadata` alone is what a create that died before its commit leaves, or a dropped table.
  const isNamespace = entries.some(({ kind, name }) => kind === "folder" && !OF_TABLES.has(name));
  // An empty folder is a namespace too, as CREATE NAMESPACE leaves it.
  const isEmptyOne = entries.length === 0 && await options.isFolder(folder);
  if (isNamespace || isEmptyOne) throw namespaceExists(identifier);
  const at = tablesAbove.findIndex((found) => found !== null);
  if (at !== -1) throw insideTable(identifier, namespace.slice(0, at + 1).join("."));
}

/** Folders that tables keep; one that holds others is a namespace. */
const OF_TABLES: ReadonlySet<string> = new Set(["metadata", "data"]);

function metadataElsewhere(identifier: TableIdentifier): AppError {
  const message = `Cannot create table "${formatIdentifier(identifier)}": the tables of a hadoop ` +
    `catalog keep their metadata in their own folder; leave out "${METADATA_PATH_PROPERTY}"`;
  return new AppError("invalid", "metadata_path_not_movable", message);
}

function namespaceExists(identifier: TableIdentifier): AppError {
  const message = `Cannot create table "${formatIdentifier(identifier)}": a namespace has this ` +
    "name; choose another";
  return new AppError("already_exists", "namespace_exists", message);
}

function insideTable(identifier: TableIdentifier, table: string): AppError {
  const message = `Cannot create table "${formatIdentifier(identifier)}": "${table}" is a table, ` +
    "and tables hold no tables; choose another namespace";
  return new AppError("already_exists", "namespace_is_table", message);
}
