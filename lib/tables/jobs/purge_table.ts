/**
 * Drops a table and deletes its files. The files are counted first, while the table is whole: one
 * that cannot be read is not dropped. Dropping is the commit point; from then on the files are
 * nobody's, and deleting them is seen through even where the caller goes away. Manifests go last, so
 * that what a crash leaves behind can still be told from what is not the table's.
 */
import { throwIfAborted } from "../../abort.ts";
import { loadTable } from "../../catalog/load/mod.ts";
import type { TableLocation } from "../../catalog/mod.ts";
import { mapConcurrently } from "../../concurrency.ts";
import { AppError } from "../../errors.ts";
import { formatIdentifier, type LoadedTable } from "../../iceberg/ports.ts";
import { reachableFiles } from "../../iceberg/reachability/reachable_files.ts";
import { mayDeleteFiles } from "../../iceberg/retention/garbage_collection.ts";
import { parseTableMetadata } from "../../iceberg/spec/parse_table_metadata.ts";
import type { JobHost } from "../../jobs/mod.ts";
import { joinLocation } from "../../storage/mod.ts";
import type { PurgeTableParams } from "../contract/change_jobs.ts";
import type { DropTableReceipt } from "../contract/change_receipts.ts";
import { FileBill, type PurgedFile } from "./_file_bill.ts";
import { requireWritable } from "../../iceberg/require_writable.ts";

/** Files deleted at once. */
const MAX_CONCURRENT_DELETES = 16;
/** Files between two looks at the clock or the signal. */
const BATCH_FILES = 256;
/** How dropping a hadoop table names the copy of its last metadata. */
const METADATA_COPY = /^dropped-v\d+-[0-9a-f-]{36}\.json(?:\.gz)?$/;
const MAX_COPY_BYTES = 128 * 1024 * 1024;

/** Implements `purgeTableJob`. */
export async function purgeTable(
  { location, dryRun }: PurgeTableParams,
  host: JobHost,
): Promise<DropTableReceipt> {
  const { signal } = host;
  const openStorage = host.openStorage.bind(host);
  const table = await loadTable(location, { openStorage, signal });
  requirePurgeable(table);
  const bill = new FileBill(table.metadata);
  for await (const file of filesOf(table, signal)) {
    bill.count(file);
    if (bill.files % BATCH_FILES === 0) {
      throwIfAborted(signal);
      host.progress({ phase: "counting", done: bill.files, total: null, unit: "files" });
    }
  }
  if (dryRun) return bill.receipt();
  throwIfAborted(signal);
  await host.dropTable(location);
  const receipt = new FileBill(table.metadata);
  try {
    await deleteFiles(table, { bill: receipt, total: bill.files, host });
    await deleteMetadataCopy(table, location);
  } catch (error) {
    throw incomplete(table, error);
  }
  return receipt.receipt();
}

/** The table is gone: a failure must not read as if nothing had happened. */
function incomplete(table: LoadedTable, cause: unknown): unknown {
  if (!(cause instanceof AppError)) return cause;
  const name = formatIdentifier(table.identifier);
  return new AppError(
    cause.kind,
    "purge_incomplete",
    `Cannot delete all files of table "${name}", which is dropped: ${cause.message}; delete what ` +
      "is left in its folder by hand",
    { cause },
  );
}

/** `gc.enabled` false says that other tables may share the files (Iceberg table properties). */
function requirePurgeable(table: LoadedTable): void {
  requireWritable(table);
  if (mayDeleteFiles(table.metadata)) return;
  throw new AppError(
    "conflict",
    "gc_disabled",
    `Cannot purge table "${formatIdentifier(table.identifier)}": its property gc.enabled is ` +
      "false, so other tables may use its files; drop it without purge",
  );
}

/** What the table refers to; files of its snapshots first, as it takes those to read them. */
async function* filesOf(table: LoadedTable, signal?: AbortSignal): AsyncGenerator<PurgedFile> {
  const { io, metadata, metadataLocation } = table;
  yield* reachableFiles({ io, metadata, ...(signal === undefined ? {} : { signal }) });
  const log = metadata.metadataLog.map(({ metadataFile }) => metadataFile);
  for (const location of new Set([...log, metadataLocation])) {
    yield { kind: "metadata", location, sizeBytes: null };
  }
}

interface Deletion {
  readonly bill: FileBill;
  readonly total: number;
  readonly host: JobHost;
}

async function deleteFiles(table: LoadedTable, { bill, total, host }: Deletion): Promise<void> {
  const last: PurgedFile[] = [];
  let batch: PurgedFile[] = [];
  const flush = async (files: readonly PurgedFile[]) => {
    await mapConcurrently(files, async (file) => {
      try {
        await table.io.delete(file.location);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        bill.countFailure(file);
      }
    }, { limit: MAX_CONCURRENT_DELETES });
    host.progress({ phase: "deleting", done: bill.files, total, unit: "files" });
  };
  for await (const file of filesOf(table)) {
    if (!bill.count(file)) continue;
    if (file.kind === "data" || file.kind.endsWith("_deletes")) batch.push(file);
    else last.push(file);
    if (batch.length < BATCH_FILES) continue;
    await flush(batch);
    batch = [];
  }
  await flush(batch);
  await flush(last);
}

/** Dropping keeps a copy of a hadoop table's metadata for whoever regrets it; a purge does not. */
async function deleteMetadataCopy(table: LoadedTable, location: TableLocation): Promise<void> {
  if (location.kind !== "file" || location.foundAt === null) return;
  const { io, metadata } = table;
  const folder = joinLocation(location.foundAt, "metadata");
  for (const { name, kind } of await io.listFolder(folder)) {
    if (kind !== "file" || !METADATA_COPY.test(name)) continue;
    const path = joinLocation(folder, name);
    const bytes = await io.read(path, { maxBytes: MAX_COPY_BYTES });
    if (metadata.tableUuid !== null && uuidOf(bytes, path) === metadata.tableUuid) {
      await io.delete(path);
    }
  }
}

/** The table that a metadata file describes; null for a file that only has the name of one. */
function uuidOf(bytes: Uint8Array, location: string): string | null {
  try {
    return parseTableMetadata(bytes, { location }).tableUuid;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return null;
  }
}
