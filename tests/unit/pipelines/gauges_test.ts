import assert from "node:assert/strict";
import { createMetrics } from "../../../lib/metrics.ts";
import {
  MAX_PIPELINES_SHOWN,
  monitorGauges,
  pipelineFamilies,
  PipelineHub,
} from "../../../lib/pipelines/mod.ts";
import { pipelineMetrics } from "../../support/pipeline_metrics.ts";

const STATS = { watching: 3, slow: 1, lingering: 0, messagesSent: 99, messagesOvertaken: 5 };

const subjects = { pipelines: { ticksWaiting: () => 4 }, monitor: { stats: () => STATS } };

async function render(hub: PipelineHub): Promise<string> {
  const metrics = createMetrics();
  for (const family of pipelineFamilies(hub)) metrics.addFamily(family);
  for (const gauge of monitorGauges(hub, subjects)) metrics.addGauge(gauge);
  return (await metrics.render()).text;
}

Deno.test("pipelineFamilies() shows the figures of each pipeline with its tables", async () => {
  const hub = new PipelineHub();
  hub.publish(
    pipelineMetrics({ pipeline_id: "a", lag: { snapshots: 2, rows: null, seconds: 1.5 } }),
  );
  hub.publish(pipelineMetrics({ pipeline_id: "b", status: "failed", last_batch: null }));
  const text = await render(hub);
  const labels = (id: string) => `pipeline="${id}",source="db.events",sink="db.events_clean"`;
  for (
    const line of [
      "# TYPE drls_pipeline_rows_total counter",
      `drls_pipeline_rows_total{${labels("a")}} 10500`,
      `drls_pipeline_batches_total{${labels("b")}} 42`,
      `drls_pipeline_lag_snapshots{${labels("a")}} 2`,
      `drls_pipeline_lag_seconds{${labels("a")}} 1.5`,
      `drls_pipeline_last_batch_duration_seconds{${labels("a")}} 0.4125`,
      `drls_pipeline_state{${labels("a")},state="running"} 1`,
      `drls_pipeline_state{${labels("b")},state="failed"} 1`,
      `drls_pipeline_source_changes_total{${labels("a")},outcome="replace_skipped"} 1`,
      `drls_pipeline_state_since_timestamp_seconds{${labels("a")}} 1767225600`,
      "drls_pipelines 2",
      "drls_pipeline_ticks_waiting 4",
      "drls_monitor_watchers 3",
      "drls_monitor_messages_sent 99",
    ]
  ) assert.ok(text.split("\n").includes(line), `${line} is not in\n${text}`);
  // What is not known has no value, rather than a wrong one.
  assert.ok(!text.includes(`drls_pipeline_lag_rows{${labels("a")}}`));
  assert.ok(!text.includes(`drls_pipeline_last_batch_duration_seconds{${labels("b")}}`));
});

Deno.test("pipelineFamilies() keeps the number of series bounded, and leaves out stopped ones first", async () => {
  const hub = new PipelineHub();
  for (let i = 0; i < MAX_PIPELINES_SHOWN + 50; i++) {
    hub.publish(pipelineMetrics({ pipeline_id: `p${i}`, status: i < 100 ? "stopped" : "running" }));
  }
  const shown = (await render(hub)).split("\n").filter((line) =>
    line.startsWith("drls_pipeline_state{")
  );
  assert.equal(shown.length, MAX_PIPELINES_SHOWN);
  assert.equal(shown.filter((line) => line.includes('state="running"')).length, 150);
});

Deno.test("pipelineFamilies() forgets with the hub", async () => {
  const hub = new PipelineHub();
  hub.publish(pipelineMetrics());
  hub.forget("p1");
  assert.ok(!(await render(hub)).includes('pipeline="p1"'));
});
