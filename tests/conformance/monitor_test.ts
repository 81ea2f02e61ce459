/** Live figures of pipelines, as a WebSocket client of another language sees them. */
import assert from "node:assert/strict";
import { PipelineMetrics } from "../../lib/pipelines/mod.ts";
import { openLivePipeline } from "./_live_pipeline.ts";
import { PeerProcess } from "./_peer_process.ts";
import { peerTest } from "./_peers.ts";
import { ADMIN_TOKEN, type Server } from "./_server.ts";

function watch(server: Server, query = "", token = ADMIN_TOKEN): PeerProcess {
  const url = `${server.url.replace("http", "ws")}/api/pipeline/monitor${query}`;
  return new PeerProcess("websockets", "monitor_watch.py", [url, token]);
}

/** The first message for which `wanted` holds; all are checked on the way. */
async function until(
  client: PeerProcess,
  wanted: (metrics: PipelineMetrics) => boolean,
): Promise<PipelineMetrics> {
  let last: PipelineMetrics | null = null;
  for (;;) {
    const { text } = await client.hear("MESSAGE");
    const metrics = PipelineMetrics.parse(JSON.parse(text));
    if (last !== null) assert.ok(metrics.version > last.version, "an older message came later");
    if (wanted(metrics)) return metrics;
    last = metrics;
  }
}

peerTest("Python's websockets sees a pipeline from its start to its stop", ["websockets"], {
  async fn(t) {
    await using live = await openLivePipeline();
    await using early = watch(live.server);
    await early.hear("OPEN");
    const id = await live.start();

    await t.step("the reference's fields, and rows as they flow", async () => {
      const first = await until(early, () => true);
      assert.deepEqual([first.pipeline_id, first.batches_processed], [id, 0]);
      await live.append(1_000);
      await until(early, ({ rows_processed }) => rows_processed === 1_000);
      await live.append(234);
      const then = await until(early, ({ rows_processed }) => rows_processed === 1_234);
      assert.equal(then.output_rows, 1_234);
      assert.ok(then.batches_processed >= 2, `${then.batches_processed} batches`);
      assert.equal(then.last_batch?.input_rows, 234);
    });

    await t.step("who comes later begins with what is known", async () => {
      await using late = watch(live.server, `?pipeline_id=${id}`);
      const { rows_processed } = await until(late, () => true);
      assert.equal(rows_processed, 1_234);
    });

    await t.step("who was away hears of what happened since", async () => {
      const { at } = await live.server.get<PipelineMetrics>(`/pipeline/${id}/status`);
      const since = new Date(Date.parse(at) + 1).toISOString();
      await using back = watch(live.server, `?since=${since}`);
      await back.hear("OPEN");
      await live.append(1);
      await until(back, ({ rows_processed }) => rows_processed === 1_235);
    });

    await t.step("refusals are those of HTTP", async () => {
      await using stranger = watch(live.server, "", "drls_stranger");
      assert.equal((await stranger.hear("REFUSED")).text, "401");
      await using lost = watch(live.server, "?pipeline_id=nowhere");
      assert.equal((await lost.hear("REFUSED")).text, "404");
    });

    await t.step("its stop is the last that is heard of it", async () => {
      await live.stop(id);
      const last = await until(early, ({ status }) => status === "stopped");
      assert.equal(last.rows_processed, 1_235);
    });
  },
});

peerTest("Python's websockets hears that the server stops", ["websockets"], {
  async fn() {
    const live = await openLivePipeline();
    await using client = watch(live.server);
    await client.hear("OPEN");
    await live[Symbol.asyncDispose]();
    assert.equal((await client.hear("CLOSED")).text, "1001");
  },
});
