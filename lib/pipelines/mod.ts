/** Streaming pipelines: rows that flow from table to table, exactly once, and what is seen of them. */
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
