import assert from "node:assert/strict";
import { join } from "node:path";
import { Secret } from "../../lib/secret.ts";
import { withAccess } from "../support/access_fixture.ts";
import { runStateChildren } from "../support/state_process.ts";

const PAGE = { limit: 1000, cursor: null };

Deno.test("bootstrap() creates an Admin with a token that does not expire, once", () =>
  withAccess(async ({ access, local, bearer }) => {
    const created = await access.bootstrap({ token: null });
    assert.deepEqual([created?.user, created?.generated], ["admin", true]);
    const principal = await bearer(created?.secret.reveal() ?? "");
    assert.deepEqual([principal.name, principal.role], ["admin", "Admin"]);
    assert.equal(await access.bootstrap({ token: null }), null);
    const { tokens } = await access.listTokens(local, PAGE);
    assert.deepEqual(tokens.map(({ expires_at }) => expires_at), [null]);
    const { entries } = await access.listAudit(local, { ...PAGE, filter: {} });
    assert.deepEqual(entries.map(({ action }) => action), ["token.create", "user.create"]);
  }));

Deno.test("bootstrap() takes the operator's token and shows nothing of it", () =>
  withAccess(async ({ access, local, bearer }) => {
    const token = "an-operator's-own-token";
    const created = await access.bootstrap({ token: new Secret(token) });
    assert.equal(created?.generated, false);
    assert.equal((await bearer(token)).role, "Admin");
    const list = await access.listTokens(local, PAGE);
    assert.deepEqual(list.tokens.map(({ prefix }) => prefix), [""]);
  }));

Deno.test("bootstrap() never happens again, whatever token is given and whoever was revoked", () =>
  withAccess(async ({ access, local, bearer }) => {
    const first = await access.bootstrap({ token: null });
    const { tokens } = await access.listTokens(local, PAGE);
    for (const { id } of tokens) await access.revokeToken(local, { id });
    assert.equal(await access.bootstrap({ token: new Secret("another-token-entirely") }), null);
    const refused = { message: "Cannot authenticate: the token was revoked" };
    await assert.rejects(bearer(first?.secret.reveal() ?? ""), refused);
    await assert.rejects(bearer("another-token-entirely"));
  }));

Deno.test("bootstrap() leaves a user alone that is already called admin", () =>
  withAccess(async ({ access, local }) => {
    await access.createUser(local, { name: "admin", role: "Auditor" });
    const created = await access.bootstrap({ token: null });
    assert.match(created?.user ?? "", /^admin-[0-9a-f]{8}$/);
    const { users } = await access.listUsers(local, PAGE);
    assert.deepEqual(users.map(({ role }) => role), ["Auditor", "Admin"]);
  }));

Deno.test("bootstrap() in several processes at once creates exactly one Admin token", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "drls-bootstrap-" });
  const url = `file:${join(dataDir, "state.db")}`;
  const outputs = await runStateChildren({ mode: "bootstrap", url }, 5);
  const secrets = outputs.filter((output) => output !== "nothing");
  assert.equal(secrets.length, 1, outputs.join(" | "));
  assert.match(secrets[0] ?? "", /^drls_[\w-]{43}$/);
  await Deno.remove(dataDir, { recursive: true });
});
