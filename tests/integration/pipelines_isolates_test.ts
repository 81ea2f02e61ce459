/** Pipelines whose isolates end at any moment, and what is left when they are over. */
import assert from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import type { TickRunner } from "../../lib/pipelines/mod.ts";
import type { PipelinePool } from "../../workers/pipeline_pool.ts";
import { withPipelineBed } from "../support/pipeline_bed.ts";
import { rejectsWith } from "../support/rejects.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Ends all isolates at some commits: when leave is given, or this many milliseconds later. */
function deadly(pool: PipelinePool, delays: readonly (number | null)[]): TickRunner {
  let commits = 0;
  return {
    park: (id) => pool.park(id),
    run: (id, params, options) =>
      pool.run(id, params, {
        ...options,
        async onCommit(note) {
          await options.onCommit?.(note);
          const delay = delays[commits++ % delays.length] ?? null;
          if (delay === 0) pool.close();
          else if (delay !== null) setTimeout(() => pool.close(), delay);
        },
      }),
  };
}

Deno.test("isolates that end while they commit lose no row and double none", async () => {
  const delays = [null, 0, 3, null, 6, null, 9, 15];
  await withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    for (const id of numbers(10)) await bed.append("db.source", [id]);
    const { pipeline_id: id } = await bed.start({ max_files_per_batch: 1 });
    const done = await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 10);
    assert.deepEqual(await bed.ids("db.sink"), numbers(10));
    assert.deepEqual([done.batches_processed, done.output_rows, done.last_error], [10, 10, null]);
    assert(done.restarts > 0);
    const { batches } = await bed.pipelines.history(bed.ctx, { id, limit: 100, cursor: null });
    assert.equal(new Set(batches.map((batch) => batch.batch_id)).size, batches.length);
    // Counted over its whole life: what counters fall to would be taken for another pipeline's.
    await bed.pipelines.stop(bed.ctx, id);
    assert((await bed.start()).restarts >= done.restarts);
  }, { wrap: (pool) => deadly(pool, delays) });
});

Deno.test("pipelines that are over leave no isolate behind", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [1]);
    const ids: string[] = [];
    for (const n of numbers(3)) {
      const { pipeline_id: id } = await bed.start({
        sink_table: `db.sink${n}`,
        checkpoint_location: `${bed.dataDir}/c${n}`,
        trigger_interval: n === 0 ? "available-now" : "0 seconds",
      });
      ids.push(id);
      await bed.until(id, (m) => m.rows_processed === 1);
    }
    for (const id of ids) {
      assert.equal((await bed.pipelines.stop(bed.ctx, id)).status, "stopped");
    }
    assert.equal(bed.pipelines.running(), 0);
    assert.equal(bed.pool.stats().isolates, 0);
  }));

Deno.test("a pipeline without news keeps no isolate, however often it looks, and gets one with the next", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [1]);
    const { pipeline_id: id } = await bed.start({ trigger_interval: "10 milliseconds" });
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 1);
    while (bed.pool.stats().isolates > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await bed.append("db.source", [2]);
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 2);
    assert.deepEqual(await bed.ids("db.sink"), [1, 2]);
  }, { parkAfterMs: 200 }));

Deno.test("a pipeline that fails at its start is not there, and its checkpoint is free", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    const broken = { transform: "SELECT nothing FROM batch" };
    await rejectsWith(bed.start(broken), { kind: "invalid", code: "transform_invalid" });
    assert.deepEqual(
      (await bed.pipelines.list(bed.ctx, { limit: 10, cursor: null })).pipelines,
      [],
    );
    assert.deepEqual(bed.hub.all(), []);
    assert.equal(bed.pool.stats().isolates, 0);
    assert.equal((await bed.start()).status, "running");
  }));

Deno.test("a sink that is said to exist and is never found fails its pipeline", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [1]);
    const { pipeline_id: id } = await bed.start();
    const failed = await bed.until(id, ({ status }) => status === "failed");
    assert.equal(failed.last_error?.code, "table_already_exists");
  }, {
    wrapCatalog: (catalog) =>
      new Proxy(catalog, {
        get(target, name) {
          // A view has the name, as rest catalogs may have one.
          if (name === "createTable") {
            const message = 'Cannot create table "db.sink": a view has its name';
            return () =>
              Promise.reject(new AppError("already_exists", "table_already_exists", message));
          }
          const value = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
  }));

Deno.test("a pipeline that others start and stop at once ends in one state, and its rows are there once", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    for (const id of numbers(10)) await bed.append("db.source", [id]);
    const { pipeline_id: id } = await bed.start({ max_files_per_batch: 1 });
    for (let round = 0; round < 4; round++) {
      const outcomes = await Promise.allSettled([
        bed.pipelines.stop(bed.ctx, id),
        bed.start({ max_files_per_batch: 1 }),
        bed.pipelines.stop(bed.ctx, id),
        bed.start({ max_files_per_batch: 1 }),
      ]);
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") continue;
        assert.equal(Reflect.get(Object(outcome.reason), "code"), "pipeline_running");
      }
    }
    const { status } = await bed.pipelines.stop(bed.ctx, id);
    assert.equal(status, "stopped");
    assert.equal(bed.pipelines.running(), 0);
    await bed.start();
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 10);
    assert.deepEqual(await bed.ids("db.sink"), numbers(10));
  }));
