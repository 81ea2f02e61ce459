/** What stores of file catalogs share: what they refuse, and the metadata they write. */
import { AppError } from "../errors.ts";
import { checkRequirements } from "../iceberg/commit/check_requirements.ts";
import { withMetadataLog } from "../iceberg/commit/metadata_log.ts";
import type { TableChange } from "../iceberg/commit/table_store.ts";
import { type FileIo, formatIdentifier, type LoadedTable } from "../iceberg/ports.ts";
import type { TableMetadata } from "../iceberg/spec/table_metadata.ts";
import { faultOfTable } from "../storage/mod.ts";

/** Refuses to change a table that can only be read. */
export function requireWritable({ identifier, readOnly }: LoadedTable): void {
  if (readOnly === null) return;
  const message = `Cannot commit to table "${formatIdentifier(identifier)}": it is read-only: ` +
    readOnly;
  throw new AppError("unsupported", "table_read_only", message);
}

/**
 * The change's metadata as it is written: with the file of `base` in its log. The change can only
 * replace `base`, so what it requires of the table is required of that.
 */
export function nextMetadata(base: LoadedTable, change: TableChange): TableMetadata {
  checkRequirements(change.requirements, base.metadata);
  return withMetadataLog(change.metadata, {
    previousLocation: base.metadataLocation,
    previousUpdatedMs: base.metadata.lastUpdatedMs,
  }).metadata;
}

/** Deletes a file that nothing refers to, if that can be done: orphan removal finds it otherwise. */
export async function deleteQuietly(io: FileIo, location: string): Promise<void> {
  try {
    await io.delete(location);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}

/** Whether an error leaves open what has happened. */
export function isUnknown(error: unknown): error is AppError {
  return error instanceof AppError && error.kind === "commit_state_unknown";
}

/** The error of a metadata file that nothing refers to yet: whether it was written is of no matter. */
export function notWritten(error: unknown): unknown {
  if (!isUnknown(error)) return closedPlace(error);
  const message = "Cannot write the table's metadata: the store's reply was lost";
  return new AppError("unavailable", "metadata_not_written", message, {
    retryable: true,
    cause: error,
    context: error.context,
  });
}

/** A place that may not be touched is no lack of a role; see {@linkcode faultOfTable}. */
export function closedPlace(error: unknown): unknown {
  return error instanceof AppError && error.kind === "forbidden" ? faultOfTable(error) : error;
}
