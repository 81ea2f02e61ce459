import assert from "node:assert/strict";
import { z } from "zod";
import type { OriginBound } from "../../../lib/access/mod.ts";
import { AppError } from "../../../lib/errors.ts";
import { type Route, route } from "../../../routes/_route.ts";
import { as, harness, type HarnessOptions, principal, TOKENS } from "./_harness.ts";

function probe(method: "GET" | "POST"): Route {
  return route({
    method,
    path: "/api/probe",
    operation: `probe${method}`,
    tag: "Access",
    summary: "Probe",
    role: "Auditor",
    answer: { status: 200, description: "x", schema: z.object({ id: z.string() }) },
    handler: ({ ctx }) => ({ id: ctx.principal.id }),
  });
}

const ROUTES = [probe("GET"), probe("POST")];

async function call(init: RequestInit, options: HarnessOptions & { env?: unknown } = {}) {
  const { app } = harness({ routes: ROUTES, ...options });
  const response = await app.request("/api/probe", init, options.env);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const cookie = (secret: string) => ({ cookie: `other=1; drls_session=${secret}` });

Deno.test("a request without credentials is 401 and says how to authenticate", async () => {
  const { status, headers, body } = await call({});
  assert.equal(status, 401);
  assert.equal(headers.get("www-authenticate"), 'Bearer realm="drls"');
  assert.equal(body.code, "credentials_required");
});

Deno.test("an Authorization header that is no bearer credential is 401", async () => {
  for (const authorization of ["Basic YTpi", "Bearer", "Bearer ", "Bearer a b", "Token x"]) {
    assert.equal((await call({ headers: { authorization } })).status, 401, authorization);
  }
});

Deno.test("the bearer scheme is case-insensitive", async () => {
  const headers = { authorization: `bearer ${TOKENS.Auditor}` };
  assert.equal((await call({ headers })).status, 200);
});

Deno.test("a bearer credential wins over a cookie, also when it is wrong", async () => {
  const both = await call({ headers: { ...as("Admin"), ...cookie(TOKENS.Auditor) } });
  assert.equal(both.body.id, "id-Admin");
  const wrong = { authorization: "Bearer forged", ...cookie(TOKENS.Admin) };
  assert.equal((await call({ headers: wrong })).status, 401);
});

Deno.test("a session cookie reads without an Origin header", async () => {
  const { status, body } = await call({ headers: cookie(TOKENS.DataEngineer) });
  assert.equal(status, 200);
  assert.equal(body.id, "id-DataEngineer");
});

Deno.test("a session cookie changes nothing without an Origin header", async () => {
  const { status, body } = await call({ method: "POST", headers: cookie(TOKENS.Admin) });
  assert.equal(status, 403);
  assert.equal(body.code, "origin_required");
  const headers = { ...cookie(TOKENS.Admin), origin: "http://localhost" };
  assert.equal((await call({ method: "POST", headers })).status, 200);
});

Deno.test("a session cookie from a page of another origin is refused", async () => {
  for (const method of ["GET", "POST"]) {
    const headers = { ...cookie(TOKENS.Admin), origin: "https://evil.example.com" };
    assert.equal((await call({ method, headers })).status, 401, method);
  }
});

Deno.test("a bearer credential needs no Origin header", async () => {
  assert.equal((await call({ method: "POST", headers: as("Admin") })).status, 200);
});

Deno.test("a ticket counts only for a WebSocket", async () => {
  const seen: OriginBound[] = [];
  const { app } = harness({
    routes: ROUTES,
    http: { corsOrigins: ["https://app.example.com"] },
    access: {
      redeemTicket: (input) => {
        seen.push(input);
        return Promise.resolve(principal("Auditor"));
      },
    },
  });
  assert.equal((await app.request("/api/probe?ticket=t1")).status, 401);
  const headers = { upgrade: "websocket", origin: "https://app.example.com" };
  const response = await app.request("/api/probe?ticket=t1", { headers });
  assert.equal(response.status, 200);
  assert.deepEqual(seen, [{
    clientAddress: "unknown",
    secret: "t1",
    origin: "https://app.example.com",
  }]);
});

Deno.test("a ticket opens a WebSocket and changes nothing", async () => {
  const access = { redeemTicket: () => Promise.resolve(principal("Admin")) };
  const { app } = harness({ routes: ROUTES, access });
  const headers = { upgrade: "websocket", origin: "http://localhost" };
  const response = await app.request("/api/probe?ticket=t1", { method: "POST", headers });
  assert.equal(response.status, 401);
});

Deno.test("over HTTPS a cookie counts only under the name that neighbours cannot set", async () => {
  const origin = "https://lake.example.com";
  const access = { authenticateSession: () => Promise.resolve(principal("Admin")) };
  const status = async (cookie: string) =>
    (await call({ headers: { cookie, origin } }, { access })).status;
  assert.equal(await status("drls_session=x"), 401);
  assert.equal(await status("drls_session=x; __Host-drls_session=y"), 200);
});

Deno.test("a WebSocket with a session cookie must say which page opened it", async () => {
  const headers = { upgrade: "websocket", ...cookie(TOKENS.Admin) };
  assert.equal((await call({ headers })).status, 403);
});

Deno.test("a WebSocket of a page of another site is refused, whatever its credential", async () => {
  const access = {
    authenticateSession: () => Promise.resolve(principal("Admin")),
    redeemTicket: () => assert.fail("The ticket was spent"),
  };
  const { app } = harness({
    routes: ROUTES,
    access,
    http: { corsOrigins: ["https://app.example.com"] },
  });
  const status = async (origin: string | null, headers: Record<string, string>, query = "") => {
    const origins: Record<string, string> = origin === null ? {} : { origin };
    const all = { upgrade: "websocket", ...origins, ...headers };
    const response = await app.request(`/api/probe${query}`, { headers: all });
    await response.body?.cancel();
    return response.status;
  };
  for (const origin of ["https://evil.example.com", "null", "http://localhost.evil.example.com"]) {
    assert.equal(await status(origin, as("Admin")), 403, origin);
    assert.equal(await status(origin, cookie("x")), 403, origin);
    assert.equal(await status(origin, {}, "?ticket=t1"), 403, origin);
  }
  for (const origin of ["http://localhost", "https://app.example.com", null]) {
    assert.equal(await status(origin, as("Admin")), 200, String(origin));
  }
  assert.equal(await status("http://localhost", cookie("x")), 200);
  const plain = { ...as("Admin"), origin: "https://evil.example.com" };
  assert.equal((await app.request("/api/probe", { headers: plain })).status, 200);
});

Deno.test("too many failures are 429 with the time to wait", async () => {
  const limited = new AppError("rate_limited", "too_many_failures", "Too many failures", {
    retryAfterSeconds: 42,
  });
  const access = { authenticateBearer: () => Promise.reject(limited) };
  const { status, headers } = await call({ headers: as("Admin") }, { access });
  assert.equal(status, 429);
  assert.equal(headers.get("retry-after"), "42");
});

Deno.test("a state that is away is 503, never a refusal and never a pass", async () => {
  const away = new AppError("unavailable", "state_unavailable", "Cannot reach the state");
  const access = { authenticateBearer: () => Promise.reject(away) };
  assert.equal((await call({ headers: as("Admin") }, { access })).status, 503);
});

Deno.test("the client's address is the peer's, or what the trusted proxies appended", async () => {
  const env = { remoteAddr: { transport: "tcp", hostname: "10.0.0.9", port: 1 } };
  async function addressFor(trustedProxies: number, forwarded?: string) {
    let seen = "";
    await call({
      headers: as("Admin", forwarded === undefined ? {} : { "x-forwarded-for": forwarded }),
    }, {
      env,
      http: { trustedProxies },
      access: {
        authenticateBearer: (input) => {
          seen = input.clientAddress;
          return Promise.resolve(principal("Admin"));
        },
      },
    });
    return seen;
  }
  assert.equal(await addressFor(0), "10.0.0.9");
  assert.equal(await addressFor(0, "1.2.3.4"), "10.0.0.9");
  assert.equal(await addressFor(1, "forged, 1.2.3.4"), "1.2.3.4");
  assert.equal(await addressFor(2, "forged, 1.2.3.4, 10.0.0.1"), "1.2.3.4");
  assert.equal(await addressFor(1), "10.0.0.9");
  assert.equal(await addressFor(3, "1.2.3.4"), "10.0.0.9");
  assert.equal(await addressFor(1, "1".repeat(10_000)), "10.0.0.9");
});

Deno.test("behind a trusted proxy the origin is the one that the browser sees", async () => {
  async function originFor(trustedProxies: number, headers: Record<string, string>) {
    let seen = "";
    const both = { cookie: "drls_session=x; __Host-drls_session=x" };
    await call({ headers: { ...both, ...headers } }, {
      http: { trustedProxies },
      access: {
        authenticateSession: (input) => {
          seen = input.origin;
          return Promise.resolve(principal("Admin"));
        },
      },
    });
    return seen;
  }
  const forwarded = { "x-forwarded-proto": "https", "x-forwarded-host": "lake.example.com" };
  assert.equal(await originFor(0, forwarded), "http://localhost");
  assert.equal(await originFor(1, forwarded), "https://lake.example.com");
  assert.equal(await originFor(1, { "x-forwarded-proto": "https" }), "https://localhost");
  assert.equal(await originFor(1, { "x-forwarded-host": "a b" }), "http://localhost");
});

Deno.test("with authentication off everybody on loopback is the development Admin", async () => {
  const { status, body } = await call({}, { http: { auth: "off" } });
  assert.equal(status, 200);
  assert.equal(body.id, "development");
});

Deno.test("with authentication off no page of another site gets in", async () => {
  const { app } = harness({ routes: ROUTES, http: { auth: "off" } });
  const status = async (url: string, headers: Record<string, string> = {}) =>
    (await app.request(url, { headers })).status;
  assert.equal(await status("http://127.0.0.1:3000/api/probe"), 200);
  assert.equal(await status("http://[::1]:3000/api/probe"), 200);
  // A name of the attacker that resolves to this machine.
  assert.equal(await status("http://rebound.example.com:3000/api/probe"), 403);
  const url = "http://localhost:3000/api/probe";
  assert.equal(await status(url, { origin: "https://evil.example.com" }), 403);
  assert.equal(await status(url, { origin: "null" }), 403);
  assert.equal(await status(url, { "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await status(url, { origin: "http://localhost:3000" }), 200);
});
