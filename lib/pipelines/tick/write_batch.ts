/**
 * Writes the rows of a batch and commits them with the offset. The sink's schema is changed before,
 * in a commit of its own: a column without rows harms nobody, should the batch not come through.
 */
import { AppError } from "../../errors.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import { evolveSchemaAction } from "../../iceberg/evolve/evolve_action.ts";
import type { SchemaChange } from "../../iceberg/evolve/schema_change.ts";
import type { Schema } from "../../iceberg/spec/schema.ts";
import type { JobHost } from "../../jobs/mod.ts";
import type { Transform } from "../../sql/mod.ts";
import type { TickParams } from "../contract/tick_job.ts";
import { commitBatch, type WrittenBatch } from "./commit_batch.ts";
import type { BatchPlan } from "./plan_batch.ts";
import { stageRows } from "./stage_rows.ts";
import type { SinkTable, StreamTables } from "./stream_tables.ts";

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
  const { tables: { source, offset }, params, host, onCommit } = options;
  const { plan, transform, schema } = batch;
  const rows = await stageRows(plan, {
    source,
    schema,
    sink: sink.table,
    transform,
    options: params.options,
    host,
  });
  try {
    return await commitBatch(rows, { plan, source, offset, sink, params, host, onCommit });
  } catch (error) {
    const isUnknown = error instanceof AppError && error.kind === "commit_state_unknown";
    if (!isUnknown) await rows.discard();
    throw error;
  }
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
