/** Pipelines through the whole server: what clients send, and what they get. */
import assert from "node:assert/strict";
import {
  openPipelineServer,
  type PipelineServer,
  withPipelineServer,
} from "../support/pipeline_server.ts";

/** A server with rows 1, 2, 3 in `db.source`. */
function withSource(
  test: (server: PipelineServer) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  return withPipelineServer(async (server) => {
    await server.createTable("db.source");
    await server.appendIds("db.source", [1, 2, 3]);
    await test(server);
  }, { env });
}

Deno.test("the requests of the reference get the answers of the reference", () =>
  withPipelineServer(async (server) => {
    await server.createTable("db.events");
    await server.appendIds("db.events", [1, 2]);
    const started = await server.send("POST", "/pipeline/start", {
      source_table: "drls.db.events",
      sink_table: "drls.db.output",
      checkpoint_location: `${server.dataDir}/checkpoint`,
      trigger_interval: "10 seconds",
    });
    assert.equal(started.status, 200);
    const { pipeline_id: id, status, batches_processed, rows_processed } = started.body;
    assert.deepEqual([status, batches_processed, rows_processed], ["running", 0, 0]);
    assert.equal((await server.idleAt(id, 2)).batches_processed, 1);
    const { pipelines, ...rest } = await server.get("/pipelines");
    assert.deepEqual(rest, {});
    assert.deepEqual(
      pipelines.map((one: Record<string, unknown>) => [one.id, one.status, one.source, one.sink]),
      [[id, "idle", "drls.db.events", "drls.db.output"]],
    );
    const stopped = await server.send("POST", `/pipeline/${id}/stop`);
    assert.deepEqual([stopped.status, stopped.body.status], [200, "stopped"]);
    assert.deepEqual(await server.ids("db.output"), [1, 2]);
  }));

Deno.test("every field that cannot be is named, and nothing is started", () =>
  withSource(async (server) => {
    await server.createTable("db.other", [{ name: "id", type: "BIGINT", nullable: false }]);
    const cases: readonly (readonly [Record<string, unknown>, number, string, string | null])[] = [
      [{ colour: "red" }, 422, "invalid_request", "colour"],
      [{ version_id: "v1" }, 422, "invalid_request", "version_id"],
      [{ trigger_interval: "soon" }, 422, "trigger_invalid", "trigger_interval"],
      [{ trigger_interval: "1 constructor" }, 422, "trigger_invalid", "trigger_interval"],
      [{ trigger_interval: "8 days" }, 422, "trigger_invalid", "trigger_interval"],
      [{ sink_table: "db.source" }, 422, "sink_is_source", "sink_table"],
      [{ sink_table: "drls.db.source" }, 422, "sink_is_source", "sink_table"],
      [{ source_table: "source" }, 404, "table_not_found", null],
      [{ source_table: "a..b" }, 422, "invalid_table_name", "source_table"],
      [{ sink_table: "a..b" }, 422, "invalid_table_name", "sink_table"],
      [{ sink_table: "../../etc" }, 422, "invalid_table_name", "sink_table"],
      [{ source_table: "db.missing" }, 404, "table_not_found", null],
      [{ source_table: "elsewhere.db.source" }, 404, "table_not_found", null],
      [{ write_mode: "upsert" }, 422, "validation_failed", "key_columns"],
      [{ write_mode: "upsert", key_columns: [] }, 422, "invalid_request", "key_columns"],
      [{ key_columns: ["id"] }, 422, "validation_failed", "key_columns"],
      [{ write_mode: "merge" }, 422, "invalid_request", "write_mode"],
      [
        { write_mode: "overwrite-partitions", source_changes: "changelog" },
        422,
        "validation_failed",
        "write_mode",
      ],
      [{ max_files_per_batch: 0 }, 422, "invalid_request", "max_files_per_batch"],
      [{ start_from: "yesterday" }, 422, "invalid_request", "start_from"],
      [{ start_from: { snapshot_id: "1" } }, 404, "snapshot_not_found", "start_from.snapshot_id"],
      [{ transform: "SELECT nothing FROM batch" }, 422, "transform_invalid", "transform"],
      [{ where: "nothing > 1" }, 422, "transform_invalid", "where"],
      [
        { transform: "SELECT * FROM '/etc/passwd'" },
        422,
        "transform_table_unknown",
        "transform",
      ],
      ...["here", "/etc/drls", `${server.dataDir}/../../etc`, "s3://lake/c", "ftp://lake/c"].map((
        checkpoint_location,
      ) =>
        [
          { checkpoint_location },
          422,
          "checkpoint_location_invalid",
          "checkpoint_location",
        ] as const
      ),
    ];
    const seen: unknown[] = [];
    const expected: unknown[] = [];
    for (const [more, status, code, path] of cases) {
      const answer = await server.refused(more);
      const paths = (answer.body.errors ?? []).map((issue: { path: string }) => issue.path);
      const named = path === null ? null : paths.includes(path) ? path : paths;
      seen.push([more, answer.status, answer.body.code, named]);
      expected.push([more, status, code, path]);
    }
    assert.deepEqual(seen, expected);
    assert.deepEqual((await server.get("/pipelines")).pipelines, []);
  }));

Deno.test("an unknown pipeline is 404 wherever it is named", () =>
  withPipelineServer(async (server) => {
    const id = "01a2295e-7526-7521-ac44-6801b92b5b35";
    const requests = [
      ["POST", `/pipeline/${id}/stop`],
      ["GET", `/pipeline/${id}/status`],
      ["GET", `/pipeline/${id}/history`],
      ["DELETE", `/pipeline/${id}`],
    ] as const;
    for (const [method, path] of requests) {
      const { status, body } = await server.send(method, path);
      assert.deepEqual([status, body.code], [404, "pipeline_not_found"], path);
    }
  }));

Deno.test("a checkpoint runs once, and belongs to its tables", () =>
  withSource(async (server) => {
    const { pipeline_id: id } = await server.start();
    const again = await server.refused({});
    assert.deepEqual([again.status, again.body.code], [409, "pipeline_running"]);
    assert(again.body.detail.includes(id), again.body.detail);
    for (
      const spelling of [`${server.dataDir}/checkpoint/`, `file://${server.dataDir}/checkpoint`]
    ) {
      const { status, body } = await server.refused({ checkpoint_location: spelling });
      assert.deepEqual([status, body.code], [409, "pipeline_running"], spelling);
    }
    const other = await server.refused({ sink_table: "db.other" });
    assert.deepEqual([other.status, other.body.code], [409, "checkpoint_taken"]);
    await server.idleAt(id, 3);
    assert.equal((await server.send("DELETE", `/pipeline/${id}`)).status, 409);
    await server.stop(id);
    assert.equal((await server.refused({ sink_table: "db.other" })).body.code, "checkpoint_taken");
    assert.equal((await server.send("DELETE", `/pipeline/${id}`)).status, 204);
    // The file says whose it is when nobody else does.
    assert.equal((await server.refused({ sink_table: "db.other" })).body.code, "checkpoint_taken");
  }));

Deno.test("rows do not come back to their source, nor through others", () =>
  withSource(async (server) => {
    const checkpoint = (name: string) => ({ checkpoint_location: `${server.dataDir}/${name}` });
    const first = await server.start({ sink_table: "db.b", ...checkpoint("ab") });
    await server.idleAt(first.pipeline_id, 3);
    const second = await server.start({
      source_table: "db.b",
      sink_table: "db.c",
      ...checkpoint("bc"),
    });
    await server.idleAt(second.pipeline_id, 3);
    const back = { source_table: "db.c", sink_table: "db.source", ...checkpoint("ca") };
    const { status, body } = await server.refused(back);
    assert.deepEqual([status, body.code], [409, "pipelines_in_circle"]);
    assert(body.detail.includes("db.c → db.source → db.b → db.c"), body.detail);
    await server.stop(first.pipeline_id);
    const open = await server.start(back);
    assert.equal((await server.idleAt(open.pipeline_id, 3)).status, "idle");
    const closing = await server.refused({ sink_table: "db.b", ...checkpoint("ab") });
    assert.equal(closing.body.code, "pipelines_in_circle");
  }));

Deno.test("a stopped pipeline goes on exactly where it was, also when it was forgotten", () =>
  withSource(async (server) => {
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    assert.equal((await server.stop(id)).status, "stopped");
    assert.equal((await server.stop(id)).status, "stopped");
    await server.appendIds("db.source", [4, 5]);
    const again = await server.start();
    assert.deepEqual([again.pipeline_id, again.rows_processed], [id, 3]);
    assert.equal((await server.idleAt(id, 5)).batches_processed, 2);
    await server.stop(id);
    assert.equal((await server.send("DELETE", `/pipeline/${id}`)).status, 204);
    await server.appendIds("db.source", [6]);
    const anew = await server.start({ start_from: "latest" });
    assert.notEqual(anew.pipeline_id, id);
    assert.deepEqual([anew.rows_processed, anew.batches_processed], [5, 2]);
    await server.idleAt(anew.pipeline_id, 6);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3, 4, 5, 6]);
  }));

Deno.test("what is wrong with new options of a known pipeline is said though there are no rows", () =>
  withSource(async (server) => {
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    await server.stop(id);
    const { status, body } = await server.refused({ transform: "SELECT nothing FROM batch" });
    assert.deepEqual([status, body.code], [422, "transform_invalid"]);
    const failed = await server.status(id);
    assert.deepEqual([failed.status, failed.last_error?.code], ["failed", "transform_invalid"]);
    assert.equal((await server.start()).status, "running");
    assert.equal((await server.idleAt(id, 3)).last_error, null);
  }));

Deno.test("history pages from the newest batch to the first", () =>
  withSource(async (server) => {
    await server.append("db.source", [{ id: 4 }]);
    await server.append("db.source", [{ id: 5 }]);
    const { pipeline_id: id } = await server.start({ max_files_per_batch: 1 });
    await server.idleAt(id, 5);
    const pages: number[][] = [];
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await server.get(`/pipeline/${id}/history?limit=2${query}`);
      assert.equal(page.pipeline_id, id);
      pages.push(page.batches.map((batch: { batch_id: number }) => batch.batch_id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    assert.deepEqual(pages, [[3, 2], [1]]);
    const { batches } = await server.get(`/pipeline/${id}/history`);
    assert.deepEqual(batches.map((one: { input_rows: number }) => one.input_rows), [1, 1, 3]);
    const sinkSnapshots = batches.map((one: { sink_snapshot_id: string }) => one.sink_snapshot_id);
    assert.deepEqual(sinkSnapshots.toReversed(), await server.snapshots("db.sink"));
    for (const bad of ["nonsense", "W10", "WyJoaXN0b3J5IiwiYWJjIl0"]) {
      const { status } = await server.send("GET", `/pipeline/${id}/history?cursor=${bad}`);
      assert.equal(status, 422, bad);
    }
  }));

Deno.test("a server takes no more pipelines than its bound, however many start at once", () =>
  withSource(async (server) => {
    const starts = await Promise.all(Array.from({ length: 5 }, (_, i) =>
      server.send(
        "POST",
        "/pipeline/start",
        server.request({
          sink_table: `db.sink${i}`,
          checkpoint_location: `${server.dataDir}/c${i}`,
        }),
      )));
    const refused = starts.filter(({ status }) => status !== 200);
    assert.equal(starts.length - refused.length, 2);
    for (const { status, body } of refused) {
      assert.deepEqual([status, body.code], [503, "pipelines_full"]);
    }
    assert.equal((await server.get("/pipelines")).pipelines.length, 2);
  }, { DRLS_MAX_PIPELINES: "2" }));

Deno.test("a pipeline that failed holds what it needs, and one that was stopped lets go", () =>
  withSource(async (server) => {
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    await server.appendIds("db.source", [4]);
    await server.idleAt(id, 4);
    const heldBy = async () => {
      await server.appendIds("db.source", [5]);
      const request = { table: "db.source", older_than: "2200-01-01", dry_run: true };
      const { details_json: details } = await server.post("/expire", request);
      const held: readonly { reason: string; held_by: string }[] = JSON.parse(details).held_back;
      return held.filter(({ reason }) => reason === "pinned").map(({ held_by }) => held_by);
    };
    await server.stop(id);
    assert.deepEqual(await heldBy(), []);
    await server.refused({ transform: "SELECT nothing FROM batch" });
    assert.deepEqual(await heldBy(), [`pipeline ${id} (db.sink)`]);
    assert.equal((await server.stop(id)).status, "stopped");
    assert.deepEqual(await heldBy(), []);
  }));

Deno.test("another server over the same state shows a pipeline, and stops it while it is busy", () =>
  withSource(async (server) => {
    for (let i = 4; i < 60; i++) await server.appendIds("db.source", [i]);
    const other = await openPipelineServer({
      env: {
        DRLS_STATE_URL: `file:${server.dataDir}/state.db`,
        DRLS_WAREHOUSE: `${server.dataDir}/warehouse`,
      },
    });
    try {
      const { pipeline_id: id } = await server.start({ max_files_per_batch: 1 });
      await other.until(id, (view) => view.batches_processed >= 2);
      const { pipelines } = await other.get("/pipelines");
      assert.deepEqual(pipelines.map((one: { id: string }) => one.id), [id]);
      const again = await other.send(
        "POST",
        "/pipeline/start",
        server.request({ max_files_per_batch: 1 }),
      );
      assert.deepEqual([again.status, again.body.code], [409, "pipeline_running"]);
      const socket = new WebSocket(
        `${other.process.url.replace("http", "ws")}/api/pipeline/monitor?pipeline_id=${id}`,
      );
      const message = new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
      assert.equal(JSON.parse((await message).data).pipeline_id, id);
      const closed = new Promise((resolve) => socket.onclose = resolve);
      socket.close();
      await closed;
      const stopped = await other.stop(id);
      assert.equal(stopped.status, "stopped");
      assert(stopped.batches_processed < 57, `${stopped.batches_processed} batches`);
      assert.equal((await server.status(id)).status, "stopped");
      const moved = await other.post("/pipeline/start", server.request());
      assert.equal(moved.pipeline_id, id);
      await server.idleAt(id, 59);
      assert.equal((await server.ids("db.sink")).length, 59);
      other.requireCalm();
    } finally {
      await other.dispose();
    }
  }));
