import assert from "node:assert/strict";
import { PipelineMetrics } from "../../../lib/pipelines/contract/metrics.ts";
import { PipelineHub } from "../../../lib/pipelines/hub.ts";
import { pipelineMetrics } from "../../support/pipeline_metrics.ts";

const ALL = { pipelineId: null, sinceMs: null };

/** Counts calls. */
function watcher() {
  const calls = { news: 0, forgotten: [] as string[] };
  return {
    calls,
    onNews: () => void calls.news++,
    onForgotten: (id: string) => void calls.forgotten.push(id),
  };
}

const versions = (list: readonly PipelineMetrics[]) =>
  list.map(({ pipeline_id, version }) => `${pipeline_id}@${version}`);

Deno.test("a watch starts with what is known and gets the newest value of each pipeline", () => {
  const hub = new PipelineHub();
  hub.publish(pipelineMetrics({ pipeline_id: "a", version: 1 }));
  const one = watcher();
  const watch = hub.watch(one, ALL);
  assert.equal(one.calls.news, 1);
  for (const version of [2, 3]) hub.publish(pipelineMetrics({ pipeline_id: "b", version }));
  hub.publish(pipelineMetrics({ pipeline_id: "a", version: 9 }));
  assert.deepEqual(versions(watch.take()), ["a@9", "b@3"]);
  assert.deepEqual(watch.take(), []);
});

Deno.test("a million changes that nobody takes are one value of each pipeline", () => {
  const hub = new PipelineHub();
  const watch = hub.watch(watcher(), ALL);
  const template = pipelineMetrics();
  for (let version = 0; version < 1_000_000; version++) {
    hub.publish({ ...template, pipeline_id: `p${version % 3}`, version });
  }
  assert.deepEqual(versions(watch.take()), ["p0@999999", "p1@999997", "p2@999998"]);
});

Deno.test("publish() drops figures that newer ones have overtaken", () => {
  const hub = new PipelineHub();
  const watch = hub.watch(watcher(), ALL);
  for (const version of [5, 4, 5]) hub.publish(pipelineMetrics({ version }));
  assert.deepEqual(versions(watch.take()), ["p1@5"]);
  hub.publish(pipelineMetrics({ version: 3 }));
  assert.deepEqual(watch.take(), []);
  assert.equal(hub.latest("p1")?.version, 5);
});

Deno.test("a watch of one pipeline hears of no other", () => {
  const hub = new PipelineHub();
  const one = watcher();
  const watch = hub.watch(one, { pipelineId: "a", sinceMs: null });
  hub.publish(pipelineMetrics({ pipeline_id: "b" }));
  hub.forget("b");
  assert.deepEqual(one.calls, { news: 0, forgotten: [] });
  hub.publish(pipelineMetrics({ pipeline_id: "a" }));
  assert.deepEqual(versions(watch.take()), ["a@1"]);
});

Deno.test("forget() ends a pipeline for all who watch, also what they have not taken", () => {
  const hub = new PipelineHub();
  const one = watcher();
  const watch = hub.watch(one, ALL);
  hub.publish(pipelineMetrics({ pipeline_id: "a", version: 7 }));
  hub.forget("a");
  hub.forget("a");
  hub.forget("never there");
  assert.deepEqual(watch.take(), []);
  assert.deepEqual(one.calls.forgotten, ["a"]);
  assert.equal(hub.latest("a"), null);
  // Another one under the same id begins anew.
  hub.publish(pipelineMetrics({ pipeline_id: "a", version: 1 }));
  assert.deepEqual(versions(watch.take()), ["a@1"]);
});

Deno.test("known() keeps what is as old as the last message seen, and leaves out what is older", () => {
  const hub = new PipelineHub();
  for (const second of [1, 2, 3]) {
    const at = `2026-01-01T00:00:0${second}.000Z`;
    hub.publish(pipelineMetrics({ pipeline_id: `p${second}`, at }));
  }
  const sinceMs = Date.parse("2026-01-01T00:00:02.000Z");
  assert.deepEqual(versions(hub.known({ pipelineId: null, sinceMs })), ["p2@1", "p3@1"]);
  assert.deepEqual(versions(hub.known({ pipelineId: "p1", sinceMs })), []);
  assert.deepEqual(versions(hub.known({ pipelineId: "p1", sinceMs: null })), ["p1@1"]);
  assert.deepEqual(versions(hub.known({ pipelineId: "p9", sinceMs: null })), []);
});

Deno.test("a watch that ended is not called", () => {
  const hub = new PipelineHub();
  const one = watcher();
  hub.watch(one, ALL).end();
  hub.publish(pipelineMetrics());
  hub.forget("p1");
  assert.deepEqual(one.calls, { news: 0, forgotten: [] });
});

Deno.test("the figures that tests show are of the contract's form", () => {
  assert.deepEqual(PipelineMetrics.parse(pipelineMetrics()), pipelineMetrics());
});
