/**
 * A table of a sql catalog: its next metadata file is written here, under a name of its own, and the
 * catalog in the main isolate moves the pointer to it.
 */
import { AppError } from "../errors.ts";
import type { StoreCommitOptions, TableChange, TableStore } from "../iceberg/commit/table_store.ts";
import type { FileIo, LoadedTable } from "../iceberg/ports.ts";
import { baseName } from "../storage/mod.ts";
import { joinLocation } from "./_location.ts";
import { encodeMetadata, metadataCodec, metadataEnding, metadataFolder } from "./_metadata_file.ts";
import {
  deleteQuietly,
  isUnknown,
  nextMetadata,
  notWritten,
  requireWritable,
} from "./_written_metadata.ts";
import { loadTable } from "./load_table.ts";
import { parseMetadataFileName } from "./metadata_file_name.ts";
import type { TableStoreOptions } from "./open_table_store.ts";
import type { TableLocation } from "./ports.ts";

/** Times that metadata is located anew because it went away before it was read. */
const MAX_LOCATES = 3;

/** See {@linkcode TableStore}. */
export class SqlTableStore implements TableStore {
  readonly #location: TableLocation;
  readonly #options: TableStoreOptions;

  constructor(location: TableLocation, options: TableStoreOptions) {
    this.#location = location;
    this.#options = options;
  }

  async load(signal?: AbortSignal): Promise<LoadedTable> {
    const { gateway, ...options } = this.#options;
    const call = signal === undefined ? {} : { signal };
    for (let locates = 1;; locates++) {
      const location = await gateway.locate(this.#location.identifier, call);
      try {
        return await loadTable(location, { ...options, ...call });
      } catch (error) {
        // Writers may delete old metadata: between the two steps it may have become old.
        const isGone = error instanceof AppError && error.code === "metadata_file_missing";
        if (!isGone || locates === MAX_LOCATES) throw error;
      }
    }
  }

  async commit(
    base: LoadedTable,
    change: TableChange,
    { operationId }: StoreCommitOptions,
  ): Promise<LoadedTable> {
    requireWritable(base);
    const { io, identifier, metadataLocation } = base;
    const metadata = nextMetadata(base, change);
    const codec = metadataCodec(metadata.properties);
    const bytes = await encodeMetadata(metadata, codec);
    // As Java and PyIceberg number: a base whose name tells no version counts as -1.
    const version = (parseMetadataFileName(baseName(metadataLocation))?.version ?? -1n) + 1n;
    const stem = String(version).padStart(5, "0");
    const next = await writeNew(io, bytes, {
      named: (id) =>
        joinLocation(metadataFolder(metadata), `${stem}-${id}${metadataEnding(codec)}`),
      operationId,
    });
    const swap = { kind: "swap", base: metadataLocation, next: next.location } as const;
    try {
      // The commit point.
      await this.#options.gateway.commit(identifier, swap);
    } catch (error) {
      if (isUnknown(error)) throw inDoubt(error, next.location);
      // A file that was there before belongs to an earlier try, which may still come through.
      if (next.isNew && isSettled(error)) await deleteQuietly(io, next.location);
      throw error;
    }
    return { ...base, metadata, metadataLocation: next.location };
  }
}

interface NewFile {
  readonly named: (id: string) => string;
  readonly operationId: string;
}

/**
 * Writes the file under the operation's id, so that what a dead isolate left can be told. Where the
 * name is taken by the same bytes, the same change is being sent again; where by others, the file
 * gets a name by chance.
 */
async function writeNew(
  io: FileIo,
  bytes: Uint8Array,
  { named, operationId }: NewFile,
): Promise<{ readonly location: string; readonly isNew: boolean }> {
  const location = named(operationId);
  if (await createNew(io, location, bytes)) return { location, isNew: true };
  const present = await io.read(location, { maxBytes: bytes.length + 1 });
  const isSame = present.length === bytes.length && present.every((byte, at) => byte === bytes[at]);
  if (isSame) return { location, isNew: false };
  const other = named(crypto.randomUUID());
  await createNew(io, other, bytes);
  return { location: other, isNew: true };
}

/** False where the name is taken. */
async function createNew(io: FileIo, location: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await io.createIfAbsent(location, bytes);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.kind === "already_exists") return false;
    throw notWritten(error);
  }
}

/** Errors that say that the pointer was not moved. Others are looked into by the transaction. */
function isSettled(error: unknown): boolean {
  const open = ["cancelled", "deadline_exceeded", "internal"];
  return error instanceof AppError && !open.includes(error.kind);
}

function inDoubt(error: AppError, metadataLocation: string): AppError {
  return new AppError(error.kind, error.code, error.message, {
    cause: error,
    context: { ...error.context, metadataLocation },
  });
}
