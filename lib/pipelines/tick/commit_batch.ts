/** Commits a batch: its files, the rows that they replace, and the offset, in one snapshot or not at all. */
import { AppError } from "../../errors.ts";
import type { CommitAction } from "../../iceberg/commit/commit_action.ts";
import { systemCommitRuntime } from "../../iceberg/commit/commit_runtime.ts";
import { fastAppend } from "../../iceberg/commit/snapshot/fast_append.ts";
import { mergeAppend } from "../../iceberg/commit/snapshot/merge_append.ts";
import { replacePartitions } from "../../iceberg/commit/snapshot/replace_partitions.ts";
import type { SnapshotAction } from "../../iceberg/commit/snapshot/snapshot_producer.ts";
import { commitTransaction } from "../../iceberg/commit/transaction.ts";
import type { DataFile } from "../../iceberg/manifest/data_file.ts";
import type { LoadedTable } from "../../iceberg/ports.ts";
import type { JobHost } from "../../jobs/mod.ts";
import {
  NO_TOTALS,
  offsetProperty,
  type StreamOffset,
  type StreamTotals,
} from "../contract/offset.ts";
import type { TickBatch, TickParams } from "../contract/tick_job.ts";
import { formatOffset, offsetAction } from "./offset_action.ts";
import type { BatchPlan } from "./plan_batch.ts";
import type { SinkTable } from "./stream_tables.ts";

/** Times that a commit is prepared anew because others changed the rows that it is about. */
const MAX_PREPARATIONS = 5;

/** Rows in data files of the sink. */
export interface StagedRows {
  readonly files: readonly DataFile[];
  readonly inputRows: number;
  readonly outputRows: number;
}

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
}

/** Where others have changed the rows that the batch replaces, they are looked up anew. */
export async function commitBatch(
  rows: StagedRows,
  options: CommitBatchOptions,
): Promise<WrittenBatch> {
  const { sink: { store, table }, host } = options;
  let newest = table;
  for (let attempt = 1;; attempt++) {
    try {
      return await commitOnce(rows, newest, options);
    } catch (error) {
      if (attempt === MAX_PREPARATIONS || !isOvertaken(error)) throw error;
      newest = await store.load(host.signal);
    }
  }
}

async function commitOnce(
  rows: StagedRows,
  base: LoadedTable,
  options: CommitBatchOptions,
): Promise<WrittenBatch> {
  const { sink, params, host, offset } = options;
  const { key } = params;
  const prepared = prepare(rows, options);
  const next = nextOffset(rows, prepared, options);
  const action = prepared.make({ [offsetProperty(key)]: formatOffset(next) });
  const written = (): WrittenBatch => ({
    offset: next,
    sinkUuid: base.metadata.tableUuid,
    batch: batchOf(rows, { next, prepared, options, snapshotId: action.snapshot?.snapshotId }),
  });
  await commitTransaction(
    sink.store,
    // The offset first: a fenced stream need not write manifests.
    [
      offsetAction({ key, expected: offset, next }),
      announcing(action, () => options.onCommit(written())),
    ],
    {
      operationId: host.operationId,
      base,
      runtime: { ...systemCommitRuntime, clock: host.clock },
      signal: host.signal,
    },
  );
  return written();
}

function prepare({ files }: StagedRows, { params }: CommitBatchOptions): PreparedSnapshot {
  // Without rows there still is a snapshot: it is what orders commits of offsets among each other.
  if (files.length === 0) {
    return { make: (properties) => fastAppend({ files, properties }), deletedRows: 0 };
  }
  switch (params.options.write_mode) {
    case "append":
    case "upsert":
      return { make: (properties) => mergeAppend({ files, properties }), deletedRows: 0 };
    case "overwrite-partitions":
      return { make: (properties) => replacePartitions({ files, properties }), deletedRows: 0 };
  }
}

function nextOffset(
  rows: StagedRows,
  { deletedRows }: PreparedSnapshot,
  { plan, source, offset, params }: CommitBatchOptions,
): StreamOffset {
  const sums = sumsOf(rows, { plan, deletedRows });
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
    position: plan.position,
    batch_id: (offset?.batch_id ?? 0) + 1,
    epoch: params.epoch,
    totals,
  };
}

function sumsOf(
  { files, inputRows, outputRows }: StagedRows,
  { plan, deletedRows }: { readonly plan: BatchPlan; readonly deletedRows: number },
): StreamTotals {
  const bytesOf = (list: readonly DataFile[]) =>
    list.reduce((sum, { fileSizeInBytes }) => sum + fileSizeInBytes, 0);
  return {
    input_rows: inputRows,
    input_bytes: bytesOf(plan.tasks.map(({ dataFile }) => dataFile)),
    input_files: plan.tasks.length,
    output_rows: outputRows,
    output_bytes: bytesOf(files),
    output_files: files.length,
    deleted_rows: deletedRows,
  };
}

function batchOf(
  rows: StagedRows,
  { next, prepared, options, snapshotId }: {
    readonly next: StreamOffset;
    readonly prepared: PreparedSnapshot;
    readonly options: CommitBatchOptions;
    readonly snapshotId: bigint | undefined;
  },
): TickBatch {
  const sums = sumsOf(rows, { plan: options.plan, deletedRows: prepared.deletedRows });
  return {
    batchId: next.batch_id,
    inputRows: sums.input_rows,
    inputBytes: sums.input_bytes,
    inputFiles: sums.input_files,
    outputRows: sums.output_rows,
    outputBytes: sums.output_bytes,
    outputFiles: sums.output_files,
    deletedRows: sums.deleted_rows,
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
  const codes = ["files_missing", "delete_conflict", "data_conflict"];
  return error instanceof AppError && error.kind === "conflict" && codes.includes(error.code);
}
