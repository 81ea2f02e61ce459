/** Commits a batch: its files, the rows that they replace, and the offset, in one snapshot or not at all. */
import { deleteRows } from "../../columnar/mod.ts";
import { AppError } from "../../errors.ts";
import type { CommitAction } from "../../iceberg/commit/commit_action.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { fastAppend } from "../../iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../iceberg/commit/snapshot/merge_append.ts";
import { replacePartitions } from "../../iceberg/commit/snapshot/replace_partitions.ts";
import { rowDelta } from "../../iceberg/commit/snapshot/row_delta.ts";
import type { SnapshotAction } from "../../iceberg/commit/snapshot/snapshot_producer.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import { manifestSource } from "../../iceberg/scan/manifest_source.ts";
import { currentSnapshot } from "../../iceberg/spec/table_metadata.ts";
import type { JobHost } from "../../jobs/mod.ts";
import {
  NO_TOTALS,
  offsetProperty,
  type StreamOffset,
  type StreamTotals,
} from "../contract/offset.ts";
import type { TickBatch, TickParams } from "../contract/tick_job.ts";
import { formatOffset, withOffset } from "./offset_action.ts";
import { rowsDigest } from "./rows_digest.ts";
import type { BatchPlan } from "./plan_batch.ts";
import type { StagedRows } from "./stage_rows.ts";
import type { SinkTable } from "./stream_tables.ts";

/** Times that a commit is prepared anew because others changed the rows that it is about. */
const MAX_PREPARATIONS = 5;

/** Where a batch comes from, and where it goes. */
export interface CommitBatchOptions {
  readonly plan: BatchPlan;
  readonly source: LoadedTable;
  /** What the batch goes on from; null for the first one. */
  readonly offset: StreamOffset | null;
  readonly sink: SinkTable;
  readonly params: TickParams;
  readonly host: JobHost;
  /** Told before each try of the commit what was written if it comes through. */
  readonly onCommit: (written: WrittenBatch) => void;
}

/** What was committed. */
export interface WrittenBatch {
  readonly offset: StreamOffset;
  readonly sinkUuid: string | null;
  readonly batch: TickBatch;
}

/** A snapshot made for one state of the sink. */
interface PreparedSnapshot {
  readonly make: (properties: Readonly<Record<string, string>>) => SnapshotAction;
  readonly deletedRows: number;
  readonly unmatchedDeletes: number;
  /** Removes what was written for it, where it is certainly not committed. */
  abort(): Promise<void>;
}

/**
 * Where others have changed the rows that the batch replaces, they are looked up anew. Rejects with
 * `unavailable`/`sink_busy` where that goes on, `stream_moved` where the stream has gone on meanwhile.
 */
export async function commitBatch(
  rows: StagedRows,
  options: CommitBatchOptions,
): Promise<WrittenBatch> {
  const { sink: { store, table }, host } = options;
  let newest = table;
  for (let attempt = 1;; attempt++) {
    const prepared = await prepare(rows, { ...options, base: newest, attempt });
    try {
      return await commitOnce(rows, prepared, { ...options, base: newest });
    } catch (error) {
      const isUnknown = error instanceof AppError && error.kind === "commit_state_unknown";
      if (!isUnknown) await prepared.abort();
      if (!isOvertaken(error)) throw asPassing(error);
      if (attempt === MAX_PREPARATIONS) throw sinkBusy(error);
      newest = await store.load(host.signal);
    }
  }
}

async function commitOnce(
  rows: StagedRows,
  prepared: PreparedSnapshot,
  options: CommitBatchOptions & { readonly base: LoadedTable },
): Promise<WrittenBatch> {
  const { sink, params: { key }, host, offset, base } = options;
  const next = nextOffset(rows, prepared, options);
  const action = prepared.make({ [offsetProperty(key)]: formatOffset(next) });
  const written = (): WrittenBatch => ({
    offset: next,
    sinkUuid: base.metadata.tableUuid,
    batch: batchOf(rows, { next, prepared, snapshotId: action.snapshot?.snapshotId }),
  });
  await commitTransaction(
    sink.store,
    withOffset(announcing(action, () => options.onCommit(written())), {
      key,
      expected: offset,
      next,
    }),
    {
      operationId: host.operationId,
      base,
      runtime: { ...systemCommitRuntime, clock: host.clock },
      signal: host.signal,
    },
  );
  return written();
}

async function prepare(
  { files, leaving }: StagedRows,
  { params: { options }, host, base, attempt }: CommitBatchOptions & {
    readonly base: LoadedTable;
    readonly attempt: number;
  },
): Promise<PreparedSnapshot> {
  if (leaving !== null) {
    const { io, metadata } = base;
    const prepared = await deleteRows({
      io,
      metadata,
      snapshot: currentSnapshot(metadata) ?? null,
      manifests: manifestSource(io, metadata),
    }, {
      ...leaving,
      // Equality deletes take out all equal rows: where one is to go for each, positions must tell.
      deletes: leaving.match === "all" ? options.delete_files : "positions",
      operationId: host.operationId,
      taskId: attempt,
      signal: host.signal,
    });
    // None of the rows is there: a delta of nothing would make no snapshot.
    const isNothing = files.length === 0 && (prepared.delta.deletes ?? []).length === 0;
    return {
      make: (properties) =>
        isNothing
          ? fastAppend({ files, properties })
          : rowDelta({ rows: files, ...prepared.delta, properties }),
      deletedRows: prepared.deletedRows ?? 0,
      // An upsert deletes by key whatever is there, and nothing may be.
      unmatchedDeletes: leaving.match === "as_often"
        ? leaving.keys.rows - (prepared.deletedRows ?? 0)
        : 0,
      abort: () => prepared.abort(),
    };
  }
  // Without rows there still is a snapshot: it is what orders commits of offsets among each other.
  const append = files.length === 0 ? fastAppend : mergeAppend;
  const replaces = options.write_mode === "overwrite-partitions" && files.length > 0;
  return {
    make: (properties) => (replaces ? replacePartitions : append)({ files, properties }),
    deletedRows: 0,
    unmatchedDeletes: 0,
    abort: () => Promise.resolve(),
  };
}

function nextOffset(
  rows: StagedRows,
  prepared: PreparedSnapshot,
  { plan, source, offset, params }: CommitBatchOptions,
): StreamOffset {
  const sums = sumsOf(rows, prepared);
  const before = offset?.totals ?? NO_TOTALS;
  const totals = Object.fromEntries(
    Object.entries(sums).map(([name, value]) => [name, before[name as keyof StreamTotals] + value]),
  ) as StreamTotals;
  return {
    version: 1,
    checkpoint: params.checkpoint,
    source: params.sourceNames[0] ?? "",
    source_uuid: source.metadata.tableUuid,
    source_schema_id: source.metadata.currentSchemaId,
    rows: rowsDigest(params.options),
    position: plan.position,
    batch_id: (offset?.batch_id ?? 0) + 1,
    epoch: params.epoch,
    totals,
  };
}

function sumsOf(
  rows: StagedRows,
  { deletedRows, unmatchedDeletes }: PreparedSnapshot,
): StreamTotals {
  return {
    input_rows: rows.inputRows,
    input_bytes: rows.inputBytes,
    input_files: rows.inputFiles,
    output_rows: rows.outputRows,
    output_bytes: rows.files.reduce((sum, { fileSizeInBytes }) => sum + fileSizeInBytes, 0),
    output_files: rows.files.length,
    deleted_rows: deletedRows,
    unmatched_deletes: unmatchedDeletes,
  };
}

function batchOf(
  rows: StagedRows,
  { next, prepared, snapshotId }: {
    readonly next: StreamOffset;
    readonly prepared: PreparedSnapshot;
    readonly snapshotId: bigint | undefined;
  },
): TickBatch {
  const sums = sumsOf(rows, prepared);
  return {
    batchId: next.batch_id,
    inputRows: sums.input_rows,
    inputBytes: sums.input_bytes,
    inputFiles: sums.input_files,
    outputRows: sums.output_rows,
    outputBytes: sums.output_bytes,
    outputFiles: sums.output_files,
    deletedRows: sums.deleted_rows,
    unmatchedDeletes: sums.unmatched_deletes,
    sourceSnapshotId: next.position.snapshot_id ?? "",
    sinkSnapshotId: String(snapshotId ?? ""),
  };
}

/** The same action, which tells before each try of the commit. */
function announcing(action: SnapshotAction, announce: () => void): CommitAction {
  return {
    name: action.name,
    async apply(attempt) {
      const change = await action.apply(attempt);
      announce();
      return change;
    },
    settle: (outcome) => action.settle?.(outcome) ?? Promise.resolve(),
  };
}

/** Others have changed or moved rows that the snapshot takes out: it has to be made anew. */
function isOvertaken(error: unknown): boolean {
  const codes = [
    "files_missing",
    "delete_conflict",
    "data_conflict",
    "delete_format_mismatch",
    "spec_conflict",
    // The sink was expired meanwhile: what came since can no longer be told.
    "starting_snapshot_lost",
  ];
  return error instanceof AppError && error.kind === "conflict" && codes.includes(error.code);
}

/** A conflict that the next tick has not, because it begins with what is there then. */
function asPassing(error: unknown): unknown {
  const codes = ["stream_moved", "key_columns_changed", "partition_spec_not_found"];
  if (!(error instanceof AppError) || !codes.includes(error.code)) return error;
  const { code, message } = error;
  return new AppError("unavailable", code, message, { cause: error, retryable: true });
}

function sinkBusy(cause: unknown): AppError {
  const message =
    "Cannot commit: others keep changing the rows of the sink that the batch replaces";
  return new AppError("unavailable", "sink_busy", message, { cause, retryable: true });
}
