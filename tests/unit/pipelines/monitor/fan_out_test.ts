import assert from "node:assert/strict";
import { PipelineHub } from "../../../../lib/pipelines/hub.ts";
import { FanOut, type Listener } from "../../../../lib/pipelines/monitor/fan_out.ts";
import { MonitorLine } from "../../../../lib/pipelines/monitor/line.ts";
import { pipelineMetrics } from "../../../support/pipeline_metrics.ts";

const INTERVAL_MS = 40;

function setup() {
  const hub = new PipelineHub();
  const fanOut = new FanOut({
    hub,
    bounds: { messageIntervalMs: INTERVAL_MS, drainIntervalMs: 1 },
    elapsedMs: () => performance.now(),
  });
  return { hub, fanOut };
}

/** A client that reads everything at once, and when it did. */
function reader(pipelineId: string | null = null, room = true) {
  const sent: { readonly text: string; readonly atMs: number }[] = [];
  const socket = {
    bufferedAmount: room ? 0 : 1_000,
    send: (text: unknown) => void sent.push({ text: String(text), atMs: performance.now() }),
  };
  const counts = { sent: 0, overtaken: 0 };
  const line = new MonitorLine(socket, { maxBufferedBytes: 100, stallMs: 5, counts });
  const stalled = Promise.withResolvers<void>();
  const listener: Listener = {
    line,
    pipelineId,
    onStalled: () => stalled.resolve(),
    onForgotten: () => {},
  };
  const versions = () => sent.map(({ text }) => JSON.parse(text).version);
  return { sent, listener, versions, stalled: stalled.promise };
}

/** Lets timers that are due run. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("messages of one pipeline keep their distance, and the newest comes in the end", async () => {
  const { hub, fanOut } = setup();
  const one = reader();
  fanOut.add(one.listener, null);
  const startedAt = performance.now();
  let version = 0;
  while (performance.now() - startedAt < 5 * INTERVAL_MS) {
    hub.publish(pipelineMetrics({ version: ++version }));
    await turn();
  }
  while (one.versions().at(-1) !== version) await turn();
  fanOut.remove(one.listener);
  const gaps = one.sent.slice(1).map(({ atMs }, i) => atMs - (one.sent[i]?.atMs ?? 0));
  assert.ok(one.sent.length >= 3 && one.sent.length <= 8, `${one.sent.length} messages`);
  // The server's clock is read a moment before the message is sent.
  assert.ok(gaps.every((gap) => gap > INTERVAL_MS - 5), gaps.join(" "));
});

Deno.test("one pipeline that hurries does not hold up another", async () => {
  const { hub, fanOut } = setup();
  const one = reader();
  fanOut.add(one.listener, null);
  hub.publish(pipelineMetrics({ pipeline_id: "a", version: 1 }));
  while (one.sent.length < 1) await turn();
  hub.publish(pipelineMetrics({ pipeline_id: "a", version: 2 }));
  hub.publish(pipelineMetrics({ pipeline_id: "b", version: 3 }));
  while (one.sent.length < 3) await turn();
  fanOut.remove(one.listener);
  assert.deepEqual(one.versions(), [1, 3, 2]);
});

Deno.test("a message is written once, whoever gets it", async () => {
  const { hub, fanOut } = setup();
  const readers = [reader(), reader(), reader("p1"), reader("other")];
  for (const { listener } of readers) fanOut.add(listener, null);
  let written = 0;
  const metrics = { ...pipelineMetrics(), toJSON: () => ({ version: ++written }) };
  hub.publish(metrics);
  while (readers[0]?.sent.length === 0) await turn();
  const late = reader();
  fanOut.add(late.listener, null);
  for (const { listener } of [...readers, late]) fanOut.remove(listener);
  assert.deepEqual([...readers, late].map(({ versions }) => versions()), [[1], [1], [1], [], [1]]);
});

Deno.test("who leaves while a message goes round does not get it", async () => {
  const { hub, fanOut } = setup();
  // More than are served in one turn.
  const readers = Array.from({ length: 2_500 }, () => reader());
  for (const { listener } of readers) fanOut.add(listener, null);
  const leaving = readers.pop();
  const staying = readers.at(-1);
  assert.ok(leaving !== undefined && staying !== undefined);
  hub.publish(pipelineMetrics());
  while (readers[0]?.sent.length === 0) await turn();
  assert.equal(staying.sent.length, 0, "all were served in one turn");
  fanOut.remove(leaving.listener);
  while (staying.sent.length === 0) await turn();
  for (const { listener } of readers) fanOut.remove(listener);
  assert.deepEqual(leaving.sent, []);
});

Deno.test("a stalled line is told, and what was forgotten is not sent", async () => {
  const { hub, fanOut } = setup();
  const full = reader(null, false);
  fanOut.add(full.listener, null);
  hub.publish(pipelineMetrics());
  await full.stalled;
  assert.equal(fanOut.full, 1);
  hub.forget("p1");
  while (fanOut.full > 0) await turn();
  fanOut.remove(full.listener);
  assert.deepEqual(full.sent, []);
});

Deno.test("without listeners nothing is kept, and the next one starts with what is known", async () => {
  const { hub, fanOut } = setup();
  const first = reader();
  fanOut.add(first.listener, null);
  hub.publish(pipelineMetrics({ version: 1 }));
  fanOut.remove(first.listener);
  fanOut.remove(first.listener);
  hub.publish(pipelineMetrics({ version: 2 }));
  await turn();
  const second = reader();
  fanOut.add(second.listener, null);
  hub.publish(pipelineMetrics({ version: 3 }));
  while (second.sent.length < 2) await turn();
  fanOut.remove(second.listener);
  assert.deepEqual([first.versions(), second.versions()], [[], [2, 3]]);
});
