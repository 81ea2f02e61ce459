import assert from "node:assert/strict";
import { VERSION } from "../../../lib/version.ts";
import { as, harness, type HarnessOptions } from "./_harness.ts";

async function get(path: string, health: HarnessOptions["health"] = {}) {
  const { app } = harness({ health });
  const response = await app.request(path);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const away = () => Promise.resolve("unreachable" as const);

Deno.test("GET /api/health is open and names version, uptime and dependencies", async () => {
  const { status, body } = await get("/api/health");
  assert.equal(status, 200);
  assert.deepEqual(body, {
    status: "ok",
    version: VERSION,
    uptime_seconds: 1.5,
    state: "ok",
    catalog: "ok",
  });
});

Deno.test("GET /api/health stays 200 while a dependency is away, and says so", async () => {
  for (const health of [{ state: away }, { catalog: away }]) {
    const { status, body } = await get("/api/health", health);
    assert.equal(status, 200);
    assert.equal(body.status, "degraded");
  }
});

Deno.test("GET /api/health takes a catalog that nobody configured for no fault", async () => {
  const { body } = await get("/api/health", { catalog: () => Promise.resolve("not_configured") });
  assert.equal(body.status, "ok");
  assert.equal(body.catalog, "not_configured");
});

Deno.test("GET /api/health/ready is 200 and open while the server can work", async () => {
  const { status, body } = await get("/api/health/ready");
  assert.equal(status, 200);
  assert.deepEqual(body, { status: "ready" });
});

Deno.test("GET /api/health/ready is 503 with Retry-After when it cannot", async () => {
  for (const health of [{ state: away }, { catalog: away }, { stopping: () => true }]) {
    const { status, headers, body } = await get("/api/health/ready", health);
    assert.equal(status, 503);
    assert.equal(body.code, "not_ready");
    assert.ok(Number(headers.get("retry-after")) > 0);
  }
});

Deno.test("GET /metrics needs a principal and answers in the Prometheus format", async () => {
  const { app } = harness();
  assert.equal((await app.request("/metrics")).status, 401);
  const response = await app.request("/metrics", { headers: as("Auditor") });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.match(await response.text(), /# TYPE drls_http_requests_total counter/);
});
