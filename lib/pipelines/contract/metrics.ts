/**
 * The figures of a pipeline: what the monitor sends, `GET .../status` answers and `/metrics` sums up.
 * Counts are of the pipeline's whole life, over restarts and servers; rates are of its last batch.
 */
import { z } from "zod";
import { PipelineState } from "./pipeline_state.ts";

const count = z.int().nonnegative();
const time = z.iso.datetime();

/** Why a pipeline failed, or why it waits before it tries again. */
export const PipelineError = z.object({
  /** Stable, like the `code` of problems. */
  code: z.string(),
  /** A sentence for a person, with what to do about it. */
  message: z.string(),
  at: time,
});
export type PipelineError = z.infer<typeof PipelineError>;

/** Source snapshots that were no appends, by what became of them. */
export const SourceChangeCounts = z.object({
  /** `replace`: compactions, which change no row. */
  replace_skipped: count,
  /** Overwrites and deletes of which nothing was taken. */
  skipped: count,
  /** Overwrites of which only the added files were read. */
  added_files: count,
  /** Overwrites and deletes carried to the sink as inserts and deletes. */
  changelog: count,
});
export type SourceChangeCounts = z.infer<typeof SourceChangeCounts>;

/** One batch: what it read, what it wrote, and which snapshots it stands between. */
export const BatchMetrics = z.object({
  /** From 1; one more with each commit to the sink, also over restarts. */
  batch_id: count,
  started_at: time,
  duration_ms: z.number().nonnegative(),
  input_rows: count,
  input_bytes: count,
  input_files: count,
  output_rows: count,
  output_bytes: count,
  output_files: count,
  /**
   * Rows that were taken out of the sink one by one, by key or as deletes of a changelog. Partitions
   * that were replaced are not looked into.
   */
  deleted_rows: count,
  /** Deletes of a changelog for which the sink had no row: it never got it, or has another by now. */
  unmatched_deletes: count,
  /** The newest source snapshot of which it read something, in decimal. */
  source_snapshot_id: z.string(),
  /** The snapshot that it made of the sink, in decimal. */
  sink_snapshot_id: z.string(),
});
export type BatchMetrics = z.infer<typeof BatchMetrics>;

/** How far a pipeline is behind its source; null where it has not looked yet. */
export const PipelineLag = z.object({
  /** Source snapshots that it has not read to the end. */
  snapshots: count.nullable(),
  /** Rows in them, by their summaries; null where those do not say. */
  rows: count.nullable(),
  /** Age of the oldest of them, in seconds. */
  seconds: z.number().nonnegative().nullable(),
});
export type PipelineLag = z.infer<typeof PipelineLag>;

/** One message of the monitor; the first four fields are the reference's. */
export const PipelineMetrics = z.object({
  pipeline_id: z.string(),
  status: PipelineState,
  batches_processed: count,
  /** Rows read from the source. */
  rows_processed: count,
  source_table: z.string(),
  sink_table: z.string(),
  /** When the pipeline got into `status`. */
  status_since: time,
  /** Grows with every message of a pipeline, also over servers: what a client that was away knows. */
  version: count,
  at: time,
  input_rows: count,
  input_bytes: count,
  input_files: count,
  output_rows: count,
  output_bytes: count,
  output_files: count,
  deleted_rows: count,
  unmatched_deletes: count,
  source_changes: SourceChangeCounts,
  /** Rows a second of the last batch, while it was worked at. */
  input_rows_per_second: z.number().nonnegative(),
  output_rows_per_second: z.number().nonnegative(),
  last_batch: BatchMetrics.nullable(),
  lag: PipelineLag,
  /** How often it was started again after a failure. */
  restarts: count,
  last_error: PipelineError.nullable(),
});
export type PipelineMetrics = z.infer<typeof PipelineMetrics>;
