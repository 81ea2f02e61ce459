/**
 * Loads a located table: fetches its metadata, parses it, and opens the files it names. Metadata
 * may be large or hostile, so requests do this in a reader isolate.
 */
import { AppError, displayPath } from "../errors.ts";
import { type FileIo, formatIdentifier, type LoadedTable } from "../iceberg/ports.ts";
import {
  metadataDocument,
  parseTableMetadata,
  tableMetadataFromJson,
} from "../iceberg/spec/parse_table_metadata.ts";
import {
  baseName,
  faultOfTable,
  isRelocated,
  RelocatedFileIo,
  type StorageSpec,
} from "../storage/mod.ts";
import { tableNotFound } from "./_names.ts";
import { parseLoadResult, vendedProperties } from "./_rest_load_result.ts";
import { vendStorage } from "./storage_properties.ts";
import { parseHadoopName } from "./metadata_file_name.ts";
import type { TableLocation } from "./ports.ts";

/** Largest metadata file read unless told otherwise; also the bound after decompression. */
export const DEFAULT_MAX_METADATA_BYTES = 128 * 1024 * 1024;

/** Options of {@linkcode loadTable}. */
export interface LoadTableOptions {
  /** Opens a spec's stores; callers may keep what they opened. */
  readonly openStorage: (spec: StorageSpec) => FileIo;
  readonly signal?: AbortSignal | undefined;
  readonly maxMetadataBytes?: number;
}

/** A loaded table, and what its metadata weighs. */
export interface LoadedDocument extends LoadedTable {
  /** Bytes of the metadata document, unpacked. */
  readonly documentBytes: number;
  /** Bytes of the metadata document as it was fetched, which may be packed. */
  readonly storedBytes: number;
}

/**
 * Loads the table. Kinds: `not_found` (a hadoop table that was dropped meanwhile), `corrupt_data`
 * (its metadata is missing, damaged or breaks the specification), `unsupported` (format version,
 * storage), `too_large`, and those of `FileIo`.
 */
export async function loadTable(
  location: TableLocation,
  options: LoadTableOptions,
): Promise<LoadedDocument> {
  return location.kind === "rest"
    ? loadAnswer(location, options).table
    : await loadFromFile(location, options);
}

async function loadFromFile(
  location: TableLocation & { kind: "file" },
  options: LoadTableOptions,
): Promise<LoadedDocument> {
  const { identifier, metadataLocation, foundAt } = location;
  const maxBytes = options.maxMetadataBytes ?? DEFAULT_MAX_METADATA_BYTES;
  const io = options.openStorage(location.storage);
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  let bytes: Uint8Array;
  try {
    bytes = await io.read(metadataLocation, { maxBytes, ...signal });
  } catch (error) {
    throw error instanceof AppError && error.kind === "not_found"
      ? metadataMissing(location, error)
      : faultOfTable(error);
  }
  const bounds = { location: metadataLocation, maxBytes };
  const document = metadataDocument(bytes, bounds);
  const metadata = parseTableMetadata(document, bounds);
  const sizes = { documentBytes: document.length, storedBytes: bytes.length };
  const loaded = { identifier, metadata, metadataLocation, ...sizes };
  const relocation = { recordedLocation: metadata.location, foundLocation: foundAt ?? "" };
  if (foundAt === null || !isRelocated(relocation)) {
    const isElsewhere = foundAt !== null && parseHadoopName(baseName(metadataLocation)) === null;
    return { ...loaded, io, readOnly: isElsewhere ? OF_ANOTHER_CATALOG : null };
  }
  const [recorded, found] = [displayPath(metadata.location), displayPath(foundAt)];
  const copied = recorded === found
    ? `The table was copied here from another "${recorded}"`
    : `The table was written at "${recorded}" and copied to "${found}"`;
  const readOnly = `${copied}; new files would record places that exist only here`;
  return { ...loaded, io: new RelocatedFileIo(io, relocation), readOnly };
}

/** A commit here would be a file that the catalog which the table belongs to never hears of. */
const OF_ANOTHER_CATALOG = "Its metadata files are named as a sql or rest catalog names them; " +
  "changes are only safe through that catalog";

/** A table from a REST catalog's answer. */
export interface LoadedAnswer {
  readonly table: LoadedDocument;
  /** Whether the answer brings its own way to the table's files: only loading has to. */
  readonly isVending: boolean;
}

/** {@linkcode loadTable} of what a REST catalog answered. */
export function loadAnswer(
  location: TableLocation & { kind: "rest" },
  options: LoadTableOptions,
): LoadedAnswer {
  const { identifier, response } = location;
  const name = formatIdentifier(identifier);
  const maxBytes = options.maxMetadataBytes ?? DEFAULT_MAX_METADATA_BYTES;
  const result = parseLoadResult(response, { table: name, maxBytes });
  const at = result.metadataLocation ?? name;
  const metadata = tableMetadataFromJson(result.metadata, { location: at });
  const storage = vendStorage(location.storage, vendedProperties(result, metadata.location));
  const table = {
    identifier,
    metadata,
    // Only a table that was never committed has none; its folder stands in.
    metadataLocation: result.metadataLocation ?? metadata.location,
    io: options.openStorage(storage),
    readOnly: null,
    documentBytes: response.length,
    storedBytes: response.length,
  };
  const isVending = result.credentials.length > 0 || Object.keys(result.config).length > 0;
  return { table, isVending };
}

function metadataMissing(location: TableLocation & { kind: "file" }, cause: AppError): AppError {
  const name = formatIdentifier(location.identifier);
  // A hadoop table is its metadata file; elsewhere the catalog promises one that is not there.
  if (location.foundAt !== null) return tableNotFound(name);
  const message = `Cannot load table "${name}": the catalog names a metadata file ` +
    `"${displayPath(location.metadataLocation)}" that does not exist`;
  return new AppError("corrupt_data", "metadata_file_missing", message, {
    cause,
    context: { metadataLocation: location.metadataLocation },
  });
}
