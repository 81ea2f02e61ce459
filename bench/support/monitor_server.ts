/**
 * A server of pipelines that are nothing but their figures: `monitor_server.ts <pipelines> <how>`
 * publishes each once a second, `spread` over the second or all `together`. Prints where it listens
 * and tokens to watch with, and serves until it is killed.
 */
import { openMonitorBed } from "../../tests/support/monitor_bed.ts";
import { pipelineMetrics } from "../../tests/support/pipeline_metrics.ts";

/** One account for all screens would do, too; several show that checks of credentials are shared. */
const ACCOUNTS = 10;
const PERIOD_MS = 1_000;

const pipelines = Number(Deno.args[0]);
const spread = Deno.args[1] === "spread";

const bed = await openMonitorBed();
const tokens: string[] = [];
for (let i = 0; i < ACCOUNTS; i++) {
  const { headers } = await bed.newToken(`screen-${i}`);
  tokens.push(headers.authorization);
}
let version = 0;
function publish(index: number): void {
  const changes = { version: ++version, at: new Date().toISOString() };
  bed.hub.publish(pipelineMetrics({ pipeline_id: `pipeline-${index}`, ...changes }));
}
const indexes = Array.from({ length: pipelines }, (_, index) => index);
if (spread) {
  for (const index of indexes) {
    const delayMs = index * PERIOD_MS / pipelines;
    setTimeout(() => setInterval(() => publish(index), PERIOD_MS), delayMs);
  }
} else {
  setInterval(() => indexes.forEach(publish), PERIOD_MS);
}
console.log(JSON.stringify({ port: bed.port, tokens }));
