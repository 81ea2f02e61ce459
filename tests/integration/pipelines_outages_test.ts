/** Disks that fill up, credentials that are revoked, catalogs that are away for a while. */
import assert from "node:assert/strict";
import { restError, startFakeRestCatalog } from "../support/fake_rest_catalog.ts";
import { fakeRestTables } from "../support/fake_rest_tables.ts";
import {
  openPipelineServer,
  type PipelineServer,
  withPipelineServer,
} from "../support/pipeline_server.ts";
import { S3Fake } from "../support/s3_fake.ts";

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

async function mount(...args: readonly string[]): Promise<boolean> {
  const command = new Deno.Command("mount", { args: [...args], stderr: "null" });
  return (await command.output().catch(() => ({ success: false }))).success;
}

Deno.test("a full disk fails a pipeline between batches; with room it goes on", () =>
  withPipelineServer(async (server) => {
    await server.createTable("db.sink");
    const data = `${server.dataDir}/warehouse/db/sink/data`;
    await Deno.mkdir(data, { recursive: true });
    // A file system of its own for the rows of the sink; it takes the right to mount.
    if (!await mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", data)) {
      console.warn("pipelines_outages_test.ts: SKIPPED, a full disk takes the right to mount");
      return;
    }
    try {
      await server.createTable("db.source");
      for (let i = 0; i < 40; i++) await server.appendIds("db.source", numbers(10 * i, 10 * i + 9));
      const { pipeline_id: id } = await server.start({ max_files_per_batch: 1 });
      const { code, message } = await server.failed(id);
      assert.equal(code, "storage_full");
      assert.match(message, /the disk is full/);
      const failed = await server.status(id);
      assert(failed.batches_processed > 0 && failed.batches_processed < 40);
      assert(failed.restarts > 0);
      assert.equal(failed.rows_processed, 10 * failed.batches_processed);
      assert.deepEqual(await server.ids("db.sink"), numbers(0, failed.rows_processed - 1));
      assert(await mount("-o", "remount,size=64m", data));
      await server.start();
      const done = await server.idleAt(id, 400);
      // Counted over its whole life, as Prometheus wants it.
      assert.deepEqual([done.last_error, done.restarts], [null, failed.restarts]);
      assert.deepEqual(await server.ids("db.sink"), numbers(0, 399));
    } finally {
      server.process.child.kill("SIGKILL");
      await server.process.child.status;
      await new Deno.Command("umount", { args: [data] }).output();
    }
  }));

/** What the catalog and the store answer instead of doing what they are asked; null for nothing. */
interface Denials {
  catalog: Response | null;
  sinkWrites: Response | null;
  /** What another server needs to know of both. */
  env: Readonly<Record<string, string>>;
}

/** A server over a REST catalog with tables in S3, and a pipeline that is idle with rows 1, 2, 3. */
async function withRemote(
  test: (server: PipelineServer, id: string, denials: Denials) => Promise<void>,
): Promise<void> {
  const denials: Denials = { catalog: null, sinkWrites: null, env: {} };
  const tables = fakeRestTables({ root: "s3://bucket" });
  await using s3 = await S3Fake.start();
  s3.intercept(({ method, path }) => {
    const isSinkWrite = method === "PUT" && path.startsWith("bucket/db/sink/");
    return isSinkWrite ? denials.sinkWrites?.clone() ?? null : null;
  });
  const guard = () => denials.catalog?.clone() ?? null;
  await using catalog = startFakeRestCatalog(guard, tables.handler);
  const props = {
    "s3.endpoint": s3.proxy.origin,
    "s3.region": "us-east-1",
    "s3.access-key-id": "AKIDEXAMPLE",
    "s3.secret-access-key": "SECRET",
    "s3.path-style-access": "true",
  };
  const env = denials.env = {
    DRLS_CATALOG_TYPE: "rest",
    DRLS_CATALOG_URI: catalog.uri,
    DRLS_CATALOG_PROPS: JSON.stringify(props),
  };
  await withPipelineServer(async (server) => {
    await server.createTable("db.source");
    await server.appendIds("db.source", [1, 2, 3]);
    const { pipeline_id: id } = await server.start();
    await server.idleAt(id, 3);
    await test(server, id, denials);
  }, { env });
}

for (const status of [401, 403]) {
  Deno.test(`a catalog that answers ${status} from now on: tried again, failed, and then gone on with`, () =>
    withRemote(async (server, id, denials) => {
      denials.catalog = restError(status, "NotAuthorizedException", "revoked");
      const waiting = await server.until(id, (view) => view.status === "backing-off");
      assert(waiting.restarts >= 1);
      const { code, message } = await server.failed(id);
      assert.equal(code, waiting.last_error?.code);
      assert.match(message, /credential|permi|access|allow/i);
      denials.catalog = null;
      await server.appendIds("db.source", [4]);
      await server.start();
      await server.idleAt(id, 4);
      assert.deepEqual(await server.ids("db.sink"), numbers(1, 4));
    }));
}

Deno.test("a store that denies writes of the sink leaves no row, and all of them once it does not", () =>
  withRemote(async (server, id, denials) => {
    const xml = "<Error><Code>AccessDenied</Code><Message>revoked</Message></Error>";
    denials.sinkWrites = new Response(xml, { status: 403 });
    await server.appendIds("db.source", [4, 5]);
    const { code, message } = await server.failed(id);
    assert.match(code, /^storage_/);
    assert.match(message, /credential|denie|permi|access/i);
    assert.deepEqual(await server.ids("db.sink"), [1, 2, 3]);
    denials.sinkWrites = null;
    await server.start();
    await server.idleAt(id, 5);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 5));
  }));

Deno.test("a catalog that is away for a while is waited for", () =>
  withRemote(async (server, id, denials) => {
    denials.catalog = restError(503, "ServiceUnavailableException", "away");
    const { last_error } = await server.until(id, (view) => view.restarts >= 2);
    assert(last_error !== null);
    denials.catalog = null;
    await server.appendIds("db.source", [4]);
    const view = await server.idleAt(id, 4);
    assert.equal(view.last_error, null);
    assert.deepEqual(await server.ids("db.sink"), numbers(1, 4));
  }));

Deno.test("a pipeline that waits when its server is killed goes on as any other", () =>
  withRemote(async (server, id, denials) => {
    denials.catalog = restError(503, "ServiceUnavailableException", "away");
    await server.until(id, (view) => view.status === "backing-off");
    server.process.child.kill("SIGKILL");
    await server.process.child.status;
    denials.catalog = null;
    const next = await openPipelineServer({ dataDir: server.dataDir, env: denials.env });
    try {
      await next.appendIds("db.source", [4]);
      const view = await next.idleAt(id, 4);
      assert.equal(view.last_error, null);
      assert.equal((await next.stop(id)).status, "stopped");
      next.requireCalm();
    } finally {
      await next.dispose();
    }
  }));
