/** Ticks: a door of its own for the isolates of pipelines, because it loads Parquet and the engine. */
import { installJob } from "../../jobs/mod.ts";
import { tickJob } from "../contract/tick_job.ts";
import type { StreamEngine } from "./stream_engine.ts";
import { tick } from "./tick.ts";

export { StreamEngine } from "./stream_engine.ts";

/** The job of a pipeline's isolate, which keeps `engine` from tick to tick. */
export function streamJob(engine: StreamEngine) {
  return installJob(tickJob, (params, host) => tick(params, { host, engine }));
}
