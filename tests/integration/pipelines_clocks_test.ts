/** Servers whose clocks differ, and servers that know nothing of each other, over one pipeline. */
import assert from "node:assert/strict";
import {
  type PipelineMetrics,
  StartPipelineRequest,
  type TickRunner,
} from "../../lib/pipelines/mod.ts";
import { untilOf, withPipelineBed } from "../support/pipeline_bed.ts";
import { checkRows, Gate, openRival, untilLeft } from "../support/rival_pipelines.ts";

const HOUR_MS = 3_600_000;

/** The second beginning comes through, and its server does not hear of it until the gate opens. */
function lateToBegin(gate: Gate): (runner: TickRunner) => TickRunner {
  return (runner) => {
    let beginnings = 0;
    return {
      park: (id) => runner.park(id),
      async run(id, params, options) {
        const result = await runner.run(id, params, options);
        if (result.kind === "begin" && ++beginnings === 2) await gate.pass();
        return result;
      },
    };
  };
}

for (const [what, skewMs] of [["ahead", HOUR_MS], ["behind", -HOUR_MS]] as const) {
  Deno.test(`servers agree on a pipeline when the clock of one is an hour ${what}`, () =>
    withPipelineBed(async (bed) => {
      await bed.createTable("db.source");
      await bed.append("db.source", [0, 1, 2]);
      const { pipeline_id: id } = await bed.start();
      await checkRows(bed, { id, rows: 3, hub: bed.hub });
      await using rival = await openRival(bed, { clock: { now: () => Date.now() + skewMs } });
      await bed.append("db.source", [3]);
      await checkRows(bed, { id, rows: 4, hub: rival.hub });
      // Each sees what the other records, and what it is asked by the other.
      await bed.until(id, (m) => m.rows_processed === 4);
      assert.equal((await bed.pipelines.stop(bed.ctx, id)).status, "stopped");
      await bed.append("db.source", [4]);
      await bed.start();
      await checkRows(bed, { id, rows: 5, hub: bed.hub });
      assert.equal((await rival.pipelines.stop(bed.ctx, id)).status, "stopped");
    }));
}

for (
  const [clock, skewMs] of [["the same clock", 0], ["a clock that is behind", HOUR_MS]] as const
) {
  Deno.test(`whoever starts a stream last has it, with another state and ${clock}`, () =>
    withPipelineBed(async (bed) => {
      await bed.createTable("db.source");
      await bed.append("db.source", [0, 1, 2]);
      const { pipeline_id: id } = await bed.start();
      await checkRows(bed, { id, rows: 3, hub: bed.hub });
      const now = () => Date.now() - skewMs;
      await using rival = await openRival(bed, { hasOwnState: true, clock: { now } });
      const request = StartPipelineRequest.parse({
        source_table: "db.source",
        sink_table: "db.sink",
        checkpoint_location: `${bed.dataDir}/checkpoint`,
      });
      const taken = await rival.pipelines.start(bed.ctx, request, null);
      // Until the new one has committed, both may: each batch is the work of one of them.
      let rows = 3;
      while (bed.hub.latest(id)?.status !== "failed") {
        await bed.append("db.source", [rows++]);
        await checkRows(bed, { id: taken.pipeline_id, rows, hub: rival.hub });
      }
      assert.equal(bed.hub.latest(id)?.last_error?.code, "stream_fenced");
      await bed.append("db.source", [rows++]);
      await checkRows(bed, { id: taken.pipeline_id, rows, hub: rival.hub });
    }));
}

Deno.test("a start that is late to put itself above the sink is not heard any more", async () => {
  const gate = new Gate();
  let skewMs = 0;
  await withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [0, 1, 2]);
    const { pipeline_id: before } = await bed.start();
    await checkRows(bed, { id: before, rows: 3, hub: bed.hub });
    await bed.pipelines.stop(bed.ctx, before);
    await bed.pipelines.remove(bed.ctx, before);
    skewMs = HOUR_MS;
    const starting = bed.start();
    await gate.reached;
    // Another server takes over what has not begun, and begins for it.
    await using rival = await openRival(bed);
    await bed.append("db.source", [3]);
    const isThere = (m: PipelineMetrics) => m.status === "idle" && m.rows_processed === 4;
    const [started] = (await bed.pipelines.list(bed.ctx, { limit: 1, cursor: null })).pipelines;
    assert(started !== undefined);
    await untilOf(rival.hub)(started.id, isThere).finally(() => gate.open());
    await starting;
    await untilLeft(bed);
    await bed.append("db.source", [4]);
    await checkRows(bed, { id: started.id, rows: 5, hub: rival.hub });
  }, { wrap: lateToBegin(gate), clock: { now: () => Date.now() - skewMs } });
});
