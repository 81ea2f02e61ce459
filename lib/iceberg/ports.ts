/**
 * What the Iceberg core asks of the world: files and a catalog. Locations are absolute URIs as the
 * table records them (`s3://bucket/key`, `file:///path`) or plain absolute paths.
 */
import type { TableMetadata } from "./spec/table_metadata.ts";

/** What is known of a stored file. */
export interface FileStat {
  readonly location: string;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch; null where the store does not say. */
  readonly modifiedAtMs: number | null;
}

/** Options of {@linkcode FileIo.read}. */
export interface ReadOptions {
  /** Read only these bytes; a range past the end of the file is an error. */
  readonly range?: { readonly offset: number; readonly length: number };
  /** Refuse (`too_large`) rather than read more than this many bytes. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** One name directly inside a folder. */
export interface FolderEntry {
  /** The last path segment, without a slash. */
  readonly name: string;
  readonly kind: "file" | "folder";
}

/** A file being written. Nothing is visible at its location until `close` resolves. */
export interface FileWriter {
  readonly location: string;
  write(chunk: Uint8Array): Promise<void>;
  /** Publishes the file if its location is free, otherwise rejects with `already_exists`. */
  close(): Promise<FileStat>;
  /** Drops what was written. Safe to call at any time, also after a failed `close`. */
  abort(): Promise<void>;
}

/**
 * Files by location. Errors are `AppError`: `not_found`, `already_exists`, `forbidden` (a location
 * outside what this FileIo may touch), `too_large`, `unavailable` (retryable), `cancelled`.
 */
export interface FileIo {
  read(location: string, options?: ReadOptions): Promise<Uint8Array>;
  /** The file's stat, or null where there is none. */
  stat(location: string, signal?: AbortSignal): Promise<FileStat | null>;
  /** Names directly inside a folder, sorted; none where the folder does not exist. */
  listFolder(location: string, signal?: AbortSignal): Promise<readonly FolderEntry[]>;
  /** Every file below a folder, in no set order. */
  listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat>;
  /**
   * The same with files in the making, which may be what a crash left behind. Not there where a
   * store cannot tell.
   */
  listEverything?(location: string, signal?: AbortSignal): AsyncIterable<FileStat>;
  /** Atomic and durable create; rejects with `already_exists` where the location is taken. */
  createIfAbsent(location: string, bytes: Uint8Array): Promise<void>;
  /** Creates or replaces, atomically for readers. For hints only: never a commit. */
  put(location: string, bytes: Uint8Array): Promise<void>;
  openWriter(location: string): Promise<FileWriter>;
  /** Removes a file; one that is not there is no error. */
  delete(location: string): Promise<void>;
}

/** A table's name inside its catalog. */
export interface TableIdentifier {
  /** Namespace levels, outermost first; empty only for tables at the root of a hadoop warehouse. */
  readonly namespace: readonly string[];
  readonly name: string;
}

/** A table as a catalog found it. */
export interface LoadedTable {
  readonly identifier: TableIdentifier;
  readonly metadata: TableMetadata;
  /** Where `metadata` was read from. */
  readonly metadataLocation: string;
  /** Reads and writes the locations recorded in `metadata`. */
  readonly io: FileIo;
  /** Null where the table may be written; otherwise why it may not. */
  readonly readOnly: string | null;
}

/** `namespace.table` in dotted form, without the catalog's name. */
export function formatIdentifier(identifier: TableIdentifier): string {
  return [...identifier.namespace, identifier.name].join(".");
}
