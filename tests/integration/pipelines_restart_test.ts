/** Pipelines go on over the end of their server, however it comes. */
import assert from "node:assert/strict";
import { createClient } from "@libsql/client";
import { openPipelineServer, PipelineServer } from "../support/pipeline_server.ts";

/** How soon a successor has taken over what a server that died ran; heartbeats take far longer. */
const TAKEN_OVER_MS = 15_000;

/** Servers over one folder, one after another or at once. */
interface Bed {
  readonly dataDir: string;
  readonly open: (env?: Readonly<Record<string, string>>) => Promise<PipelineServer>;
}

async function withBed(test: (bed: Bed) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-restart-" });
  const servers: PipelineServer[] = [];
  try {
    await test({
      dataDir,
      async open(env = {}) {
        const shared = {
          DRLS_STATE_URL: `file:${dataDir}/state.db`,
          DRLS_WAREHOUSE: `${dataDir}/warehouse`,
          DRLS_CHECKPOINT_ROOTS: dataDir,
        };
        const server = await openPipelineServer({ dataDir, env: { ...shared, ...env } });
        servers.push(server);
        return server;
      },
    });
    for (const server of servers) server.requireCalm();
  } catch (error) {
    for (const server of servers) console.log(server.log());
    throw error;
  } finally {
    for (const server of servers) await server.dispose();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Starts pipelines from `db.source` into `db.sink0`, `db.sink1`, …; their ids. */
async function startSome(
  server: PipelineServer,
  { dataDir, count, ...options }: {
    readonly dataDir: string;
    readonly count: number;
    readonly max_files_per_batch?: number;
  },
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { pipeline_id: id } = await server.start({
      ...options,
      sink_table: `db.sink${i}`,
      checkpoint_location: `${dataDir}/c${i}`,
    });
    ids.push(id);
  }
  return ids;
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

async function requireAll(server: PipelineServer, sinks: number, rows: number): Promise<void> {
  for (let i = 0; i < sinks; i++) {
    assert.deepEqual(await server.ids(`db.sink${i}`), numbers(rows), `db.sink${i}`);
  }
}

Deno.test("a server that is stopped leaves its pipelines to its successor", () =>
  withBed(async ({ dataDir, open }) => {
    const first = await open();
    await first.createTable("db.source");
    await first.appendIds("db.source", [0, 1]);
    const [running = "", stopped = ""] = await startSome(first, { dataDir, count: 2 });
    await first.idleAt(running, 2);
    await first.stop(stopped);
    first.process.child.kill("SIGTERM");
    assert.equal((await first.process.child.status).code, 0);
    const next = await open();
    await next.appendIds("db.source", [2]);
    await next.idleAt(running, 3);
    assert.equal((await next.status(stopped)).status, "stopped");
    assert.deepEqual(await next.ids("db.sink0"), [0, 1, 2]);
  }));

Deno.test("all pipelines of a server that was killed go on at once with its successor", () =>
  withBed(async ({ dataDir, open }) => {
    const first = await open();
    await first.createTable("db.source");
    for (const id of numbers(30)) await first.appendIds("db.source", [id]);
    const ids = await startSome(first, { dataDir, count: 3, max_files_per_batch: 1 });
    await first.until(ids[2] ?? "", (view) => view.batches_processed >= 3);
    first.process.child.kill("SIGKILL");
    await first.process.child.status;
    const next = await open();
    const beganAt = performance.now();
    for (const id of ids) await next.until(id, (view) => view.batches_processed > 4);
    assert(performance.now() - beganAt < TAKEN_OVER_MS);
    for (const id of ids) await next.idleAt(id, 30);
    await requireAll(next, 3, 30);
    for (const id of ids) {
      const view = await next.status(id);
      assert.deepEqual([view.batches_processed, view.last_error], [30, null]);
    }
  }));

Deno.test("a server takes over all pipelines of another one that was killed", () =>
  withBed(async ({ dataDir, open }) => {
    const first = await open();
    const other = await open();
    await first.createTable("db.source");
    await first.appendIds("db.source", [0]);
    const ids = await startSome(first, { dataDir, count: 3 });
    for (const id of ids) await first.idleAt(id, 1);
    first.process.child.kill("SIGKILL");
    await first.process.child.status;
    await other.appendIds("db.source", [1]);
    const beganAt = performance.now();
    for (const id of ids) await other.idleAt(id, 2);
    assert(performance.now() - beganAt < TAKEN_OVER_MS);
    await requireAll(other, 3, 2);
  }));

Deno.test("a server that is full takes over no pipeline, but stops one whose server was killed", () =>
  withBed(async ({ dataDir, open }) => {
    const first = await open();
    const full = await open({ DRLS_MAX_PIPELINES: "1" });
    await first.createTable("db.source");
    const [left = ""] = await startSome(first, { dataDir, count: 1 });
    const request = { sink_table: "db.own", checkpoint_location: `${dataDir}/own` };
    const { pipeline_id: own } = await full.start(request);
    first.process.child.kill("SIGKILL");
    await first.process.child.status;
    const beganAt = performance.now();
    assert.equal((await full.stop(left)).status, "stopped");
    assert(performance.now() - beganAt < TAKEN_OVER_MS);
    await full.until(own, ({ status }) => status === "idle");
  }));

Deno.test("a pipeline goes on where the state was locked for a while, and says what it does", () =>
  withBed(async ({ dataDir, open }) => {
    const server = await open();
    await server.createTable("db.source");
    for (const id of numbers(20)) await server.appendIds("db.source", [id]);
    const [id = ""] = await startSome(server, { dataDir, count: 1, max_files_per_batch: 1 });
    await server.until(id, (view) => view.batches_processed >= 2);
    const client = createClient({ url: `file:${dataDir}/state.db` });
    const lock = await client.transaction("write");
    const lockedAt = performance.now();
    while (!server.log().includes("Cannot record a pipeline")) {
      assert(performance.now() - lockedAt < 40_000, "nobody noticed");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await lock.rollback();
    client.close();
    await server.idleAt(id, 20);
    await requireAll(server, 1, 20);
    assert.equal((await server.stop(id)).status, "stopped");
  }));

Deno.test("a stream that another state knows of is taken over by whoever starts it last", () =>
  withBed(async ({ dataDir, open }) => {
    const first = await open();
    await first.createTable("db.source");
    await first.appendIds("db.source", [0]);
    const [id = ""] = await startSome(first, { dataDir, count: 1 });
    await first.idleAt(id, 1);
    const elsewhere = await Deno.makeTempDir({ prefix: "drls-elsewhere-" });
    const second = await openPipelineServer({
      dataDir: elsewhere,
      env: {
        DRLS_WAREHOUSE: `${dataDir}/warehouse`,
        DRLS_CHECKPOINT_ROOTS: dataDir,
      },
    });
    try {
      const [other = ""] = await startSome(second, { dataDir, count: 1 });
      await second.appendIds("db.source", [1]);
      let rows = 2;
      // Whoever commits first does, until the one that was started last has: then the other one ends.
      while ((await first.status(id)).status !== "failed") {
        await second.idleAt(other, rows);
        await first.appendIds("db.source", [rows++]);
      }
      const { code, message } = await first.failed(id);
      assert.equal(code, "stream_fenced");
      assert.match(message, /stop the pipeline there/);
      await second.stop(other);
      await startSome(first, { dataDir, count: 1 });
      await first.appendIds("db.source", [rows++]);
      await first.idleAt(id, rows);
      await requireAll(first, 1, rows);
    } finally {
      await second.dispose();
      await Deno.remove(elsewhere, { recursive: true });
    }
  }));
