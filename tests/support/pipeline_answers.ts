/** Answers about pipelines, for tests of the transport. */
import type { Pipelines, PipelineView } from "../../lib/pipelines/mod.ts";
import { pipelineMetrics } from "./pipeline_metrics.ts";

const TIME = "2026-01-01T00:00:00.000Z";

/** One that runs. */
const view: PipelineView = {
  ...pipelineMetrics(),
  checkpoint_location: "/tmp/checkpoint",
  trigger_interval: "0 seconds",
  options: {
    start_from: "beginning",
    write_mode: "append",
    delete_files: "positions",
    source_changes: "fail",
    schema_changes: "fail",
    max_files_per_batch: 1_000,
    max_bytes_per_batch: 1_000_000,
  },
  created_at: TIME,
  started_at: TIME,
  started_by: "ada",
};

/** Every pipeline is there, and does what it is asked to. */
export const pipelineAnswers: Partial<Pipelines> = {
  start: () => Promise.resolve(view),
  stop: () => Promise.resolve(view),
  status: () => Promise.resolve(view),
  list: () => Promise.resolve({ pipelines: [] }),
  history: () => Promise.resolve({ pipeline_id: view.pipeline_id, batches: [] }),
  remove: () => Promise.resolve(),
};
