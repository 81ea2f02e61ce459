/** Starts that others are in the way of: full servers, busy ones, repeats, places that cannot be. */
import assert from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { findPipeline, restartPipeline } from "../../lib/pipelines/_store.ts";
import { NO_FIGURES } from "../../lib/pipelines/_row.ts";
import { MAX_KEPT_PIPELINES } from "../../lib/pipelines/_start_pipeline.ts";
import { PipelineOptions } from "../../lib/pipelines/contract/options.ts";
import { StartPipelineRequest, type TickRunner } from "../../lib/pipelines/mod.ts";
import { pinsOf } from "../../lib/pins/mod.ts";
import { sql } from "../../lib/state/mod.ts";
import { type PipelineBed, untilOf, withPipelineBed } from "../support/pipeline_bed.ts";
import { rejectsWith } from "../support/rejects.ts";
import { Gate, openRival } from "../support/rival_pipelines.ts";

const BROKEN = { transform: "SELECT nothing FROM batch" };

/** A source with the rows 1, 2, 3. */
async function fill(bed: PipelineBed): Promise<void> {
  await bed.createTable("db.source");
  await bed.append("db.source", [1, 2, 3]);
}

/** A start with an idempotency key. */
function startWith(bed: PipelineBed, key: string, more: Readonly<Record<string, unknown>> = {}) {
  const request = StartPipelineRequest.parse({
    source_table: "db.source",
    sink_table: "db.sink",
    checkpoint_location: `${bed.dataDir}/checkpoint`,
    ...more,
  });
  return bed.pipelines.start(bed.ctx, request, key);
}

async function known(bed: PipelineBed): Promise<readonly string[]> {
  const { pipelines } = await bed.pipelines.list(bed.ctx, { limit: 10, cursor: null });
  return pipelines.map(({ id }) => id);
}

Deno.test("a start that fails takes nothing from one that came after it with the same checkpoint", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    let revived: Promise<string> | null = null;
    const revive = (id: string) =>
      bed.state.transaction(async (tx) => {
        await restartPipeline(tx, {
          id,
          key: "",
          checkpoint: `${bed.dataDir}/checkpoint`,
          catalog: { name: "drls", key: "" },
          source: "db.source",
          sink: "db.sink",
          trigger: "0 seconds",
          options: PipelineOptions.parse({}),
          state: "starting",
          figures: NO_FIGURES,
          place: null,
          sourceUuid: null,
          sinkUuid: null,
          principalName: "another",
          instance: null,
          startKey: null,
          nowMs: Date.now(),
        });
        return id;
      });
    bed.hub.watch({
      onNews() {
        // Before whoever started it hears of its failure.
        const failed = bed.hub.all().find(({ status }) => status === "failed");
        if (failed !== undefined) revived ??= revive(failed.pipeline_id);
      },
    }, { pipelineId: null, sinceMs: null });
    await rejectsWith(bed.start(BROKEN), { kind: "invalid", code: "transform_invalid" });
    const id = await (revived ?? assert.fail("It never failed"));
    assert.deepEqual(await known(bed), [id]);
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 3);
    assert.deepEqual(await bed.ids("db.sink"), [1, 2, 3]);
    assert.equal((await pinsOf(bed.state, { table: "db.source", nowMs: Date.now() })).length, 1);
  }));

Deno.test("a pipeline starts although others keep every turn", async () => {
  const gate = new Gate();
  const hanging = (runner: TickRunner): TickRunner => ({
    park: (id) => runner.park(id),
    async run(id, params, options) {
      if (!params.isFirst) await gate.pass();
      return await runner.run(id, params, options);
    },
  });
  await withPipelineBed(async (bed) => {
    await fill(bed);
    const first = await bed.start();
    await gate.reached;
    const second = await bed.start({
      sink_table: "db.second",
      checkpoint_location: `${bed.dataDir}/second`,
    });
    assert.deepEqual([first.status, second.status], ["running", "running"]);
    assert.equal(await eventually(() => bed.pipelines.ticksWaiting()), 1);
    gate.open();
    for (const { pipeline_id: id } of [first, second]) {
      await bed.until(id, (m) => m.rows_processed === 3);
    }
    assert.equal(bed.pipelines.ticksWaiting(), 0);
    // One turn in all.
  }, { cores: 0.25, wrap: hanging });
});

/** The first number that is not 0. */
async function eventually(look: () => number): Promise<number> {
  while (look() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return look();
}

Deno.test("a pipeline that nobody runs is shown as one that is to start, whoever left it how", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    const left = async () => {
      await using rival = await openRival(bed);
      const request = StartPipelineRequest.parse({
        source_table: "db.source",
        sink_table: "db.sink",
        checkpoint_location: `${bed.dataDir}/checkpoint`,
      });
      const { pipeline_id: id } = await rival.pipelines.start(bed.ctx, request, null);
      await untilOf(rival.hub)(id, (m) => m.status === "idle" && m.rows_processed === 3);
      return id;
    };
    const id = await left();
    const row = await findPipeline(bed.state, id);
    assert.deepEqual([row?.state, row?.instance], ["starting", null]);
    await bed.until(id, (m) => m.status === "starting");
    // As a server leaves it that is killed.
    await bed.state.transaction((tx) =>
      tx.run(sql`UPDATE pipelines SET state = 'idle', instance = 'killed' WHERE id = ${id}`)
    );
    await bed.until(id, (m) => m.version > (row?.version ?? 0) && m.status === "starting");
    assert.equal((await findPipeline(bed.state, id))?.instance, null);
    assert.equal((await bed.pipelines.status(bed.ctx, id)).status, "starting");
    assert.equal((await bed.pipelines.stop(bed.ctx, id)).status, "stopped");
  }, { maxPipelines: 0 }));

Deno.test("a server that comes back has no more patience than it had left", async () => {
  const broken = (): TickRunner => ({
    park: () => {},
    run: () => Promise.reject(new AppError("internal", "broken", "Cannot run: it is broken")),
  });
  let isBroken = false;
  await withPipelineBed(async (bed) => {
    await fill(bed);
    const { pipeline_id: id } = await bed.start();
    await bed.until(id, (m) => m.status === "idle");
    const failures = async () => (await findPipeline(bed.state, id))?.failures;
    isBroken = true;
    await bed.append("db.source", [4]);
    await bed.until(id, (m) => m.status === "backing-off");
    assert((await failures() ?? 0) >= 1);
    isBroken = false;
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 4);
    assert.equal(await failures(), 0);
    // As a server leaves it that died after the last but one try.
    isBroken = true;
    await bed.state.transaction((tx) =>
      tx.run(sql`UPDATE pipelines SET failures = 5, failing_since = ${Date.now()},
        instance = 'killed' WHERE id = ${id}`)
    );
    const { restarts, last_error } = await bed.until(id, (m) => m.status === "failed");
    assert.deepEqual([restarts, last_error?.code], [1, "broken"]);
  }, {
    wrap: (pool) => ({
      park: (id) => pool.park(id),
      run: (...args) => (isBroken ? broken() : pool).run(...args),
    }),
  });
});

Deno.test("a full server repeats the answer to a start that it knows", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    const first = await startWith(bed, "k1");
    const again = await startWith(bed, "k1");
    assert.equal(again.pipeline_id, first.pipeline_id);
    const other = { sink_table: "db.other", checkpoint_location: `${bed.dataDir}/other` };
    await rejectsWith(startWith(bed, "k2", other), { kind: "unavailable", code: "pipelines_full" });
  }, { maxPipelines: 1 }));

Deno.test("an idempotency key stands for one request, while its pipeline is known", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    const expected = { kind: "invalid", code: "idempotency_key_reused" } as const;
    const other = { sink_table: "db.other", checkpoint_location: `${bed.dataDir}/other` };
    const { pipeline_id: id } = await startWith(bed, "k");
    const error = await rejectsWith(startWith(bed, "k", other), expected);
    assert.deepEqual(error.issues.map(({ path }) => path), ["Idempotency-Key"]);
    await rejectsWith(startWith(bed, "k", { trigger_interval: "1 second" }), expected);
    assert.deepEqual(await known(bed), [id]);
    await bed.pipelines.stop(bed.ctx, id);
    await bed.pipelines.remove(bed.ctx, id);
    assert.notEqual((await startWith(bed, "k", other)).pipeline_id, id);
  }));

Deno.test("two starts with one key are one pipeline, and both hear what became of it", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    const [a, b] = await Promise.all([startWith(bed, "k"), startWith(bed, "k")]);
    assert.equal(a.pipeline_id, b.pipeline_id);
    assert.deepEqual([a.status, b.status], ["running", "running"]);
    const failing = { ...BROKEN, checkpoint_location: `${bed.dataDir}/other`, sink_table: "db.b" };
    const expected = { kind: "invalid", code: "transform_invalid" } as const;
    await Promise.all([
      rejectsWith(startWith(bed, "f", failing), expected),
      rejectsWith(startWith(bed, "f", failing), expected),
    ]);
  }));

Deno.test("a checkpoint that cannot be written is refused before anything is recorded", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    const file = `${bed.dataDir}/file`;
    await Deno.writeTextFile(file, "");
    const error = await rejectsWith(
      bed.start({ checkpoint_location: `${file}/checkpoint` }),
      { kind: "invalid", code: "checkpoint_location_invalid" },
    );
    assert.deepEqual(error.issues.map(({ path }) => path), ["checkpoint_location"]);
    assert.match(error.issues[0]?.message ?? "", /is a file, not a folder/);
    assert.deepEqual(await known(bed), []);
    assert.equal((await bed.start()).status, "running");
    const path = `${bed.dataDir}/checkpoint/drls-checkpoint.json`;
    assert.equal(JSON.parse(await Deno.readTextFile(path)).source_table, "db.source");
  }));

Deno.test("a checkpoint that says that nothing was written yet says nothing to others", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    const { metadataLocation } = Object(await bed.catalog.locate("db.source"));
    const metadata = JSON.parse(await Deno.readTextFile(metadataLocation));
    await Deno.mkdir(`${bed.dataDir}/checkpoint`);
    const planted = {
      version: 1,
      pipeline_id: "somebody's",
      source_table: "db.another",
      source_uuid: null,
      sink_table: "db.sink",
      sink_uuid: null,
      position: {
        snapshot_id: String(metadata["current-snapshot-id"]),
        files_read: null,
        scan_all_files: false,
      },
      offset: null,
      updated_at: "2026-01-01T00:00:00.000Z",
    };
    const path = `${bed.dataDir}/checkpoint/drls-checkpoint.json`;
    await Deno.writeTextFile(path, JSON.stringify(planted));
    const { pipeline_id: id } = await bed.start();
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 3);
    assert.deepEqual(await bed.ids("db.sink"), [1, 2, 3]);
  }));

Deno.test("as many pipelines are kept as there is room for, and one that is forgotten makes some", () =>
  withPipelineBed(async (bed) => {
    await fill(bed);
    const { pipeline_id: id } = await bed.start({ trigger_interval: "once" });
    await bed.until(id, (m) => m.status === "stopped");
    await bed.state.transaction((tx) =>
      tx.run(sql`WITH RECURSIVE n(i) AS (
          SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ${MAX_KEPT_PIPELINES})
        INSERT INTO pipelines (id, stream_key, checkpoint_location, catalog_name, catalog_key,
          source_table, sink_table, trigger_interval, options, desired, state, state_since, epoch,
          version, change_seq, figures, restarts, failures, principal_name, created_at, started_at,
          updated_at)
        SELECT 'p' || i, 'k' || i, checkpoint_location, catalog_name, catalog_key, source_table,
          sink_table, trigger_interval, options, desired, state, state_since, epoch, version,
          change_seq, figures, restarts, failures, principal_name, created_at, started_at, updated_at
        FROM pipelines, n WHERE id = ${id}`)
    );
    const other = { sink_table: "db.other", checkpoint_location: `${bed.dataDir}/other` };
    const error = await rejectsWith(bed.start(other), {
      kind: "conflict",
      code: "pipelines_too_many",
    });
    assert.match(error.message, /DELETE \/api\/pipeline/);
    // One that is known takes no room.
    assert.equal((await bed.start()).pipeline_id, id);
    await bed.pipelines.remove(bed.ctx, "p2");
    assert.equal((await bed.start(other)).status, "running");
  }));
