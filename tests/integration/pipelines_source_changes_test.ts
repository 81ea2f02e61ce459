/** Overwrites, deletes and compactions of a source, by what its pipelines make of them. */
import assert from "node:assert/strict";
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import { deleteFiles } from "../../lib/iceberg/commit/snapshot/delete_files.ts";
import { overwriteFiles } from "../../lib/iceberg/commit/snapshot/overwrite_files.ts";
import { rewriteFiles } from "../../lib/iceberg/commit/snapshot/rewrite_files.ts";
import { manifestSource } from "../../lib/iceberg/scan/manifest_source.ts";
import { type FileScanTask, planFiles } from "../../lib/iceberg/scan/plan_files.ts";
import { currentSnapshot } from "../../lib/iceberg/spec/table_metadata.ts";
import { type PipelineBed, withPipelineBed, writeFiles } from "../support/pipeline_bed.ts";
import { commitOne, storeOf } from "../support/writable_tables.ts";

const MODES = ["fail", "skip", "added-files", "changelog"] as const;

/** After row 0: rows 1 | 2 | 3 | 1 becomes 20 | 3 goes | 2 is rewritten | 4. */
async function writeChanges(bed: PipelineBed): Promise<void> {
  for (const id of [1, 2, 3]) await bed.append("db.source", [id]);
  await change(bed, async ([, one]) =>
    overwriteFiles({
      add: await writeFiles(bed.catalog, { table: "db.source", ids: [20] }),
      remove: [one].flatMap((file) => file ?? []),
    }));
  await change(
    bed,
    ([, , three]) => Promise.resolve(deleteFiles({ files: [three].flatMap((file) => file ?? []) })),
  );
  await change(bed, async ([, two], startingSnapshotId) =>
    rewriteFiles({
      replaced: [two].flatMap((file) => file ?? []),
      added: await writeFiles(bed.catalog, { table: "db.source", ids: [2] }),
      startingSnapshotId,
    }));
  await bed.append("db.source", [4]);
}

/** Commits what `make` makes of the live files of the source, oldest first. */
async function change(
  { catalog }: PipelineBed,
  make: (files: readonly FileScanTask[], snapshotId: bigint) => Promise<CommitAction>,
): Promise<void> {
  const store = storeOf(catalog, await catalog.locate("db.source"));
  const { metadata, io } = await store.load();
  const snapshot = currentSnapshot(metadata);
  if (snapshot === undefined) throw new TypeError("The source is empty");
  const manifests = manifestSource(io, metadata);
  const files = await Array.fromAsync(planFiles({ metadata, snapshot, manifests }));
  files.sort((a, b) => Number(a.sequenceNumber - b.sequenceNumber));
  await commitOne(store, await make(files, snapshot.snapshotId));
}

const isOver = ({ status }: { readonly status: string }) =>
  status === "stopped" || status === "failed";

Deno.test("overwrites and deletes do to the sink what the mode says, and are counted", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [0]);
    const requests = MODES.map((source_changes) => ({
      source_changes,
      sink_table: `db.${source_changes.replace("-", "_")}`,
      checkpoint_location: `${bed.dataDir}/${source_changes}`,
      trigger_interval: "available-now",
      max_files_per_batch: 1,
    }));
    // From before the first change, so that all of them are on the way.
    const ids: string[] = [];
    for (const request of requests) {
      const { pipeline_id: id } = await bed.start(request);
      ids.push(id);
      await bed.until(id, isOver);
    }
    await writeChanges(bed);
    const outcomes: unknown[] = [];
    for (const [i, request] of requests.entries()) {
      await bed.start(request);
      const done = await bed.until(ids[i] ?? "", isOver);
      outcomes.push([
        done.status,
        done.last_error?.code ?? null,
        await bed.ids(request.sink_table),
        Object.values(done.source_changes),
        done.lag.snapshots,
      ]);
    }
    assert.deepEqual(outcomes, [
      ["failed", "source_snapshot_not_append", [0, 1, 2, 3], [0, 0, 0, 0], 4],
      ["stopped", null, [0, 1, 2, 3, 4], [1, 2, 0, 0], 0],
      ["stopped", null, [0, 1, 2, 3, 4, 20], [1, 0, 2, 0], 0],
      ["stopped", null, [0, 2, 4, 20], [1, 0, 0, 2], 0],
    ]);
  }));

Deno.test("a pipeline that failed at an overwrite goes on in another mode, and nothing is read twice", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [0]);
    const { pipeline_id: id } = await bed.start();
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 1);
    await writeChanges(bed);
    const failed = await bed.until(id, isOver);
    assert.match(failed.last_error?.message ?? "", /source_changes set to skip, added-files or/);
    assert.deepEqual(await bed.ids("db.sink"), [0, 1, 2, 3]);
    await bed.start({ source_changes: "changelog" });
    await bed.until(id, (m) => m.status === "idle" && m.lag.snapshots === 0);
    assert.deepEqual(await bed.ids("db.sink"), [0, 2, 4, 20]);
  }));

Deno.test("a stream from the beginning takes what is there, where its history has overwrites", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    await bed.append("db.source", [0]);
    await writeChanges(bed);
    const { pipeline_id: id } = await bed.start({ max_files_per_batch: 1 });
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 4);
    await bed.append("db.source", [5]);
    const done = await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 5);
    assert.deepEqual(await bed.ids("db.sink"), [0, 2, 4, 5, 20]);
    assert.deepEqual(done.lag, { snapshots: 0, rows: 0, seconds: 0 });
  }));

Deno.test("deletes for which the sink has no row are counted, and those of other rows are refused", () =>
  withPipelineBed(async (bed) => {
    await bed.createTable("db.source");
    for (const id of [1, 2, 3, 4]) await bed.append("db.source", [id]);
    const request = { source_changes: "changelog", transform: "SELECT id + 100 AS id FROM batch" };
    const { pipeline_id: id } = await bed.start({ ...request, start_from: "latest" });
    await bed.until(id, (m) => m.status === "idle");
    await change(bed, ([one]) => Promise.resolve(deleteFiles({ files: [one!] })));
    const done = await bed.until(
      id,
      (m) => m.status === "idle" && m.source_changes.changelog === 1,
    );
    assert.deepEqual([done.deleted_rows, done.unmatched_deletes], [0, 1]);
    await bed.append("db.source", [5]);
    await bed.until(id, (m) => m.status === "idle" && m.rows_processed === 2);
    await bed.pipelines.stop(bed.ctx, id);
    await change(bed, (files) => Promise.resolve(deleteFiles({ files: [files.at(-1)!] })));
    await bed.start({ ...request, transform: "SELECT id + 200 AS id FROM batch" });
    const failed = await bed.until(id, isOver);
    assert.equal(failed.last_error?.code, "transform_changed");
    assert.deepEqual(await bed.ids("db.sink"), [105]);
    await bed.start(request);
    await bed.until(id, (m) => m.status === "idle" && m.lag.snapshots === 0);
    assert.deepEqual(await bed.ids("db.sink"), []);
  }));
