/** What a tick comes to: what is recorded of it, and what follows. Pure. */
import { isoTime, type PipelineRow } from "./_row.ts";
import type { RecordChanges, RecordExtras } from "./_pipeline_record.ts";
import type { BatchMetrics, SourceChangeCounts } from "./contract/metrics.ts";
import type { StreamOffset } from "./contract/offset.ts";
import type { TickResult } from "./contract/tick_job.ts";
import type { Trigger } from "./contract/trigger.ts";
import type { PipelineEvent } from "./state_machine.ts";

/** A tick's result, and when the tick began. */
export type Ticked = Exclude<TickResult, { kind: "create_sink" }> & { readonly startedMs: number };

type Batch = Extract<Ticked, { kind: "batch" }>;
type Quiet = Extract<Ticked, { kind: "quiet" }>;
type Begin = Extract<Ticked, { kind: "begin" }>;

/** What follows: a tick at once, one with more rows, nothing until there is news, nothing ever. */
export type NextStep = "again" | "more" | "quiet" | "done";

/** See the module. */
export interface TickOutcome {
  /** Null where there is nothing new to record. */
  readonly news: {
    readonly event: PipelineEvent;
    readonly changes: RecordChanges;
    readonly extras: RecordExtras;
  } | null;
  /** The offset for the checkpoint; undefined where it has nothing new to say. */
  readonly checkpoint: StreamOffset | null | undefined;
  readonly next: NextStep;
}

/** Options of {@linkcode outcomeOf}. */
export interface OutcomeOptions {
  /** As it was before. */
  readonly row: PipelineRow;
  readonly trigger: Trigger;
  readonly nowMs: number;
}

/** Failures are counted from the last tick that came through. */
const NOT_FAILING = { last_error: null, failures: 0, failing_since: null };

/** What to record of a tick, and what follows. */
export function outcomeOf(result: Ticked, options: OutcomeOptions): TickOutcome {
  switch (result.kind) {
    case "begin":
      return begun(result, options);
    case "batch":
      return batchDone(result, options);
    case "quiet":
      return quiet(result, options);
  }
}

function begun(result: Begin, { row, trigger }: OutcomeOptions): TickOutcome {
  const { offset, position, lag } = result;
  const { figures } = row;
  const batches = offset?.batch_id ?? 0;
  return {
    news: {
      event: "opened",
      changes: {
        source_uuid: result.sourceUuid,
        sink_uuid: offset === null ? row.sink_uuid : result.sinkUuid,
        place: { batchId: batches, position },
        epoch: Math.max(row.epoch, offset === null ? 0 : offset.epoch + 1),
        until_snapshot_id: untilOf(result, { row, trigger }),
        figures: { ...figures, batches, totals: offset?.totals ?? figures.totals, lag },
      },
      extras: { needed: neededBy(result) },
    },
    checkpoint: offset,
    next: "again",
  };
}

function batchDone(result: Batch, { row, trigger, nowMs }: OutcomeOptions): TickOutcome {
  const { offset, more, lag } = result;
  const batch = describeBatch(result, nowMs);
  return {
    news: {
      event: more ? "work" : "quiet",
      changes: {
        source_uuid: offset.source_uuid,
        sink_uuid: result.sinkUuid,
        place: { batchId: offset.batch_id, position: offset.position },
        ...NOT_FAILING,
        until_snapshot_id: untilOf(result, { row, trigger }),
        figures: {
          batches: offset.batch_id,
          totals: offset.totals,
          changes: sumOf(row.figures.changes, result.changes),
          last_batch: batch,
          lag,
        },
      },
      extras: { batch, needed: neededBy(result) },
    },
    checkpoint: offset,
    next: more ? "more" : trigger.kind === "interval" ? "quiet" : "done",
  };
}

function quiet(result: Quiet, { row, trigger }: OutcomeOptions): TickOutcome {
  const { offset, position, lag } = result;
  const { figures } = row;
  const place = { batchId: offset?.batch_id ?? 0, position };
  const hasMoved = JSON.stringify(row.place) !== JSON.stringify(place);
  const isNews = hasMoved || row.state !== "idle" || figures.lag.snapshots !== lag.snapshots;
  const next = trigger.kind === "interval" ? "quiet" : "done";
  if (!isNews) return { news: null, checkpoint: undefined, next };
  return {
    news: {
      event: "quiet",
      changes: {
        source_uuid: result.sourceUuid,
        // The first batch may have come through, and its server died before it could record it.
        sink_uuid: offset === null ? row.sink_uuid : result.sinkUuid,
        place,
        ...NOT_FAILING,
        figures: {
          ...figures,
          // The sink knows better where a server died before it could record a batch.
          batches: place.batchId,
          totals: offset?.totals ?? figures.totals,
          changes: hasMoved ? sumOf(figures.changes, result.changes) : figures.changes,
          lag,
        },
      },
      extras: { needed: neededBy(result) },
    },
    checkpoint: hasMoved ? offset : undefined,
    next,
  };
}

/** What was there at the start is all that `once` and `available-now` read. */
function untilOf(
  { sourceSnapshotId }: Pick<Ticked, "sourceSnapshotId">,
  { row, trigger }: Pick<OutcomeOptions, "row" | "trigger">,
): string | null {
  return trigger.kind === "interval" ? null : row.until_snapshot_id ?? sourceSnapshotId;
}

function neededBy({ neededSnapshotId: id }: Pick<Ticked, "neededSnapshotId">): bigint | null {
  return id === null ? null : BigInt(id);
}

/** A batch as history keeps it. */
function describeBatch({ batch, startedMs }: Batch, nowMs: number): BatchMetrics {
  return {
    batch_id: batch.batchId,
    started_at: isoTime(startedMs),
    duration_ms: Math.max(0, nowMs - startedMs),
    input_rows: batch.inputRows,
    input_bytes: batch.inputBytes,
    input_files: batch.inputFiles,
    output_rows: batch.outputRows,
    output_bytes: batch.outputBytes,
    output_files: batch.outputFiles,
    deleted_rows: batch.deletedRows,
    unmatched_deletes: batch.unmatchedDeletes,
    source_snapshot_id: batch.sourceSnapshotId,
    sink_snapshot_id: batch.sinkSnapshotId,
  };
}

function sumOf(a: SourceChangeCounts, b: SourceChangeCounts): SourceChangeCounts {
  return {
    replace_skipped: a.replace_skipped + b.replace_skipped,
    skipped: a.skipped + b.skipped,
    added_files: a.added_files + b.added_files,
    changelog: a.changelog + b.changelog,
  };
}
