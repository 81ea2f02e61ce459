/** Pipelines while another catalog is configured: they wait for theirs, and touch nothing of the other. */
import assert from "node:assert/strict";
import { type PipelineServer, withPipelineServer } from "../support/pipeline_server.ts";

/** Configures a hadoop catalog over another folder, and resolves to the configuration before. */
async function configure(
  server: PipelineServer,
  more: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { configured: _, ...before } = await server.get("/config");
  const answer = await server.send("PUT", "/config", { ...before, ...more });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return before;
}

function withSource(test: (server: PipelineServer) => Promise<void>): Promise<void> {
  return withPipelineServer(async (server) => {
    await server.createTable("db.source");
    await server.appendIds("db.source", [1, 2, 3]);
    await Deno.mkdir(`${server.dataDir}/elsewhere`);
    await test(server);
  });
}

for (const trigger_interval of ["0 seconds", "1 second"]) {
  Deno.test(`a pipeline waits for its catalog, and goes on in it: ${trigger_interval}`, () =>
    withSource(async (server) => {
      const { pipeline_id: id } = await server.start({ trigger_interval });
      await server.idleAt(id, 3);
      const before = await configure(server, {
        warehouse: `${server.dataDir}/elsewhere`,
        catalog_name: "other",
      });
      const waiting = await server.until(id, ({ status }) => status === "backing-off");
      assert.equal(waiting.last_error?.code, "catalog_changed");
      assert.match(waiting.last_error?.message ?? "", /catalog "drls".*configured again/);
      assert.deepEqual([waiting.restarts, waiting.source_table], [0, "drls.db.source"]);
      // Tables of the same names there are none of its business.
      await server.createTable("db.source");
      await server.appendIds("db.source", [7, 8]);
      const names = { source_table: "db.source", sink_table: "db.sink", trigger_interval };
      const { status, body } = await server.refused(names);
      assert.deepEqual([status, body.code], [409, "checkpoint_taken"]);
      assert.match(body.detail, /catalog "drls"/);
      const own = { ...names, checkpoint_location: `${server.dataDir}/own` };
      const { pipeline_id: other } = await server.start(own);
      await server.idleAt(other, 2);
      assert.deepEqual(await server.ids("db.sink"), [7, 8]);
      await server.stop(other);
      assert.equal((await server.status(id)).status, "backing-off");
      await configure(server, before);
      await server.appendIds("db.source", [4]);
      const done = await server.idleAt(id, 4);
      assert.equal(done.last_error, null);
      assert.deepEqual(await server.ids("db.sink"), [1, 2, 3, 4]);
    }));
}

Deno.test("a catalog that is called otherwise is the same catalog", () =>
  withSource(async (server) => {
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    await configure(server, { catalog_name: "renamed" });
    await server.appendIds("db.source", [4]);
    const { sink_table, restarts } = await server.idleAt(id, 4);
    assert.deepEqual([sink_table, restarts], ["renamed.db.sink", 0]);
  }));

Deno.test("a pipeline that waits for its catalog can be stopped and forgotten, and its checkpoint is not taken for another table's", () =>
  withSource(async (server) => {
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    await configure(server, { warehouse: `${server.dataDir}/elsewhere` });
    await server.until(id, ({ status }) => status === "backing-off");
    assert.equal((await server.stop(id)).status, "stopped");
    assert.equal((await server.send("DELETE", `/pipeline/${id}`)).status, 204);
    await server.createTable("db.source");
    await server.appendIds("db.source", [7]);
    const { status, body } = await server.refused({});
    // What it has read is in the checkpoint: a table of the same name is another.
    assert.deepEqual([status, body.code], [409, "source_replaced"]);
  }));
