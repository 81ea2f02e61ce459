/** Every route x every kind of credential, over the real access verbs. */
import assert from "node:assert/strict";
import { type Role, roleIncludes, ROLES } from "../../lib/access/mod.ts";
import { documentedStatuses } from "../../routes/_document.ts";
import { Problem } from "../../routes/_problem.ts";
import { ROUTES } from "../../routes/mod.ts";
import { acceptableRequest } from "../support/route_requests.ts";
import { CONFIGURATION_ANSWERS } from "../support/configuration_answers.ts";
import { createServerFixture, type ServerFixture } from "../support/server_fixture.ts";
import { TABLE_ANSWERS } from "../support/table_answers.ts";

/** A credential, and the role it gives; null where it gives none. */
interface Caller {
  readonly name: string;
  readonly headers: Record<string, string>;
  readonly role: Role | null;
  /** The code of the refusal, where the credential itself is refused. */
  readonly refusal?: { readonly status: number; readonly code: RegExp };
}

const REFUSED = { status: 401, code: /^(?!internal)/ };
const DAY_MS = 86_400_000;
const LAPSE_MS = 3_600_000;

async function newToken(server: ServerFixture, user: string, days: number | null = null) {
  const input = { user, expires_in_days: days };
  const { token, secret } = await server.access.createToken(server.operator, input);
  return { id: token.id, headers: { authorization: `Bearer ${secret.reveal()}` } };
}

async function createCallers(server: ServerFixture): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  for (const role of ROLES) {
    await server.access.createUser(server.operator, { name: role.toLowerCase(), role });
    const token = await newToken(server, role.toLowerCase());
    callers.push({ name: `token of ${role}`, headers: token.headers, role });
    const jwt = await server.signJwt({ role, expiresAt: new Date(Date.now() + 30 * DAY_MS) });
    callers.push({ name: `JWT of ${role}`, headers: { authorization: `Bearer ${jwt}` }, role });
  }
  const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` });
  const revoked = await newToken(server, "admin");
  await server.access.revokeToken(server.operator, { id: revoked.id });
  await server.access.createUser(server.operator, { name: "gone", role: "Admin" });
  const disabled = await newToken(server, "gone");
  await server.access.updateUser(server.operator, { name: "gone", disabled: true });
  const expired = await newToken(server, "admin", 1);
  server.passTime(2 * DAY_MS);
  const past = new Date(Date.now() - DAY_MS);
  const refused = (name: string, headers: Record<string, string>) => {
    callers.push({ name, headers, role: null, refusal: REFUSED });
  };
  refused("no credentials", {});
  refused("revoked token", revoked.headers);
  refused("token of a disabled user", disabled.headers);
  refused("expired token", expired.headers);
  refused("forged token", bearer(`drls_${"A".repeat(43)}`));
  refused("empty bearer", { authorization: "Bearer " });
  refused("expired JWT", bearer(await server.signJwt({ role: "Admin", expiresAt: past })));
  refused("forged JWT", bearer(await server.signJwt({ role: "Admin", forged: true })));
  refused("unsigned JWT", bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwicm9sZSI6IkFkbWluIn0."));
  const cookie = `drls_session=drss_${"A".repeat(43)}`;
  refused("forged session", { cookie, origin: "http://localhost" });
  callers.push({
    name: "JWT without a role",
    headers: bearer(await server.signJwt({ expiresAt: new Date(Date.now() + 30 * DAY_MS) })),
    role: null,
    refusal: { status: 403, code: /./ },
  });
  return callers;
}

Deno.test("every route answers every kind of credential as documented", async (t) => {
  await using server = await createServerFixture({
    tables: TABLE_ANSWERS,
    configuration: CONFIGURATION_ANSWERS,
  });
  const callers = await createCallers(server);
  await server.access.createUser(server.operator, { name: "subject", role: "Auditor" });
  const { id: tokenId } = await newToken(server, "subject");
  for (const route of ROUTES) {
    await t.step(`${route.method} ${route.path}`, async () => {
      // Failures count for each secret too: let those of the last route lapse.
      server.passTime(LAPSE_MS);
      for (const caller of callers) {
        const request = acceptableRequest(route, { userName: "subject", tokenId });
        const response = await server.send(request.path, {
          method: request.method,
          headers: { ...caller.headers, ...request.headers },
          ...(request.body === undefined ? {} : { body: request.body }),
        });
        const allowed = route.role === "public" ||
          (caller.role !== null && roleIncludes(caller.role, route.role));
        // Whoever may watch has still to ask for a socket; `monitor_test.ts` does.
        const success = route.answer.status === 101 ? 426 : route.answer.status;
        const expected = allowed ? success : caller.refusal?.status ?? 403;
        const text = await response.text();
        assert.equal(response.status, expected, `${caller.name}: ${text}`);
        assert.ok(documentedStatuses(route).has(response.status), `${caller.name} is documented`);
        if (allowed && response.ok) {
          if (route.answer.schema !== undefined) route.answer.schema.parse(JSON.parse(text));
        } else {
          const problem = Problem.parse(JSON.parse(text));
          assert.equal(response.headers.has("www-authenticate"), expected === 401);
          if (allowed) assert.equal(problem.code, "upgrade_required");
          else if (caller.refusal === undefined) assert.equal(problem.code, "role_required");
          else assert.match(problem.code, caller.refusal.code);
        }
      }
    });
  }
});

Deno.test("too many failures from one address are 429, and others are not locked out", async () => {
  await using server = await createServerFixture({
    tables: TABLE_ANSWERS,
    configuration: CONFIGURATION_ANSWERS,
  });
  await server.access.createUser(server.operator, { name: "ada", role: "Auditor" });
  const { headers } = await newToken(server, "ada");
  let limited: Response | null = null;
  for (let i = 0; i < 200 && limited === null; i++) {
    const forged = { authorization: `Bearer drls_${String(i).padStart(43, "A")}` };
    const response = await server.sendFrom("10.9.9.9", "/api/tables", { headers: forged });
    if (response.status === 429) limited = response;
    else assert.equal(response.status, 401);
    await response.body?.cancel();
  }
  assert.ok(limited !== null, "200 failures in a row were not limited");
  assert.ok(Number(limited.headers.get("retry-after")) > 0);
  const other = await server.sendFrom("10.9.9.8", "/api/tables", { headers });
  assert.equal(other.status, 200);
});

Deno.test("a browser's session reads from its own origin and ends when it signs out", async () => {
  await using server = await createServerFixture({
    tables: TABLE_ANSWERS,
    configuration: CONFIGURATION_ANSWERS,
  });
  await server.access.createUser(server.operator, { name: "ada", role: "Auditor" });
  const { headers } = await newToken(server, "ada");
  const origin = "http://localhost";
  const signIn = await server.send("/api/session", {
    method: "POST",
    headers: { ...headers, origin },
  });
  assert.equal(signIn.status, 201);
  const [cookie = ""] = (signIn.headers.get("set-cookie") ?? "").split(";");
  const status = async (path: string, init: RequestInit) => (await server.send(path, init)).status;
  assert.equal(await status("/api/tables", { headers: { cookie } }), 200);
  const evil = { cookie, origin: "https://evil.example.com" };
  assert.equal(await status("/api/tables", { headers: evil }), 401);
  assert.equal(await status("/api/session", { method: "DELETE", headers: { cookie } }), 403);
  assert.equal(
    await status("/api/session", { method: "DELETE", headers: { cookie, origin } }),
    204,
  );
  assert.equal(await status("/api/tables", { headers: { cookie } }), 401);
});

Deno.test("what an Admin does over HTTP is in the audit under the request's id", async () => {
  await using server = await createServerFixture({
    tables: TABLE_ANSWERS,
    configuration: CONFIGURATION_ANSWERS,
  });
  await server.access.createUser(server.operator, { name: "root", role: "Admin" });
  const { headers } = await newToken(server, "root");
  const json = { ...headers, "content-type": "application/json" };
  const made = await server.send("/api/users", {
    method: "POST",
    headers: { ...json, "x-request-id": "req-42" },
    body: JSON.stringify({ name: "eve", role: "DataEngineer" }),
  });
  assert.equal(made.status, 201);
  const taken = await server.send("/api/users", {
    method: "POST",
    headers: json,
    body: JSON.stringify({ name: "eve", role: "Auditor" }),
  });
  assert.equal(taken.status, 409);
  const token = await server.send("/api/tokens", {
    method: "POST",
    headers: json,
    body: JSON.stringify({ user: "eve" }),
  });
  const secret = (await token.json()).token;
  const audit = await server.send("/api/audit?action=user.create", { headers });
  const { entries } = await audit.json();
  const entry = entries.find((e: { request_id: string }) => e.request_id === "req-42");
  assert.equal(entry.principal, "root");
  assert.equal(entry.after.name, "eve");
  assert.ok(!server.lines.join().includes(secret), "a token must not reach the log");
  const all = await (await server.send("/api/audit", { headers })).text();
  assert.ok(!all.includes(secret), "a token must not reach the audit");
});
