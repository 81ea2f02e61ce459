/** The states of a pipeline, as clients see them. */
import { z } from "zod";

/** Every state; `lib/pipelines/state_machine.ts` says what leads from one to another. */
export const PIPELINE_STATES = [
  "starting",
  "running",
  "idle",
  "backing-off",
  "stopping",
  "stopped",
  "failed",
] as const;

/** A state of a pipeline. */
export const PipelineState = z.enum(PIPELINE_STATES);
export type PipelineState = z.infer<typeof PipelineState>;
