/**
 * Writes the rows of a batch and commits them with the offset. The sink's schema is changed before,
 * in a commit of its own: a column without rows harms nobody, should the batch not come through.
 */
import { DataFileWriter } from "../../columnar/mod.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import { evolveSchemaAction } from "../../iceberg/evolve/evolve_action.ts";
import type { SchemaChange } from "../../iceberg/evolve/schema_change.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import { currentSchema, defaultSpec } from "../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../jobs/mod.ts";
import { toTableBatch, type Transform } from "../../sql/mod.ts";
import type { TickParams } from "../contract/tick_job.ts";
import { batchRows } from "./batch_rows.ts";
import { commitBatch, type StagedRows, type WrittenBatch } from "./commit_batch.ts";
import type { BatchPlan } from "./plan_batch.ts";
import type { SinkTable, StreamTables } from "./stream_tables.ts";

/** Part of the isolate's memory for rows that wait to be written. */
const WRITER_SHARE = 1 / 4;

/** What is written. */
export interface BatchToWrite {
  readonly plan: BatchPlan;
  readonly transform: Transform | null;
  /** The source's columns. */
  readonly schema: Schema;
  /** What the sink's schema needs first. */
  readonly changes: readonly SchemaChange[];
}

/** Where it goes. */
export interface WriteBatchOptions {
  readonly params: TickParams;
  readonly host: JobHost;
  readonly tables: StreamTables & { readonly sink: SinkTable };
  readonly onCommit: (written: WrittenBatch) => void;
}

/** Writes and commits a batch. What fails before the commit leaves nothing that can be seen. */
export async function writeBatch(
  batch: BatchToWrite,
  options: WriteBatchOptions,
): Promise<WrittenBatch> {
  const sink = await evolved(batch.changes, options);
  const rows = await stage(batch, { ...options, sink });
  const { tables: { source, offset }, params, host, onCommit } = options;
  const { plan } = batch;
  return await commitBatch(rows, { plan, source, offset, sink, params, host, onCommit });
}

/** The sink with the columns that rows need. */
async function evolved(
  changes: readonly SchemaChange[],
  { host, tables: { sink } }: WriteBatchOptions,
): Promise<SinkTable> {
  if (changes.length === 0) return sink;
  const { table } = await commitTransaction(sink.store, [evolveSchemaAction(changes)], {
    operationId: host.operationId,
    base: sink.table,
    runtime: { ...systemCommitRuntime, clock: host.clock },
    signal: host.signal,
  });
  return { ...sink, table };
}

/** Reads the batch into data files of the sink, which nobody sees yet. */
async function stage(
  { plan, transform, schema }: BatchToWrite,
  { host, tables, sink: { table: { metadata, io } } }: WriteBatchOptions & {
    readonly sink: SinkTable;
  },
): Promise<StagedRows> {
  const { signal } = host;
  const target = currentSchema(metadata);
  const writer = new DataFileWriter({
    io,
    metadata,
    schema: target,
    spec: defaultSpec(metadata),
    operationId: host.operationId,
    memoryBytes: Math.floor(host.memoryBytes * WRITER_SHARE),
    signal,
  });
  let outputRows = 0;
  for await (const rows of batchRows(plan.tasks, { ...tables, schema, transform, signal })) {
    outputRows += rows.numRows;
    await writer.write(toTableBatch(rows, target));
    host.progress({ phase: "writing", done: outputRows, total: null, unit: "rows" });
  }
  const files = await writer.finish();
  const inputRows = plan.tasks.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
  return { files, inputRows, outputRows };
}
