/** Figures of pipelines that never ran, for those who show them. */
import type { PipelineMetrics } from "../../lib/pipelines/mod.ts";

/** Complete and valid; `changes` takes the place of what it names. */
export function pipelineMetrics(changes: Partial<PipelineMetrics> = {}): PipelineMetrics {
  return {
    pipeline_id: "p1",
    status: "running",
    batches_processed: 42,
    rows_processed: 10_500,
    source_table: "db.events",
    sink_table: "db.events_clean",
    status_since: "2026-01-01T00:00:00.000Z",
    version: 1,
    at: "2026-01-01T00:00:01.000Z",
    input_rows: 10_500,
    input_bytes: 1_234_567,
    input_files: 42,
    output_rows: 10_400,
    output_bytes: 1_200_000,
    output_files: 42,
    deleted_rows: 0,
    unmatched_deletes: 0,
    source_changes: { replace_skipped: 1, skipped: 0, added_files: 0, changelog: 0 },
    input_rows_per_second: 250.5,
    output_rows_per_second: 248.1,
    last_batch: {
      batch_id: 42,
      started_at: "2026-01-01T00:00:00.500Z",
      duration_ms: 412.5,
      input_rows: 250,
      input_bytes: 29_394,
      input_files: 1,
      output_rows: 248,
      output_bytes: 28_571,
      output_files: 1,
      deleted_rows: 0,
      unmatched_deletes: 0,
      source_snapshot_id: "8744736658442914487",
      sink_snapshot_id: "3051729675574597004",
    },
    lag: { snapshots: 1, rows: 250, seconds: 0.8 },
    restarts: 0,
    last_error: null,
    ...changes,
  };
}
