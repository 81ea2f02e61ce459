import assert from "node:assert/strict";
import { join } from "node:path";
import { DEFAULT_TOKEN_DAYS } from "../../lib/access/mod.ts";
import { MAX_LIVE_TOKENS_PER_USER } from "../../lib/access/create_token.ts";
import { ORIGIN, withAccess } from "../support/access_fixture.ts";
import { rejectsWith } from "../support/rejects.ts";

const PAGE = { limit: 1000, cursor: null };
const DAY_MS = 24 * 60 * 60_000;

Deno.test("createToken() answers the secret once, and lists show only how it begins", () =>
  withAccess(async ({ access, local, clock }) => {
    await access.createUser(local, { name: "alice", role: "Auditor" });
    const { token, secret } = await access.createToken(local, { user: "alice", name: "laptop" });
    assert.equal(token.prefix, secret.reveal().slice(0, 12));
    assert.deepEqual([token.user, token.name, token.created_by], [
      "alice",
      "laptop",
      "local operator",
    ]);
    assert.equal(Date.parse(token.expires_at ?? ""), clock.now() + DEFAULT_TOKEN_DAYS * DAY_MS);
    const list = await access.listTokens(local, PAGE);
    assert.deepEqual(list, { tokens: [token] });
    assert.equal(JSON.stringify(list).includes(secret.reveal().slice(12)), false);
  }));

Deno.test("no secret is stored in clear: tokens, sessions, tickets, the audit", () =>
  withAccess(async ({ access, createCaller, dataDir }) => {
    const { secret, ctx } = await createCaller("alice", "Admin");
    const session = await access.createSession(ctx, { origin: ORIGIN });
    const ticket = await access.createTicket(ctx, { origin: ORIGIN });
    let bytes = 0;
    for (const name of ["state.db", "state.db-wal"]) {
      const content = new TextDecoder("latin1").decode(await Deno.readFile(join(dataDir, name)));
      bytes += content.length;
      for (const hidden of [secret, session.secret.reveal(), ticket.secret.reveal()]) {
        assert.equal(content.includes(hidden), false, name);
        // Nor what follows the prefix that lists show.
        assert.equal(content.includes(hidden.slice(12)), false, name);
      }
    }
    // What is looked for would be found: the shown prefix and the user's name are there.
    const all = new TextDecoder("latin1").decode(
      await Deno.readFile(join(dataDir, "state.db-wal")),
    );
    assert.ok(bytes > 0 && all.includes(secret.slice(0, 12)) && all.includes("alice"));
  }));

Deno.test("createToken() takes a lifetime in days, or none at all", () =>
  withAccess(async ({ access, local, clock }) => {
    await access.createUser(local, { name: "alice", role: "Auditor" });
    const half = await access.createToken(local, { user: "alice", expires_in_days: 0.5 });
    assert.equal(Date.parse(half.token.expires_at ?? ""), clock.now() + DAY_MS / 2);
    const endless = await access.createToken(local, { user: "alice", expires_in_days: null });
    assert.equal(endless.token.expires_at, null);
    for (const days of [0, -1, 3651, NaN, Infinity]) {
      const creating = access.createToken(local, { user: "alice", expires_in_days: days });
      const error = await rejectsWith(creating, { kind: "invalid", code: "invalid_input" });
      assert.deepEqual(error.issues.map(({ path }) => path), ["expires_in_days"]);
    }
  }));

Deno.test("createToken() refuses names that would act on the terminal that shows them", () =>
  withAccess(async ({ access, local }) => {
    await access.createUser(local, { name: "alice", role: "Auditor" });
    for (const name of ["a\u001b[31mb", "a\nb", "a\u009bb", "a\u0000b"]) {
      const creating = access.createToken(local, { user: "alice", name });
      const error = await rejectsWith(creating, { kind: "invalid", code: "invalid_input" });
      assert.deepEqual(error.issues.map(({ path }) => path), ["name"]);
    }
    await access.createToken(local, { user: "alice", name: "Zoë's laptop 💻" });
  }));

Deno.test("createToken() refuses unknown and disabled users", () =>
  withAccess(async ({ access, local }) => {
    const unknown = access.createToken(local, { user: "nobody" });
    await rejectsWith(unknown, { kind: "not_found", code: "user_not_found" });
    await access.createUser(local, { name: "alice", role: "Auditor" });
    await access.createUser(local, { name: "root", role: "Admin" });
    await access.updateUser(local, { name: "alice", disabled: true });
    const disabled = access.createToken(local, { user: "alice" });
    await rejectsWith(disabled, { kind: "conflict", code: "user_disabled" });
  }));

Deno.test("createToken() keeps to the bound of live tokens; revoked ones make room", () =>
  withAccess(async ({ access, local }) => {
    await access.createUser(local, { name: "alice", role: "Auditor" });
    const create = () => access.createToken(local, { user: "alice" });
    const first = await create();
    for (let i = 1; i < MAX_LIVE_TOKENS_PER_USER; i++) await create();
    await rejectsWith(create(), { kind: "conflict", code: "too_many_tokens" });
    await access.revokeToken(local, { id: first.token.id });
    await create();
  }));

Deno.test("listTokens() narrows to a user and pages, newest first", () =>
  withAccess(async ({ access, local }) => {
    for (const name of ["alice", "bob"]) {
      await access.createUser(local, { name, role: "Auditor" });
      for (const label of ["1", "2", "3"]) {
        await access.createToken(local, { user: name, name: label });
      }
    }
    const first = await access.listTokens(local, { limit: 2, cursor: null, user: "alice" });
    assert.deepEqual(first.tokens.map(({ user, name }) => [user, name]), [
      ["alice", "3"],
      ["alice", "2"],
    ]);
    const cursor = first.next_cursor ?? assert.fail("there is a next page");
    const second = await access.listTokens(local, { limit: 2, cursor, user: "alice" });
    assert.deepEqual(second.tokens.map(({ name }) => name), ["1"]);
    assert.equal(second.next_cursor, undefined);
    assert.equal((await access.listTokens(local, PAGE)).tokens.length, 6);
  }));

Deno.test("revokeToken() takes effect at once and twice is no error", () =>
  withAccess(async ({ access, local, createCaller, bearer, clock }) => {
    const { secret, tokenId } = await createCaller("alice", "Auditor");
    const revoked = await access.revokeToken(local, { id: tokenId });
    assert.equal(revoked.revoked_at, new Date(clock.now()).toISOString());
    await rejectsWith(bearer(secret), { kind: "unauthenticated", code: "token_revoked" });
    clock.advance(1_000);
    assert.deepEqual(await access.revokeToken(local, { id: tokenId }), revoked);
    const filter = { action: "token.revoke" };
    assert.equal((await access.listAudit(local, { ...PAGE, filter })).entries.length, 1);
  }));

Deno.test("revokeToken() does not know tokens that are not there", () =>
  withAccess(async ({ access, local }) => {
    const revoking = access.revokeToken(local, { id: "tok_none" });
    await rejectsWith(revoking, { kind: "not_found", code: "token_not_found" });
  }));
