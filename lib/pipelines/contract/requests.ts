/** What clients send about pipelines, and what they get. */
import { z } from "zod";
import { BatchMetrics, PipelineMetrics } from "./metrics.ts";
import { PipelineOptions, StartFrom } from "./options.ts";
import { PipelineState } from "./pipeline_state.ts";

/** Longest name of a table, and longest checkpoint location. */
const MAX_NAME_CHARS = 1_024;

/** `POST /api/pipeline/start`. */
export const StartPipelineRequest = PipelineOptions.extend({
  source_table: z.string().min(1).max(MAX_NAME_CHARS),
  sink_table: z.string().min(1).max(MAX_NAME_CHARS).describe("Created where it does not exist"),
  checkpoint_location: z.string().min(1).max(MAX_NAME_CHARS).describe(
    "Identifies the stream: one that was started with it before goes on where it ended",
  ),
  trigger_interval: z.string().min(1).max(100).default("0 seconds").describe(
    'As in Spark: "10 seconds", "1 minute", "0 seconds" (as soon as there is data), "once", ' +
      '"available-now"',
  ),
}).meta({
  example: {
    source_table: "drls.db.events",
    sink_table: "drls.db.output",
    checkpoint_location: "/tmp/checkpoint",
    trigger_interval: "10 seconds",
  },
});
export type StartPipelineRequest = z.infer<typeof StartPipelineRequest>;

/** A pipeline: its figures, and what it was asked to do. */
export const PipelineView = PipelineMetrics.extend({
  checkpoint_location: z.string(),
  trigger_interval: z.string(),
  // As it was sent, checked already: unions and transforms need not be gone through again.
  options: PipelineOptions.extend({ start_from: StartFrom }),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime(),
  started_by: z.string(),
});
export type PipelineView = z.infer<typeof PipelineView>;

/** `GET /api/pipelines`. */
export const PipelineList = z.object({
  pipelines: z.array(z.object({
    id: z.string(),
    status: PipelineState,
    source: z.string(),
    sink: z.string(),
    batches_processed: z.int(),
    rows_processed: z.int(),
    status_since: z.iso.datetime(),
    last_error: PipelineMetrics.shape.last_error,
  })),
  next_cursor: z.string().optional(),
});
export type PipelineList = z.infer<typeof PipelineList>;

/** `GET /api/pipeline/{id}/history`: newest first. */
export const PipelineHistory = z.object({
  pipeline_id: z.string(),
  batches: z.array(BatchMetrics),
  next_cursor: z.string().optional(),
});
export type PipelineHistory = z.infer<typeof PipelineHistory>;
