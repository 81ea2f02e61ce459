/**
 * Appends streamed rows: into data files as they come, then into the table in one snapshot. Whatever
 * goes wrong before the commit leaves nothing behind; a commit of unknown outcome leaves everything.
 */
import { DataFileWriter, dataFolder, rowEncoder } from "../../columnar/mod.ts";
import { AppError } from "../../errors.ts";
import type { CommitAction } from "../../iceberg/commit/commit_action.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { mergeAppend } from "../../iceberg/commit/snapshot/merge_append.ts";
import type { TableStore } from "../../iceberg/commit/table_store.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { FileWriter, LoadedTable } from "../../iceberg/ports.ts";
import { currentSchema, defaultSpec } from "../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../jobs/mod.ts";
import { joinLocation } from "../../storage/mod.ts";
import { Upload } from "../append/parquet_upload.ts";
import { rowBlocks } from "../append/row_blocks.ts";
import { writeBlocks } from "../append/write_blocks.ts";
import type { AppendFormat, AppendParams, AppendReceipt } from "../contract/append.ts";
import { requireWritable } from "../../iceberg/require_writable.ts";

/** Bytes of a block of rows: larger ones make larger row groups, and take more memory. */
const MAX_BLOCK_BYTES = 32 * 1024 * 1024;
/** Part of a job's memory that a block may take: it is copied, decoded and encoded. */
const BLOCK_SHARE = 1 / 32;

/** Runs `appendJob`. */
export async function append(
  { location, format, dryRun }: AppendParams,
  host: JobHost,
): Promise<AppendReceipt> {
  const store = host.openTable(location);
  const table = await store.load(host.signal);
  requireWritable(table);
  const { metadata, io } = table;
  const upload = new Upload({
    io,
    location: joinLocation(dataFolder(metadata), `upload-${host.operationId}.parquet`),
    signal: host.signal,
  });
  const writer = new DataFileWriter({
    io: dryRun ? DISCARDING : io,
    metadata,
    schema: currentSchema(metadata),
    spec: defaultSpec(metadata),
    operationId: host.operationId,
    memoryBytes: Math.floor(host.memoryBytes / 4),
    encode: rowEncoder(metadata, host),
    signal: host.signal,
  });
  try {
    const blocks = blocksOf({ format, table, upload, host });
    const rows = await writeBlocks(blocks, { location, table, writer, host });
    const files = await writer.finish();
    const receipt = receiptOf(files, rows);
    if (files.length === 0 || dryRun) return receipt;
    return await commit(files, { store, table, host, receipt });
  } catch (error) {
    const unknown = error instanceof AppError && error.kind === "commit_state_unknown";
    if (!unknown) await writer.abort();
    throw error;
  } finally {
    await upload.remove();
  }
}

function blocksOf({ format, table, upload, host }: {
  readonly format: AppendFormat;
  readonly table: LoadedTable;
  readonly upload: Upload;
  readonly host: JobHost;
}) {
  const { input, memoryBytes } = host;
  if (input === null) throw new TypeError("An append without its rows");
  return rowBlocks(input, {
    format,
    schema: currentSchema(table.metadata),
    blockBytes: Math.min(MAX_BLOCK_BYTES, Math.floor(memoryBytes * BLOCK_SHARE)),
    upload,
  });
}

interface Commit {
  readonly store: TableStore;
  readonly table: LoadedTable;
  readonly host: JobHost;
  readonly receipt: AppendReceipt;
}

/** Never conflicts: whatever others committed meanwhile, the rows are added to it. */
async function commit(
  files: readonly DataFile[],
  { store, table, host, receipt }: Commit,
): Promise<AppendReceipt> {
  const action = mergeAppend({ files });
  const done = () => ({ ...receipt, snapshot_id: String(action.snapshot?.snapshotId ?? "") });
  const announced: CommitAction = {
    name: action.name,
    async apply(attempt) {
      const change = await action.apply(attempt);
      host.announce(done());
      return change;
    },
    settle: (outcome) => action.settle?.(outcome) ?? Promise.resolve(),
  };
  await commitTransaction(store, [announced], {
    operationId: host.operationId,
    base: table,
    runtime: { ...systemCommitRuntime, clock: host.clock },
    signal: host.signal,
  });
  return done();
}

function receiptOf(files: readonly DataFile[], rows: number): AppendReceipt {
  return {
    appended_rows_count: rows,
    added_data_files_count: files.length,
    added_bytes_count: files.reduce((sum, file) => sum + file.fileSizeInBytes, 0),
    snapshot_id: null,
  };
}

/** Files of a dry run: counted, and nowhere. */
const DISCARDING = {
  openWriter(location: string): Promise<FileWriter> {
    let sizeBytes = 0;
    return Promise.resolve({
      location,
      write(chunk: Uint8Array) {
        sizeBytes += chunk.byteLength;
        return Promise.resolve();
      },
      close: () => Promise.resolve({ location, sizeBytes, modifiedAtMs: null }),
      abort: () => Promise.resolve(),
    });
  },
  delete: () => Promise.resolve(),
};
