/** Streaming pipelines: rows that flow from table to table, exactly once, and what is seen of them. */
export {
  PipelineHistory,
  PipelineList,
  PipelineView,
  StartPipelineRequest,
} from "./contract/requests.ts";
export { tickJob, type TickParams, type TickResult } from "./contract/tick_job.ts";
export { createPipelines, type PipelinesDeps } from "./create_pipelines.ts";
export type { PipelinePage, Pipelines } from "./pipelines.ts";
export type { TickRunner } from "./tick_runner.ts";
export { PipelineMetrics } from "./contract/metrics.ts";
export { MAX_PIPELINES_SHOWN, monitorGauges, pipelineFamilies } from "./gauges.ts";
export { PipelineHub } from "./hub.ts";
export { MONITOR_BOUNDS, type MonitorBounds } from "./monitor/bounds.ts";
export type { MonitorSocket } from "./monitor/line.ts";
export {
  type MonitorQuery,
  type MonitorStats,
  PipelineMonitor,
  type PipelineMonitorOptions,
} from "./monitor/monitor.ts";
