/**
 * Appends streamed rows: into data files as they come, then into the table in one snapshot. Whatever
 * goes wrong before the commit leaves nothing behind; a commit of unknown outcome leaves everything.
 */
import type { RecordBatch } from "apache-arrow";
import { DataFileWriter, dataFolder } from "../../columnar/mod.ts";
import { AppError } from "../../errors.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { mergeAppend } from "../../iceberg/commit/snapshot/merge_append.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { currentSchema, defaultSpec } from "../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../jobs/mod.ts";
import { joinLocation } from "../../storage/mod.ts";
import { arrowBatches, parquetBatches } from "../append/columnar_rows.ts";
import { csvBatches, ndjsonBatches } from "../append/text_rows.ts";
import type { AppendFormat, AppendParams, AppendReceipt } from "../contract/append.ts";

/** Runs `appendJob`. */
export async function append(
  { location, format }: AppendParams,
  host: JobHost,
): Promise<AppendReceipt> {
  const store = host.openTable(location);
  const table = await store.load(host.signal);
  if (table.readOnly !== null) {
    const message = `Cannot append: ${table.readOnly}`;
    throw new AppError("unsupported", "table_read_only", message);
  }
  const { metadata, io } = table;
  const schema = currentSchema(metadata);
  const writer = new DataFileWriter({
    io,
    metadata,
    schema,
    spec: defaultSpec(metadata),
    operationId: host.operationId,
    memoryBytes: Math.floor(host.memoryBytes / 2),
    signal: host.signal,
  });
  try {
    const rows = await writeRows(batchesOf({ format, table, schema, host }), writer, host);
    const files = await writer.finish();
    const receipt = receiptOf(files, rows);
    if (files.length === 0) return receipt;
    const action = mergeAppend({ files });
    host.announce(null);
    await commitTransaction(store, [action], {
      operationId: host.operationId,
      base: table,
      runtime: { ...systemCommitRuntime, clock: host.clock },
      signal: host.signal,
    });
    return { ...receipt, snapshot_id: String(action.snapshot?.snapshotId ?? "") };
  } catch (error) {
    const unknown = error instanceof AppError && error.kind === "commit_state_unknown";
    if (!unknown) await writer.abort();
    throw error;
  }
}

async function writeRows(
  batches: AsyncIterable<RecordBatch>,
  writer: DataFileWriter,
  host: JobHost,
): Promise<number> {
  let rows = 0;
  for await (const batch of batches) {
    await writer.write(batch);
    rows += batch.numRows;
    host.progress({ phase: "writing", done: rows, total: null, unit: "rows" });
  }
  return rows;
}

function batchesOf({ format, table, schema, host }: {
  readonly format: AppendFormat;
  readonly table: LoadedTable;
  readonly schema: Schema;
  readonly host: JobHost;
}): AsyncIterable<RecordBatch> {
  const { input, signal, operationId } = host;
  if (input === null) throw new TypeError("An append without its rows");
  switch (format) {
    case "ndjson":
      return ndjsonBatches(input, schema);
    case "csv":
      return csvBatches(input, schema);
    case "arrow":
      return arrowBatches(input, schema);
    case "parquet": {
      const folder = dataFolder(table.metadata);
      const location = joinLocation(folder, `upload-${operationId}.parquet`);
      return parquetBatches(input, schema, { io: table.io, location, signal });
    }
  }
}

function receiptOf(files: readonly DataFile[], rows: number): AppendReceipt {
  return {
    appended_rows_count: rows,
    added_data_files_count: files.length,
    added_bytes_count: files.reduce((sum, file) => sum + file.fileSizeInBytes, 0),
    snapshot_id: null,
  };
}
