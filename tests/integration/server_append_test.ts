/** Appends through the whole server: body, operation, isolates, commit. */
import assert from "node:assert/strict";
import { startServer } from "../support/server_process.ts";

type Server = Awaited<ReturnType<typeof startServer>>;

const COLUMNS = [
  { name: "id", type: "BIGINT", nullable: false },
  { name: "name", type: "STRING" },
];

async function withServer(run: (send: Send, server: Server) => Promise<void>): Promise<void> {
  const server = await startServer();
  const authorization = `Bearer ${server.token}`;
  const send: Send = (path, init) =>
    fetch(`${server.url}/api${path}`, {
      ...init,
      headers: { "content-type": "application/json", authorization, ...init?.headers },
    });
  try {
    await run(send, server);
  } finally {
    await server.dispose();
  }
}

type Send = (
  path: string,
  init?: Omit<RequestInit, "headers"> & { readonly headers?: Record<string, string> },
) => Promise<Response>;

async function createTable(send: Send, table: string): Promise<void> {
  const body = JSON.stringify({ table, schema: COLUMNS });
  const response = await send("/tables", { method: "POST", body });
  assert.equal(response.status, 201, await response.text());
}

const NDJSON = { "content-type": "application/x-ndjson; charset=utf-8" };

function post(send: Send, body: BodyInit, headers: Record<string, string> = {}, query = "") {
  return send(`/table/db.events/append${query}`, {
    method: "POST",
    body,
    headers: { ...NDJSON, ...headers },
  });
}

const snapshots = async (send: Send) =>
  (await (await send("/table/db.events/snapshots")).json()).snapshots.length;

/** Files below the warehouse, without what other processes are to see of none. */
async function dataFiles(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await dataFiles(`${folder}/${name}`));
    else if (folder.includes("/data") && folder.includes("/db/")) found.push(name);
  }
  return found;
}

Deno.test("rows are appended as the contract says, and twice under one key only once", async () => {
  await withServer(async (send) => {
    await createTable(send, "db.events");
    const body = '{"id":1,"name":"a"}\n{"id":2}\n';
    const first = await post(send, body, { "idempotency-key": "k1" });
    const answer = await first.json();
    assert.equal(first.status, 200, JSON.stringify(answer));
    const { details_json, operation_id: _, ...rest } = answer;
    assert.deepEqual(rest, { success: true, operation: "append", table: "db.events" });
    assert.equal(JSON.parse(details_json).appended_rows_count, 2);
    const again = await post(send, body, { "idempotency-key": "k1" });
    assert.deepEqual(await again.json(), answer);
    assert.equal(again.headers.get("idempotency-replayed"), "true");
    const other = await post(send, `${body}{"id":3}`, { "idempotency-key": "k1" });
    assert.equal(other.status, 422);
    assert.equal((await other.json()).code, "idempotency_key_reused");
    assert.equal(await snapshots(send), 1);
    const dry = await post(send, body, {}, "?dry_run=true");
    const bill = JSON.parse((await dry.json()).details_json);
    assert.equal(bill.dry_run, true);
    assert.equal(bill.appended_rows_count, 2);
    assert.equal(await snapshots(send), 1);
    const empty = await post(send, "");
    assert.equal(JSON.parse((await empty.json()).details_json).snapshot_id, null);
    assert.equal(await snapshots(send), 1);
  });
});

Deno.test("what cannot be appended is refused by name, and leaves nothing", async () => {
  await withServer(async (send, server) => {
    await createTable(send, "db.events");
    const type = await post(send, "{}", { "content-type": "application/json" });
    assert.equal(type.status, 415);
    const { detail } = await type.json();
    for (const one of ["parquet", "arrow.stream", "x-ndjson", "text/csv"]) {
      assert.ok(detail.includes(one), detail);
    }
    const missing = await send("/table/db.none/append", {
      method: "POST",
      body: "",
      headers: NDJSON,
    });
    assert.equal(missing.status, 404);
    const wrong = await post(send, '{"id":1}\n{"id":"x"}\n');
    const problem = await wrong.json();
    assert.equal(wrong.status, 422);
    assert.deepEqual(problem.errors.map(({ path }: { path: string }) => path), ["lines.2.id"]);
    const query = await post(send, "", {}, "?dryrun=true");
    assert.equal(query.status, 422);
    await query.body?.cancel();
    assert.equal(await snapshots(send), 0);
    assert.deepEqual(await dataFiles(server.dataDir), []);
  });
});

Deno.test("respond-async answers once all rows are there, and the operation tells the rest", async () => {
  await withServer(async (send) => {
    await createTable(send, "db.events");
    const bodyEnd = Promise.withResolvers<void>();
    let hasEnded = false;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode('{"id":1}\n'));
        await bodyEnd.promise;
        hasEnded = true;
        controller.close();
      },
    });
    const answer = post(send, body, { prefer: "respond-async" }).then((response) => {
      assert.ok(hasEnded, "answered while rows were still to come");
      return response;
    });
    const { operations } = await runningOperations(send);
    assert.equal(operations[0]?.operation, "append");
    bodyEnd.resolve();
    const response = await answer;
    assert.equal(response.status, 202, await response.clone().text());
    await response.body?.cancel();
    const location = response.headers.get("location") ?? "";
    const events = await send(`${location.replace("/api", "")}/events`);
    assert.match(await events.text(), /event: end\ndata: .*"state":"succeeded"/);
    assert.equal(await snapshots(send), 1);
  });
});

/** Asks until one runs. */
async function runningOperations(send: Send) {
  for (;;) {
    const list = await (await send("/operations?state=running")).json();
    if (list.operations.length > 0) return list;
  }
}

Deno.test("a client that goes away in mid-body takes its rows along", async () => {
  await withServer(async (send, server) => {
    await createTable(send, "db.events");
    for (const headers of [{}, { prefer: "respond-async" }] as Record<string, string>[]) {
      const aborter = new AbortController();
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new TextEncoder().encode('{"id":1}\n'.repeat(100_000)));
        },
      });
      const sent = send("/table/db.events/append", {
        method: "POST",
        body,
        headers: { ...NDJSON, ...headers },
        signal: aborter.signal,
      });
      sent.catch(() => {/* aborted below */});
      const { operations } = await runningOperations(send);
      aborter.abort();
      const events = await send(`/operations/${operations[0].id}/events`);
      assert.match(await events.text(), /event: end\ndata: .*"state":"cancelled"/);
    }
    assert.equal(await snapshots(send), 0);
    assert.deepEqual(await dataFiles(server.dataDir), []);
  });
});

Deno.test("a refusal reaches a client that is still sending", async () => {
  await withServer(async (send) => {
    await createTable(send, "db.events");
    const good = new TextEncoder().encode('{"id":1}\n'.repeat(100_000));
    let pieces = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pieces === 0) controller.enqueue(new TextEncoder().encode('{"id":"x"}\n'));
        controller.enqueue(good);
        if (++pieces === 64) controller.close();
      },
    });
    const response = await post(send, body);
    assert.equal(response.status, 422);
    assert.equal((await response.json()).errors[0].path, "lines.1.id");
  });
});

Deno.test("rows of many megabytes go through block by block, none lost", async () => {
  await withServer(async (send, server) => {
    await createTable(send, "db.events");
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (next >= 600_000) return controller.close();
        const lines = Array.from(
          { length: 10_000 },
          () => `{"id":${next++},"name":"${"n".repeat(60)}"}`,
        );
        const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);
        controller.enqueue(bytes);
      },
    });
    const response = await post(send, body, { "idempotency-key": "large" });
    const { details_json } = await response.json();
    const details = JSON.parse(details_json);
    assert.equal(details.appended_rows_count, 600_000);
    const { files } = await (await send("/table/db.events/files")).json();
    assert.equal(files.length, 1);
    assert.equal(files[0].record_count, 600_000);
    assert.deepEqual((await dataFiles(server.dataDir)).length, 1);
  });
});

Deno.test("appends and compactions at once lose no row and double none", async () => {
  await withServer(async (send) => {
    await createTable(send, "db.events");
    const appends = 12;
    const rows = 50;
    const bodyOf = (append: number) =>
      Array.from({ length: rows }, (_, row) => `{"id":${append * rows + row}}`).join("\n");
    const append = async (first: number) => {
      for (let at = first; at < appends; at += 2) {
        const response = await post(send, bodyOf(at));
        assert.equal(response.status, 200, await response.text());
      }
    };
    let compacted = 0;
    let isOver = false;
    const compact = async () => {
      while (!isOver || compacted === 0) {
        const body = JSON.stringify({ table: "db.events", options: { "rewrite-all": "true" } });
        const response = await send("/compact", { method: "POST", body });
        const answer = await response.json();
        // A compaction that loses to appends again and again may say so; rows must be right anyway.
        if (response.status !== 409) assert.equal(response.status, 200, JSON.stringify(answer));
        if (response.status === 200) compacted++;
      }
    };
    const compacting = compact();
    await Promise.all([append(0), append(1)]).finally(() => isOver = true);
    await compacting;
    const sql = "SELECT count(*) AS n, count(DISTINCT id) AS ids, max(id) AS last FROM db.events";
    const response = await send("/query", { method: "POST", body: JSON.stringify({ sql }) });
    const { rows: found } = await response.json();
    const all = appends * rows;
    assert.deepEqual(JSON.parse(JSON.stringify(found)), [{ n: all, ids: all, last: all - 1 }]);
  });
});
