import assert from "node:assert/strict";
import type { Access } from "../../../lib/access/mod.ts";
import { Secret } from "../../../lib/secret.ts";
import { as, harness, jsonRequest, TOKENS } from "./_harness.ts";

const USER = {
  id: "usr_1",
  name: "ada",
  role: "Auditor",
  created_at: "2026-01-01T00:00:00.000Z",
  disabled_at: null,
} as const;

const TOKEN = {
  id: "tok_1",
  user: "ada",
  name: null,
  prefix: "drls_ab",
  created_at: "2026-01-01T00:00:00.000Z",
  created_by: "root",
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
} as const;

function setup(access: Partial<Access>) {
  return harness({ access }).app;
}

Deno.test("POST /api/users creates a user and answers 201", async () => {
  let seen: unknown = null;
  const app = setup({
    createUser: (_, input) => {
      seen = input;
      return Promise.resolve(USER);
    },
  });
  const response = await app.request(
    "/api/users",
    jsonRequest("Admin", {
      name: "ada",
      role: "Auditor",
    }),
  );
  assert.equal(response.status, 201);
  assert.deepEqual(await response.json(), USER);
  assert.deepEqual(seen, { name: "ada", role: "Auditor" });
});

Deno.test("POST /api/users names a role that is none", async () => {
  const init = jsonRequest("Admin", { name: "ada", role: "Root" });
  const response = await setup({}).request("/api/users", init);
  assert.equal(response.status, 422);
  assert.equal((await response.json()).errors[0].path, "role");
});

Deno.test("PATCH /api/users/{name} changes the user that the path names", async () => {
  let seen: unknown = null;
  const app = setup({
    updateUser: (_, input) => {
      seen = input;
      return Promise.resolve(USER);
    },
  });
  const init = jsonRequest("Admin", { disabled: true }, "PATCH");
  assert.equal((await app.request("/api/users/ada", init)).status, 200);
  assert.deepEqual(seen, { name: "ada", disabled: true });
  const twoNames = jsonRequest("Admin", { name: "eve", disabled: true }, "PATCH");
  assert.equal((await app.request("/api/users/ada", twoNames)).status, 422);
});

Deno.test("POST /api/tokens shows the new token once, beside what is known of it", async () => {
  const app = setup({
    createToken: () => Promise.resolve({ token: TOKEN, secret: new Secret("drls_abcdef") }),
  });
  const init = jsonRequest("Admin", { user: "ada", expires_in_days: 7 });
  const response = await app.request("/api/tokens", init);
  assert.equal(response.status, 201);
  assert.deepEqual(await response.json(), { token: "drls_abcdef", ...TOKEN });
  assert.equal(response.headers.get("cache-control"), "no-store");
});

Deno.test("GET /api/tokens narrows to a user", async () => {
  let seen: unknown = null;
  const app = setup({
    listTokens: (_, input) => {
      seen = input;
      return Promise.resolve({ tokens: [TOKEN] });
    },
  });
  const response = await app.request("/api/tokens?user=ada&limit=5", { headers: as("Admin") });
  assert.equal(response.status, 200);
  assert.deepEqual(seen, { limit: 5, cursor: null, user: "ada" });
  assert.ok(!JSON.stringify(await response.json()).includes("secret"));
});

Deno.test("DELETE /api/tokens/{token_id} revokes the token that the path names", async () => {
  let seen: unknown = null;
  const app = setup({
    revokeToken: (_, input) => {
      seen = input;
      return Promise.resolve({ ...TOKEN, revoked_at: "2026-01-01T00:00:00.000Z" });
    },
  });
  const init = { method: "DELETE", headers: as("Admin") };
  const response = await app.request("/api/tokens/tok_1", init);
  assert.equal(response.status, 200);
  assert.notEqual((await response.json()).revoked_at, null);
  assert.deepEqual(seen, { id: "tok_1" });
});

Deno.test("POST /api/session sets a cookie that scripts and other sites cannot use", async () => {
  const app = setup({});
  const response = await app.request("http://localhost/api/session", {
    method: "POST",
    headers: as("DataEngineer", { origin: "http://localhost" }),
  });
  assert.equal(response.status, 201);
  const cookie = response.headers.get("set-cookie") ?? "";
  assert.match(cookie, new RegExp(`^drls_session=${TOKENS.DataEngineer};`));
  for (const part of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"]) {
    assert.ok(cookie.includes(part), `${part} in ${cookie}`);
  }
  assert.ok(!cookie.includes("Secure"));
  const body = await response.json();
  assert.deepEqual(body, {
    principal: "DataEngineer",
    role: "DataEngineer",
    expires_at: "2026-01-01T08:00:00.000Z",
  });
});

Deno.test("POST /api/session binds the session to the page's origin", async () => {
  const origins: string[] = [];
  const app = setup({
    createSession: (_, { origin }) => {
      origins.push(origin);
      return Promise.resolve({ secret: new Secret("s"), expiresAtMs: Date.UTC(2026, 0, 2) });
    },
  });
  const init = (origin?: string) => ({
    method: "POST",
    headers: as("Admin", origin === undefined ? {} : { origin }),
  });
  const secure = await app.request("/api/session", init("https://lake.example.com"));
  await app.request("http://127.0.0.1:3000/api/session", init());
  assert.deepEqual(origins, ["https://lake.example.com", "http://127.0.0.1:3000"]);
  assert.match(
    secure.headers.get("set-cookie") ?? "",
    /^__Host-drls_session=s; .*Path=\/; .*Secure/,
  );
});

Deno.test("a browser signs in, reads with the cookie and signs out", async () => {
  const app = setup({});
  const signIn = await app.request("/api/session", { method: "POST", headers: as("Auditor") });
  const [cookie = ""] = (signIn.headers.get("set-cookie") ?? "").split(";");
  assert.equal((await app.request("/api/docs", { headers: { cookie } })).status, 200);
  const signOut = await app.request("/api/session", {
    method: "DELETE",
    headers: { cookie, origin: "http://localhost" },
  });
  assert.equal(signOut.status, 204);
  assert.match(signOut.headers.get("set-cookie") ?? "", /^drls_session=; Max-Age=0/);
});

Deno.test("POST /api/session/ticket gives a ticket for one WebSocket", async () => {
  const init = { method: "POST", headers: as("Auditor") };
  const response = await setup({}).request("/api/session/ticket", init);
  assert.equal(response.status, 201);
  assert.deepEqual(await response.json(), {
    ticket: "ticket-1",
    expires_at: "2026-01-01T08:00:00.000Z",
  });
});

Deno.test("GET /api/audit passes filter and page", async () => {
  let seen: unknown = null;
  const app = setup({
    listAudit: (_, input) => {
      seen = input;
      return Promise.resolve({ entries: [] });
    },
  });
  const headers = as("LeadDataEngineer");
  const query = "principal=ada&action=token.create&since=2026-01-01T00:00:00Z&limit=3";
  const response = await app.request(`/api/audit?${query}`, { headers });
  assert.equal(response.status, 200);
  assert.deepEqual(seen, {
    limit: 3,
    cursor: null,
    filter: { principal: "ada", action: "token.create", since: "2026-01-01T00:00:00Z" },
  });
  assert.equal((await app.request("/api/audit?since=now", { headers })).status, 422);
});
