import assert from "node:assert/strict";
import { z } from "zod";
import { UNMATCHED_ROUTE } from "../../../lib/metrics.ts";
import { publicRoute, type Route, route } from "../../../routes/_route.ts";
import { as, harness } from "./_harness.ts";

function slowRoute(run: (signal: AbortSignal) => Promise<unknown>, timeoutMs?: number): Route {
  return publicRoute({
    method: "GET",
    path: "/api/slow/{name}",
    operation: "slow",
    tag: "Health",
    summary: "Slow",
    params: z.strictObject({ name: z.string() }),
    answer: { status: 200, description: "x", schema: z.unknown() },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    handler: ({ signal }) => run(signal),
  });
}

Deno.test("every answer carries a request id, also in its problem", async () => {
  const { app } = harness();
  const ok = await app.request("/api/health");
  assert.match(ok.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
  const missing = await app.request("/api/nowhere");
  assert.equal((await missing.json()).request_id, missing.headers.get("x-request-id"));
});

Deno.test("a client's request id is kept if it is fit for logs", async () => {
  const { app } = harness();
  const idFor = async (given: string) => {
    const response = await app.request("/api/health", { headers: { "x-request-id": given } });
    return response.headers.get("x-request-id");
  };
  assert.equal(await idFor("trace-1:a/b_c=.+"), "trace-1:a/b_c=.+");
  assert.equal(await idFor("a".repeat(128)), "a".repeat(128));
  for (const bad of ["a".repeat(129), "a b", 'a"b', "{}", "ä", "a,b", "<script>"]) {
    assert.notEqual(await idFor(bad), bad);
  }
});

Deno.test("every answer carries the security headers", async () => {
  const { app } = harness();
  const answers = [
    await app.request("/api/health"),
    await app.request("/api/nowhere"),
    await app.request("/api/tables"),
    await app.request("/api/tables", { method: "OPTIONS" }),
    await app.request("/api/tables", { method: "POST" }),
  ];
  for (const { headers, status } of answers) {
    assert.equal(headers.get("x-content-type-options"), "nosniff", String(status));
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
    assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'/);
    assert.match(headers.get("strict-transport-security") ?? "", /^max-age=\d+/);
  }
});

Deno.test("CORS is off unless it is set", async () => {
  const { app } = harness();
  const headers = { origin: "https://app.example.com" };
  const response = await app.request("/api/health", { headers });
  assert.equal(response.headers.get("access-control-allow-origin"), null);
});

Deno.test("CORS names only the origins that are set, and allows no cookies", async () => {
  const { app } = harness({ http: { corsOrigins: ["https://app.example.com"] } });
  const preflight = (origin: string) =>
    app.request("/api/tables", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "GET" },
    });
  const known = await preflight("https://app.example.com");
  assert.equal(known.status, 204);
  assert.equal(known.headers.get("access-control-allow-origin"), "https://app.example.com");
  assert.match(known.headers.get("access-control-allow-headers") ?? "", /Authorization/);
  assert.equal(known.headers.get("access-control-allow-credentials"), null);
  const foreign = await preflight("https://evil.example.com");
  assert.equal(foreign.headers.get("access-control-allow-origin"), null);
});

Deno.test("CORS covers error answers too, so that a page can read the problem", async () => {
  const { app } = harness({ http: { corsOrigins: ["https://app.example.com"] } });
  const headers = { origin: "https://app.example.com" };
  const response = await app.request("/api/tables", { headers });
  assert.equal(response.status, 401);
  assert.equal(response.headers.get("access-control-allow-origin"), "https://app.example.com");
});

Deno.test("the access log has one line a request, with the pattern and never the path", async () => {
  const { app, logged, lines } = harness({
    tables: { schema: () => Promise.reject(new Error("x")) },
  });
  await app.request("/api/table/secret.table/schema?token=hunter2", { headers: as("Auditor") });
  await app.request("/api/nowhere?token=hunter2");
  const requests = logged().filter((line) => line.message === "Request");
  assert.equal(requests.length, 2);
  const [found, unmatched] = requests;
  assert.equal(found.route, "/api/table/{table_name}/schema");
  assert.equal(found.method, "GET");
  assert.equal(found.principal, "id-Auditor");
  assert.equal(typeof found.duration_ms, "number");
  assert.ok(found.bytes > 100);
  assert.equal(unmatched.route, UNMATCHED_ROUTE);
  assert.equal(unmatched.status, 404);
  assert.equal(unmatched.principal, null);
  assert.ok(!lines.join().includes("hunter2"));
});

Deno.test("the access log counts bytes and shares the id with what else is logged", async () => {
  const { app, logged } = harness();
  const response = await app.request("/api/health", { headers: { "x-request-id": "r-7" } });
  const { byteLength } = await response.arrayBuffer();
  const [line] = logged();
  assert.equal(line.bytes, byteLength);
  assert.equal(line.request_id, "r-7");
  assert.equal(line.status, 200);
});

Deno.test("metrics count by route pattern, and no client can make up a label", async () => {
  const { app, metrics } = harness();
  await app.request("/api/health");
  for (let i = 0; i < 20; i++) await app.request(`/api/made-up-${i}`, { method: `M${i}` });
  const { text, contentType } = await metrics.render();
  assert.match(contentType, /^text\/plain/);
  assert.match(
    text,
    /drls_http_requests_total\{method="GET",route="\/api\/health",status="200"\} 1/,
  );
  assert.match(text, /\{method="OTHER",route="\(unmatched\)",status="404"\} 20/);
  assert.match(text, /drls_http_requests_in_flight 0/);
  assert.ok(!text.includes("made-up"));
});

Deno.test("a request beyond its deadline is 503, and its work is told to stop", async () => {
  let reason: unknown = null;
  const hung = slowRoute((signal) => {
    signal.addEventListener("abort", () => reason = signal.reason);
    return new Promise(() => {});
  });
  const { app, metrics } = harness({ routes: [hung], http: { requestTimeoutMs: 20 } });
  const response = await app.request("/api/slow/a");
  const body = await response.json();
  assert.equal(response.status, 503);
  assert.equal(body.code, "deadline_exceeded");
  assert.equal(response.headers.get("retry-after"), "1");
  assert.equal((reason as { code?: string }).code, "deadline_exceeded");
  assert.match((await metrics.render()).text, /in_flight 0/);
});

Deno.test("a route's own deadline wins over the server's", async () => {
  const late = slowRoute(async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return "done";
  }, 5000);
  const { app } = harness({ routes: [late], http: { requestTimeoutMs: 5 } });
  assert.equal((await app.request("/api/slow/a")).status, 200);
});

Deno.test("work that fails after its deadline is no unhandled rejection", async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const { app } = harness({ routes: [slowRoute(() => promise)], http: { requestTimeoutMs: 10 } });
  assert.equal((await app.request("/api/slow/a")).status, 503);
  reject(new Error("late"));
  await new Promise((resolve) => setTimeout(resolve, 5));
});

Deno.test("a client that goes away cancels its work", async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<unknown>();
  const hung = slowRoute((signal) => {
    signal.addEventListener("abort", () => stop(signal.reason));
    start();
    return new Promise(() => {});
  });
  const { app, logged } = harness({ routes: [hung] });
  const controller = new AbortController();
  const answer = app.request("/api/slow/a", { signal: controller.signal });
  await started;
  controller.abort();
  assert.equal((await stopped as { code: string }).code, "cancelled");
  assert.equal((await answer).status, 503);
  const cancelled = logged().find((line) => line.message === "Request cancelled");
  assert.equal(cancelled.level, "info");
});

Deno.test("a caller's role reaches the handler", async () => {
  const whoami = route({
    method: "GET",
    path: "/api/whoami",
    operation: "whoami",
    tag: "Health",
    summary: "Who",
    role: "Auditor",
    answer: { status: 200, description: "x", schema: z.object({ role: z.string() }) },
    handler: ({ ctx }) => ({ role: ctx.principal.role }),
  });
  const { app } = harness({ routes: [whoami] });
  const response = await app.request("/api/whoami", { headers: as("LeadDataEngineer") });
  assert.deepEqual(await response.json(), { role: "LeadDataEngineer" });
});
