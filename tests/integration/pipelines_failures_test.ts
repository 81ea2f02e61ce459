/** What goes wrong beneath pipelines: how each says so, what is left, and how it goes on. */
import assert from "node:assert/strict";
import { removeProperties } from "../support/hadoop_by_hand.ts";
import { type PipelineServer, withPipelineServer } from "../support/pipeline_server.ts";

/** A server with rows 1, 2, 3 in `db.source`, all of them in `db.sink` by a pipeline that is idle. */
function withPipeline(
  test: (server: PipelineServer, id: string) => Promise<void>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return withPipelineServer(async (server) => {
    await server.createTable("db.source");
    await server.appendIds("db.source", [1, 2, 3]);
    const { pipeline_id: id } = await server.start(more);
    await server.idleAt(id, 3);
    await test(server, id);
  });
}

const folderOf = (server: PipelineServer, name: string) => `${server.dataDir}/warehouse/db/${name}`;
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);
const expireAll = (table: string) => ({ table, older_than: "2200-01-01", retain_last: 1 });

Deno.test("a source that expired under a stopped pipeline: refused, with both ways to go on", () =>
  withPipeline(async (server, id) => {
    await server.stop(id);
    for (const row of [4, 5, 6]) await server.appendIds("db.source", [row]);
    await server.post("/expire", expireAll("db.source"));
    const { status, body } = await server.refused({});
    assert.deepEqual([status, body.code], [404, "source_snapshots_expired"]);
    assert.match(body.detail, /another checkpoint_location/);
    const { code, message } = await server.failed(id);
    assert.deepEqual([code, message], [body.code, body.detail]);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3]);
    const anew = { checkpoint_location: `${server.dataDir}/anew` };
    const later = await server.start({ ...anew, start_from: "latest" });
    await server.appendIds("db.source", [7]);
    await server.idleAt(later.pipeline_id, 1);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3, 7]);
    const whole = await server.start({
      sink_table: "db.whole",
      checkpoint_location: `${server.dataDir}/whole`,
    });
    await server.idleAt(whole.pipeline_id, 7);
    assert.deepEqual(await server.ids("db.whole"), numbers(1, 7));
  }));

Deno.test("expiry of a source that is read is held back by name, and lets go with the pipeline", () =>
  withPipeline(async (server, id) => {
    for (const row of [4, 5, 6]) await server.appendIds("db.source", [row]);
    const holder = `pipeline ${id} (db.sink)`;
    const expire = async (dry_run: boolean) =>
      JSON.parse(
        (await server.post("/expire", { ...expireAll("db.source"), dry_run })).details_json,
      );
    for (const isDry of [true, false]) {
      const { held_back: held } = await expire(isDry);
      const pinned = { held_by: holder, type: "pin", reason: "pinned", snapshots: 3 };
      assert.deepEqual(held.slice(1), [pinned]);
    }
    assert.equal((await server.snapshots("db.source")).length, 4);
    const source = await server.send("DELETE", "/table/db.source?purge=true");
    const sink = await server.send("DELETE", "/table/db.sink?purge=true");
    for (const { status, body } of [source, sink]) {
      assert.deepEqual([status, body.code, body.detail.includes(holder)], [
        409,
        "table_in_use",
        true,
      ]);
    }
    await server.stop(id);
    await server.start();
    await server.idleAt(id, 6);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 6));
    await server.stop(id);
    await expire(false);
    assert.equal((await server.snapshots("db.source")).length, 1);
  }, { trigger_interval: "1 hour" }));

Deno.test("a source that was dropped fails its pipeline, which goes on once it is back", () =>
  withPipeline(async (server, id) => {
    const folder = folderOf(server, "source");
    await Deno.rename(folder, `${server.dataDir}/away`);
    const { code, message } = await server.failed(id);
    assert.equal(code, "source_dropped");
    assert.match(message, /Bring it back under its name/);
    await Deno.rename(`${server.dataDir}/away`, folder);
    await server.appendIds("db.source", [4]);
    await server.start();
    await server.idleAt(id, 4);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 4));
  }));

Deno.test("a source that was replaced by another table of its name is not mixed with it", () =>
  withPipeline(async (server, id) => {
    await Deno.rename(folderOf(server, "source"), `${server.dataDir}/away`);
    await server.failed(id);
    await server.createTable("db.source");
    await server.appendIds("db.source", [10]);
    const { status, body } = await server.refused({});
    assert.deepEqual([status, body.code], [409, "source_replaced"]);
    const anew = await server.start({ checkpoint_location: `${server.dataDir}/anew` });
    await server.idleAt(anew.pipeline_id, 1);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3, 10]);
  }));

Deno.test("a sink that was dropped fails its pipeline, and another checkpoint makes a new one", () =>
  withPipeline(async (server, id) => {
    await Deno.remove(folderOf(server, "sink"), { recursive: true });
    await server.appendIds("db.source", [4]);
    const { code, message } = await server.failed(id);
    assert.equal(code, "sink_dropped");
    assert.match(message, /another checkpoint_location, and it makes a new one/);
    assert.equal((await server.refused({})).body.code, "sink_dropped");
    const anew = await server.start({ checkpoint_location: `${server.dataDir}/anew` });
    await server.idleAt(anew.pipeline_id, 4);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 4));
  }));

Deno.test("a sink that was replaced by another table of its name gets no rows", () =>
  withPipeline(async (server, id) => {
    await Deno.remove(folderOf(server, "sink"), { recursive: true });
    await server.createTable("db.sink");
    await server.appendIds("db.source", [4]);
    const { code, message } = await server.failed(id);
    assert.equal(code, "sink_replaced");
    assert.match(message, /another checkpoint_location to fill that one/);
    assert.deepEqual(await server.ids("db.sink"), []);
    const anew = await server.start({ checkpoint_location: `${server.dataDir}/anew` });
    await server.idleAt(anew.pipeline_id, 4);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 4));
  }));

Deno.test("a transform that fails at the millionth row leaves no row, and a mended one all", () =>
  withPipelineServer(async (server) => {
    await server.createTable("db.source", [{ name: "id", type: "BIGINT" }]);
    for (let i = 0; i < 10; i++) {
      const rows = numbers(i * 100_000 + 1, (i + 1) * 100_000);
      await server.post("/table/db.source/append", rows.map((id) => `{"id":${id}}\n`).join(""));
    }
    const failing =
      "SELECT CASE WHEN id = 1000000 THEN error('no more') ELSE id END AS id FROM batch";
    const { pipeline_id: id } = await server.start({ transform: failing });
    const { code, message } = await server.failed(id);
    assert.equal(code, "transform_failed");
    assert.match(message, /a row makes it fail/);
    const count = async () => (await server.query("SELECT count(*) AS n FROM db.sink"))[0]?.["n"];
    const { body } = await server.send("POST", "/query", { sql: "SELECT * FROM db.sink" });
    assert(body.code === "table_not_found" || body.row_count === 0, JSON.stringify(body));
    const failed = await server.status(id);
    assert.deepEqual([failed.batches_processed, failed.rows_processed], [0, 0]);
    await server.start({ transform: "SELECT id FROM batch" });
    await server.idleAt(id, 1_000_000);
    assert.equal(await count(), 1_000_000);
  }));

Deno.test("a checkpoint that was deleted is written anew, and nothing is read twice", () =>
  withPipeline(async (server, id) => {
    const folder = `${server.dataDir}/checkpoint`;
    const read = async () =>
      JSON.parse(await Deno.readTextFile(`${folder}/drls-checkpoint.json`)).offset.batch_id;
    await Deno.remove(folder, { recursive: true });
    await server.appendIds("db.source", [4]);
    await server.idleAt(id, 4);
    await server.stop(id);
    assert.equal(await read(), 2);
    await Deno.remove(folder, { recursive: true });
    await server.start();
    await server.appendIds("db.source", [5]);
    await server.idleAt(id, 5);
    await server.stop(id);
    assert.equal(await read(), 3);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 5));
  }));

Deno.test("a checkpoint file that is not ours is refused, and told how to get rid of", () =>
  withPipeline(async (server, id) => {
    await server.stop(id);
    const path = `${server.dataDir}/checkpoint/drls-checkpoint.json`;
    for (const text of ["", "{}", "null", '{"version":2}', "\u0000"]) {
      await Deno.writeTextFile(path, text);
      const { body } = await server.refused({});
      assert.equal(body.code, "checkpoint_invalid", JSON.stringify(text));
      assert.match(body.detail, /Remove it/);
    }
    await Deno.remove(path);
    await server.start();
    await server.appendIds("db.source", [4]);
    await server.idleAt(id, 4);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 4));
  }));

Deno.test("an offset outlives the expiry of the sink, and the removal of its property", () =>
  withPipeline(async (server, id) => {
    await server.appendIds("db.source", [4]);
    await server.idleAt(id, 4);
    await server.post("/expire", expireAll("db.sink"));
    assert.equal((await server.snapshots("db.sink")).length, 1);
    await server.appendIds("db.source", [5]);
    await server.idleAt(id, 5);
    await server.stop(id);
    await removeProperties(folderOf(server, "sink"), "drls.stream.");
    await server.appendIds("db.source", [6]);
    await server.start();
    await server.idleAt(id, 6);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 6));
  }));

Deno.test("an offset that the sink has lost altogether is missed, even by another state", () =>
  withPipeline(async (server, id) => {
    await server.stop(id);
    await server.appendIds("db.sink", [100]);
    await server.post("/expire", expireAll("db.sink"));
    await removeProperties(folderOf(server, "sink"), "drls.stream.");
    const lost = await server.refused({});
    assert.deepEqual([lost.status, lost.body.code], [409, "sink_offset_missing"]);
    assert.match(lost.body.detail, /Set it again/);
    await server.stop(id);
    assert.equal((await server.send("DELETE", `/pipeline/${id}`)).status, 204);
    assert.equal((await server.refused({})).body.code, "sink_offset_missing");
    assert.deepEqual((await server.get("/pipelines")).pipelines, []);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3, 100]);
  }));
