/**
 * Two servers that believe to run one pipeline, at the moments that matter: before a commit and
 * after it, with replies that are lost, and a sink that others change meanwhile.
 */
import assert from "node:assert/strict";
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import { rollBackAction } from "../../lib/iceberg/evolve/roll_back.ts";
import { currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import { pinsOf } from "../../lib/pins/mod.ts";
import { sql } from "../../lib/state/mod.ts";
import { deaf, gatedAfter, gatedBefore, hesitating, waiting } from "../support/gated_ticks.ts";
import { type PipelineBed, withPipelineBed } from "../support/pipeline_bed.ts";
import { checkRows, Gate, openRival, until, untilLeft } from "../support/rival_pipelines.ts";
import { commitOne, storeOf } from "../support/writable_tables.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Begins a pipeline in the bed, whose runner stands before the gate with the rows 0, 1, 2. */
async function beginGated(bed: PipelineBed, gate: Gate): Promise<string> {
  await bed.createTable("db.source");
  await bed.append("db.source", [0, 1, 2]);
  const { pipeline_id: id } = await bed.start();
  await gate.reached;
  return id;
}

Deno.test("a batch that waits for leave while another server takes over is refused", async () => {
  const gate = new Gate();
  await withPipelineBed(async (bed) => {
    const id = await beginGated(bed, gate);
    await using rival = await openRival(bed);
    await checkRows(bed, { id, rows: 3, hub: rival.hub });
    gate.open();
    await bed.append("db.source", [3]);
    const { batches_processed: batches } = await checkRows(bed, { id, rows: 4, hub: rival.hub });
    assert.equal(batches, 2);
    await untilLeft(bed);
  }, { wrap: gatedBefore(gate) });
});

Deno.test("a batch that has leave already is refused by the sink where another server was there", async () => {
  const gate = new Gate();
  await withPipelineBed(async (bed) => {
    const id = await beginGated(bed, gate);
    await using rival = await openRival(bed);
    await checkRows(bed, { id, rows: 3, hub: rival.hub });
    gate.open();
    await bed.append("db.source", [3]);
    const { batches_processed: batches } = await checkRows(bed, { id, rows: 4, hub: rival.hub });
    assert.equal(batches, 2);
    await untilLeft(bed);
  }, { wrap: gatedAfter(gate) });
});

Deno.test("a batch of a server that has lost the pipeline counts where it comes before the next one's", async () => {
  const [first, second] = [new Gate(), new Gate()];
  await withPipelineBed(async (bed) => {
    const id = await beginGated(bed, first);
    await using rival = await openRival(bed, { wrap: gatedAfter(second) });
    // Both are about to commit the same rows.
    await second.reached;
    first.open();
    await until(async () => (await bed.ids("db.sink")).length === 3);
    second.open();
    const metrics = await checkRows(bed, { id, rows: 3, hub: rival.hub });
    assert.equal(metrics.batches_processed, 1);
    await bed.append("db.source", [3]);
    await checkRows(bed, { id, rows: 4, hub: rival.hub });
    await untilLeft(bed);
  }, { wrap: gatedAfter(first) });
});

Deno.test("equality deletes that would not reach what has come meanwhile are made anew", async () => {
  const gate = new Gate();
  const request = { write_mode: "upsert", key_columns: ["id"], sink_partition_by: ["id"] };
  await withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [0, 1]);
    const starting = bed.start({ ...request, delete_files: "equality" });
    await gate.reached;
    // Others write a row of the same key in other partitions.
    const store = storeOf(bed.catalog, await bed.catalog.locate("db.sink"));
    await commitOne(store, withoutPartitions());
    await bed.append("db.sink", [0]);
    gate.open();
    const { pipeline_id: id } = await starting;
    await checkRows(bed, { id, rows: 2, hub: bed.hub });
  }, { wrap: gatedBefore(gate) });
});

Deno.test("a batch whose server never hears that it came through is not made again by the next", async () => {
  const gate = new Gate();
  await withPipelineBed(async (bed) => {
    const id = await beginGated(bed, gate);
    assert.deepEqual(await bed.ids("db.sink"), numbers(3));
    await using rival = await openRival(bed);
    const metrics = await checkRows(bed, { id, rows: 3, hub: rival.hub });
    assert.deepEqual([metrics.batches_processed, metrics.output_rows], [1, 3]);
    // What the first one records late counts no more.
    gate.open();
    await untilLeft(bed);
    await bed.append("db.source", [3]);
    await checkRows(bed, { id, rows: 4, hub: rival.hub });
  }, { wrap: deaf(gate) });
});

Deno.test("a stream that began on an empty source holds it before it reads, and after a takeover", async () => {
  const [first, second] = [new Gate(), new Gate()];
  await withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    const { pipeline_id: id } = await bed.start();
    await bed.until(id, ({ status }) => status === "idle");
    await bed.append("db.source", [0, 1]);
    await bed.append("db.source", [2]);
    await first.reached;
    const [oldest] = await snapshotsOf(bed, "db.source");
    assert.deepEqual(await heldOf(bed), [String(oldest)]);
    await using rival = await openRival(bed, { wrap: gatedAfter(second) });
    await second.reached;
    assert.deepEqual(await heldOf(bed), [String(oldest)]);
    first.open();
    second.open();
    await checkRows(bed, { id, rows: 3, hub: rival.hub });
  }, { wrap: gatedBefore(first) });
});

Deno.test("whoever takes over a stream does not wait for an expiry that knew of it", async () => {
  const gate = new Gate();
  await withPipelineBed(async (bed) => {
    const id = await beginGated(bed, gate);
    await gate.reached;
    await expiryUnderWay(bed);
    await using rival = await openRival(bed);
    await checkRows(bed, { id, rows: 3, hub: rival.hub });
    gate.open();
  }, { wrap: gatedBefore(gate) });
});

Deno.test("a start waits for an expiry that does not know of it, and is known of to later ones", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [0, 1, 2]);
    const { pipeline_id: id } = await bed.start();
    await checkRows(bed, { id, rows: 3, hub: bed.hub });
    await bed.pipelines.stop(bed.ctx, id);
    assert.deepEqual(await heldOf(bed), []);
    await bed.append("db.source", [3]);
    const ended = await expiryUnderWay(bed);
    const { status, last_error } = await bed.start();
    assert.deepEqual([status, last_error?.code], ["backing-off", "source_busy"]);
    const [newest] = (await snapshotsOf(bed, "db.source")).slice(-2);
    assert.deepEqual(await heldOf(bed), [String(newest)]);
    await ended();
    await checkRows(bed, { id, rows: 4, hub: bed.hub });
  }));

Deno.test("a stream that began on an empty source reads all of it, though its first snapshots expired", async () => {
  const gate = new Gate();
  await withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    const { pipeline_id: id } = await bed.start();
    await bed.until(id, ({ status }) => status === "idle");
    for (const row of [0, 1, 2]) await bed.append("db.source", [row]);
    await gate.reached;
    // Another engine's expiry, which knows of no pipeline.
    const store = storeOf(bed.catalog, await bed.catalog.locate("db.source"));
    await commitOne(store, removingSnapshots((await snapshotsOf(bed, "db.source")).slice(0, 2)));
    gate.open();
    await checkRows(bed, { id, rows: 3, hub: bed.hub });
    await bed.append("db.source", [3]);
    await checkRows(bed, { id, rows: 4, hub: bed.hub });
  }, { wrap: waiting(gate) });
});

Deno.test("a stream reads all of its source, though what it was to begin with expired before it was held", async () => {
  const gate = new Gate();
  await withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    for (const row of [0, 1, 2]) await bed.append("db.source", [row]);
    const store = storeOf(bed.catalog, await bed.catalog.locate("db.source"));
    const [first, , third] = await snapshotsOf(bed, "db.source");
    assert(first !== undefined && third !== undefined);
    await commitOne(store, removingSnapshots([first]));
    const starting = bed.start();
    await gate.reached;
    // Before anybody knows of it: the snapshot that was to be scanned is expired.
    await bed.append("db.source", [3]);
    await commitOne(store, removingSnapshots([third]));
    gate.open();
    const { pipeline_id: id } = await starting;
    await checkRows(bed, { id, rows: 4, hub: bed.hub });
    await bed.append("db.source", [4]);
    await checkRows(bed, { id, rows: 5, hub: bed.hub });
  }, { wrap: hesitating(gate) });
});

Deno.test("a stream goes on where its offset says, when its snapshots and its checkpoint are gone", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    for (const id of [0, 1, 2]) await bed.append("db.source", [id]);
    const { pipeline_id: id } = await bed.start({ max_files_per_batch: 1 });
    await checkRows(bed, { id, rows: 3, hub: bed.hub });
    await bed.pipelines.stop(bed.ctx, id);
    const store = storeOf(bed.catalog, await bed.catalog.locate("db.sink"));
    // Another writer's snapshot is all that is left.
    await bed.append("db.sink", [3]);
    await bed.append("db.source", [3]);
    const { metadata } = await store.load();
    const head = currentSnapshot(metadata)?.snapshotId;
    const gone = metadata.snapshots.map((one) => one.snapshotId).filter((one) => one !== head);
    await commitOne(store, removingSnapshots(gone));
    await Deno.remove(`${bed.dataDir}/checkpoint`, { recursive: true });
    await bed.append("db.source", [4]);
    await bed.start({ max_files_per_batch: 1 });
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 5);
    assert.deepEqual(await bed.ids("db.sink"), [0, 1, 2, 3, 3, 4]);
  }));

Deno.test("a sink that was rolled back fails its pipeline, and none of its rows come twice", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    for (const id of [0, 1, 2]) await bed.append("db.source", [id]);
    const { pipeline_id: id } = await bed.start({ max_files_per_batch: 1 });
    await checkRows(bed, { id, rows: 3, hub: bed.hub });
    const store = storeOf(bed.catalog, await bed.catalog.locate("db.sink"));
    const [first, , third] = await snapshotsOf(bed, "db.sink");
    assert(first !== undefined && third !== undefined);
    // Another engine does; drls itself refuses to while the pipeline runs.
    await commitOne(store, rollBackAction(first, () => {}));
    await bed.append("db.source", [3]);
    const { last_error: error } = await bed.until(id, ({ status }) => status === "failed");
    assert.equal(error?.code, "sink_rolled_back");
    assert.deepEqual(await bed.ids("db.sink"), [0]);
    // As the message says: the sink is brought back, and the same checkpoint goes on.
    await commitOne(store, settingMain(third));
    await bed.start({ max_files_per_batch: 1 });
    await checkRows(bed, { id, rows: 4, hub: bed.hub });
  }));

Deno.test("an idle pipeline notices that its sink was rolled back, though nothing is left of its batches", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.createTable("db.sink");
    await bed.append("db.sink", [100]);
    for (const id of [0, 1]) await bed.append("db.source", [id]);
    const { pipeline_id: id } = await bed.start({ max_files_per_batch: 1 });
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 2);
    const store = storeOf(bed.catalog, await bed.catalog.locate("db.sink"));
    const [own, ...gone] = await snapshotsOf(bed, "db.sink");
    assert(own !== undefined && gone.length === 2);
    // Another engine rolls back, and removes what nothing leads to any more.
    await commitOne(store, rollBackAction(own, () => {}));
    await commitOne(store, removingSnapshots(gone));
    await bed.append("db.source", [2]);
    const { last_error: error } = await bed.until(id, ({ status }) => status === "failed");
    assert.equal(error?.code, "sink_rolled_back");
    await assert.rejects(bed.start(), { code: "sink_rolled_back" });
    assert.deepEqual(await bed.ids("db.sink"), [100]);
  }));

/** Records an expiry of the source that has leave to commit; what is given out ends it. */
async function expiryUnderWay({ state }: PipelineBed): Promise<() => Promise<void>> {
  await state.transaction((tx) =>
    tx.run(sql`INSERT INTO operations (id, kind, table_name, state, dry_run, exclusive, input,
        commit_note, principal_id, principal_name, instance, created_at)
      VALUES ('expiry', 'expire', 'db.source', 'running', 0, 1, '{}', '{}', 'p', 'p', 'dead', 0)`)
  );
  return async () => {
    await state.transaction((tx) => tx.run(sql`UPDATE operations SET ended_at = 1`));
  };
}

/** Oldest first. */
async function snapshotsOf(bed: PipelineBed, table: string): Promise<readonly bigint[]> {
  const { metadata } = await storeOf(bed.catalog, await bed.catalog.locate(table)).load();
  return metadata.snapshots.map(({ snapshotId }) => snapshotId);
}

/** Snapshots of the source that are held. */
async function heldOf({ state }: PipelineBed): Promise<readonly (string | null)[]> {
  const pins = await pinsOf(state, { table: "db.source", nowMs: Date.now() });
  return pins.map(({ snapshotId }) => snapshotId === null ? null : String(snapshotId));
}

function removingSnapshots(snapshotIds: readonly bigint[]): CommitAction {
  return {
    name: "remove snapshots",
    apply: () =>
      Promise.resolve({ requirements: [], updates: [{ action: "remove-snapshots", snapshotIds }] }),
  };
}

/** Rolls forward as well, which a rollback does not. */
function settingMain(snapshotId: bigint): CommitAction {
  return {
    name: "set main",
    apply: ({ table: { metadata } }) => {
      const main = metadata.refs.get("main");
      assert(main !== undefined);
      const ref = { ...main, snapshotId };
      return Promise.resolve({ requirements: [], updates: [{ action: "set-snapshot-ref", ref }] });
    },
  };
}

/** Another spec, in which all rows are together. */
function withoutPartitions(): CommitAction {
  return {
    name: "evolve spec",
    apply: ({ table: { metadata } }) => {
      const spec = { specId: metadata.defaultSpecId + 1, fields: [] };
      return Promise.resolve({
        requirements: [],
        updates: [
          { action: "add-spec", spec },
          { action: "set-default-spec", specId: spec.specId },
        ],
      });
    },
  };
}
