/** The rest catalog against servers that are slow, busy, broken, or far too talkative. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { AppError } from "../../lib/errors.ts";
import { openCatalog } from "../../lib/catalog/mod.ts";
import { HttpClient } from "../../lib/catalog/_http.ts";
import {
  json,
  restError,
  serveTables,
  startFakeRestCatalog,
} from "../support/fake_rest_catalog.ts";

function open(uri: string, http: { timeoutMs?: number; pauses?: number[] } = {}) {
  const { timeoutMs = 2_000, pauses = [] } = http;
  const config = { type: "rest", name: "drls", warehouse: null, uri, extraProps: {} } as const;
  const sleep = (ms: number) => Promise.resolve(void pauses.push(ms));
  return openCatalog(config, {
    dataDir: null,
    storageRoots: [],
    http: { timeoutMs, sleep, random: () => 0.5 },
  });
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof AppError && error.code === code;

Deno.test("a server that is down for a moment is asked again, with growing pauses", async () => {
  let failures = 3;
  await using server = startFakeRestCatalog(
    () => failures-- > 0 ? new Response("busy", { status: 503 }) : null,
    serveTables(["a.t"]),
  );
  const pauses: number[] = [];
  strictEqual((await open(server.uri, { pauses }).listTables()).length, 1);
  deepStrictEqual(pauses, [100, 200, 400]);
});

Deno.test("a server that stays down is unavailable after a bounded number of attempts", async () => {
  await using server = startFakeRestCatalog(() => restError(500, "InternalServerError", "stack"));
  await rejects(open(server.uri).ping(), (error) => {
    ok(error instanceof AppError);
    deepStrictEqual([error.kind, error.code, error.retryable], [
      "unavailable",
      "catalog_failed",
      true,
    ]);
    return !error.message.includes("stack");
  });
  strictEqual(server.seen.length, 4);
});

Deno.test("a server that will never do it is asked once", async () => {
  await using server = startFakeRestCatalog(() => restError(501, "NotImplemented"));
  await rejects(open(server.uri).ping(), isCode("catalog_failed"));
  strictEqual(server.seen.length, 1);
});

Deno.test("Retry-After is obeyed where it is short, and passed on where it is long", async () => {
  let busy = true;
  await using soon = startFakeRestCatalog(() => {
    const answer = busy
      ? new Response(null, { status: 429, headers: { "retry-after": "2" } })
      : null;
    busy = false;
    return answer;
  }, serveTables([]));
  const pauses: number[] = [];
  await open(soon.uri, { pauses }).listNamespaces();
  deepStrictEqual(pauses, [2_000]);
  await using late = startFakeRestCatalog(() =>
    new Response(null, { status: 429, headers: { "retry-after": "120" } })
  );
  await rejects(open(late.uri).ping(), (error) => {
    ok(error instanceof AppError);
    return error.code === "catalog_throttled" && error.retryAfterSeconds === 120;
  });
  strictEqual(late.seen.length, 1);
});

Deno.test("a slow server is unavailable after a bounded time", async () => {
  const gate = Promise.withResolvers<void>();
  const server = startFakeRestCatalog(async () => {
    await gate.promise;
    return json({});
  });
  await rejects(open(server.uri, { timeoutMs: 20 }).ping(), isCode("catalog_timeout"));
  gate.resolve();
  await server[Symbol.asyncDispose]();
});

Deno.test("an answer that drips for ever ends by the same bound", async () => {
  await using server = startFakeRestCatalog(() => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        timer = setInterval(() => controller.enqueue(new Uint8Array([32])), 5);
      },
      cancel: () => clearInterval(timer),
    });
    return new Response(stream);
  });
  await rejects(open(server.uri, { timeoutMs: 50 }).ping(), isCode("catalog_timeout"));
});

Deno.test("an answer beyond its bound is cut off", async () => {
  let sent = 0;
  await using server = startFakeRestCatalog(() => {
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    return new Response(stream);
  });
  const request = {
    method: "GET",
    url: server.uri,
    headers: {},
    maxBytes: 1_000_000,
    action: "load a table",
  } as const;
  await rejects(new HttpClient().send(request), isCode("catalog_response_too_large"));
  ok(sent < 1_000, `${sent} chunks were sent`);
  strictEqual(server.seen.length, 1);
});

Deno.test("a caller that gives up is let go at once, also between attempts", async () => {
  await using server = startFakeRestCatalog(() => new Response(null, { status: 503 }));
  const http = new HttpClient({ random: () => 1 });
  const request = {
    method: "GET",
    url: server.uri,
    headers: {},
    maxBytes: 10,
    action: "x",
  } as const;
  const started = performance.now();
  await rejects(
    http.send({ ...request, signal: AbortSignal.timeout(50) }),
    isCode("deadline_exceeded"),
  );
  ok(performance.now() - started < 1_000);
  await rejects(http.send({ ...request, signal: AbortSignal.abort() }), isCode("cancelled"));
});

Deno.test("nobody listening is unavailable, without the address in the message", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const uri = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  await rejects(open(uri).ping(), (error) => {
    ok(error instanceof AppError && error.code === "catalog_unreachable" && error.retryable);
    return !error.message.includes("127.0.0.1");
  });
});

Deno.test("answers of another shape, too deep, or no JSON are errors of the catalog", async () => {
  const bodies = [
    "",
    "null",
    "[]",
    '{"namespaces": [1]}',
    '{"namespaces": {}}',
    "[".repeat(100_000),
  ];
  for (const body of bodies) {
    await using server = startFakeRestCatalog(
      ({ path }) => path === "/v1/namespaces" ? new Response(body) : null,
      serveTables([]),
    );
    await rejects(open(server.uri).listNamespaces(), isCode("catalog_answer_invalid"), body);
  }
});
