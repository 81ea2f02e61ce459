/** Who runs ticks: an isolate for each pipeline today, another engine perhaps later. */
import type { RunJobOptions } from "../jobs/mod.ts";
import type { TickParams, TickResult } from "./contract/tick_job.ts";

/** Runs ticks of pipelines, those of one pipeline one after another. */
export interface TickRunner {
  /** As `JobRunner.run`. */
  run(pipelineId: string, params: TickParams, options: RunJobOptions): Promise<TickResult>;
  /** The pipeline does nothing for now: what is kept for it may go. */
  park(pipelineId: string): void;
}
