/** What pipelines do and who watches them, as figures for Prometheus. */
import type { FamilySpec, GaugeSpec, LabelledValue } from "../metrics.ts";
import type { PipelineMetrics } from "./contract/metrics.ts";
import type { PipelineHub } from "./hub.ts";
import type { PipelineMonitor } from "./monitor/monitor.ts";
import type { Pipelines } from "./pipelines.ts";

/** Most pipelines with series of their own; those that are stopped are the first to be left out. */
export const MAX_PIPELINES_SHOWN = 200;

const LABELS = ["pipeline", "source", "sink"] as const;

/** A figure of each pipeline; one that it does not have is not shown. */
interface Figure {
  readonly name: string;
  readonly help: string;
  readonly kind: FamilySpec["kind"];
  readonly of: (metrics: PipelineMetrics) => number | null;
}

const FIGURES: readonly Figure[] = [
  counter("batches", "Batches that were committed", (m) => m.batches_processed),
  counter("rows", "Rows read from the source", (m) => m.rows_processed),
  counter("input_bytes", "Bytes of the files that were read", (m) => m.input_bytes),
  counter("input_files", "Files that were read", (m) => m.input_files),
  counter("output_rows", "Rows written to the sink", (m) => m.output_rows),
  counter("output_bytes", "Bytes of the files that were written", (m) => m.output_bytes),
  counter("output_files", "Files that were written", (m) => m.output_files),
  counter("deleted_rows", "Rows taken out of the sink", (m) => m.deleted_rows),
  counter("restarts", "Starts after a failure", (m) => m.restarts),
  gauge("input_rows_per_second", "Of the last batch", (m) => m.input_rows_per_second),
  gauge("output_rows_per_second", "Of the last batch", (m) => m.output_rows_per_second),
  gauge(
    "last_batch_duration_seconds",
    "Of the last batch",
    (m) => m.last_batch === null ? null : m.last_batch.duration_ms / 1000,
  ),
  gauge("lag_snapshots", "Source snapshots not read to the end", (m) => m.lag.snapshots),
  gauge("lag_rows", "Rows in source snapshots not read to the end", (m) => m.lag.rows),
  gauge("lag_seconds", "Age of the oldest source snapshot not read", (m) => m.lag.seconds),
  gauge(
    "state_since_timestamp_seconds",
    "When the pipeline got into its state",
    (m) => Date.parse(m.status_since) / 1000,
  ),
];

/** Figures of each pipeline, by its id and tables. */
export function pipelineFamilies(hub: PipelineHub): FamilySpec[] {
  const families = FIGURES.map(({ name, help, kind, of }): FamilySpec => ({
    name,
    help,
    kind,
    labels: LABELS,
    read: () =>
      shown(hub).flatMap((metrics): LabelledValue[] => {
        const value = of(metrics);
        return value === null ? [] : [{ labels: labelsOf(metrics), value }];
      }),
  }));
  return [...families, states(hub), sourceChanges(hub)];
}

/** What gauges look at. */
export interface GaugeSubjects {
  readonly pipelines: Pick<Pipelines, "ticksWaiting">;
  readonly monitor: Pick<PipelineMonitor, "stats">;
}

/** How many pipelines there are, how many wait for others, and how busy the monitor is. */
export function monitorGauges(hub: PipelineHub, { pipelines, monitor }: GaugeSubjects) {
  const gauges: readonly GaugeSpec[] = [
    { name: "drls_pipelines", help: "Pipelines that are known", read: () => hub.all().length },
    {
      name: "drls_pipeline_ticks_waiting",
      help: "Pipelines with something to do that wait for their turn here",
      read: () => pipelines.ticksWaiting(),
    },
    {
      name: "drls_monitor_watchers",
      help: "WebSockets that watch pipelines",
      read: () => monitor.stats().watching,
    },
    {
      name: "drls_monitor_slow_watchers",
      help: "Of those, clients that read too slowly for each message",
      read: () => monitor.stats().slow,
    },
    {
      name: "drls_monitor_lingering",
      help: "WebSockets that were closed and whose clients have not let go",
      read: () => monitor.stats().lingering,
    },
    {
      name: "drls_monitor_messages_sent",
      help: "Messages sent to those who watch, since the start",
      read: () => monitor.stats().messagesSent,
    },
    {
      name: "drls_monitor_messages_overtaken",
      help: "Messages that newer ones took the place of, because a client was slow",
      read: () => monitor.stats().messagesOvertaken,
    },
  ];
  return gauges;
}

/** One series for each pipeline, labelled with the state that it is in. */
function states(hub: PipelineHub): FamilySpec {
  return {
    name: "drls_pipeline_state",
    help: "1, labelled with the state that the pipeline is in",
    kind: "gauge",
    labels: [...LABELS, "state"],
    read: () =>
      shown(hub).map((metrics) => ({
        labels: { ...labelsOf(metrics), state: metrics.status },
        value: 1,
      })),
  };
}

function sourceChanges(hub: PipelineHub): FamilySpec {
  return {
    name: "drls_pipeline_source_changes_total",
    help: "Source snapshots that were no appends, by what became of them",
    kind: "counter",
    labels: [...LABELS, "outcome"],
    read: () =>
      shown(hub).flatMap((metrics) =>
        Object.entries(metrics.source_changes).map(([outcome, value]) => ({
          labels: { ...labelsOf(metrics), outcome },
          value,
        }))
      ),
  };
}

function shown(hub: PipelineHub): readonly PipelineMetrics[] {
  const all = hub.all();
  if (all.length <= MAX_PIPELINES_SHOWN) return all;
  const stopped = (one: PipelineMetrics) => Number(one.status === "stopped");
  return all.toSorted((a, b) => stopped(a) - stopped(b)).slice(0, MAX_PIPELINES_SHOWN);
}

function labelsOf({ pipeline_id, source_table, sink_table }: PipelineMetrics) {
  return { pipeline: pipeline_id, source: source_table, sink: sink_table };
}

function counter(name: string, help: string, of: Figure["of"]): Figure {
  return { name: `drls_pipeline_${name}_total`, help, kind: "counter", of };
}

function gauge(name: string, help: string, of: Figure["of"]): Figure {
  return { name: `drls_pipeline_${name}`, help, kind: "gauge", of };
}
