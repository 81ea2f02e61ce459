import assert from "node:assert/strict";
import { SESSION_LIFETIME_MS } from "../../lib/access/mod.ts";
import { MAX_SESSIONS_PER_PRINCIPAL } from "../../lib/access/create_session.ts";
import {
  type AccessFixture,
  callBy,
  CLIENT_ADDRESS,
  HeldClock,
  ORIGIN,
  withAccess,
} from "../support/access_fixture.ts";
import { TestProvider } from "../support/jwks.ts";
import { rejectsWith } from "../support/rejects.ts";

const ENDED = { kind: "unauthenticated", code: "invalid_session" } as const;
const BEARER_REQUIRED = { kind: "forbidden", code: "bearer_required" } as const;

function session({ access }: AccessFixture, secret: string, origin = ORIGIN) {
  return access.authenticateSession({ secret, origin, clientAddress: CLIENT_ADDRESS });
}

Deno.test("createSession() starts a session with the principal's id, name and role", () =>
  withAccess(async (fixture) => {
    const { ctx, principal } = await fixture.createCaller("alice", "DataEngineer");
    const { secret, expiresAtMs } = await fixture.access.createSession(ctx, { origin: ORIGIN });
    assert.equal(expiresAtMs, fixture.clock.now() + SESSION_LIFETIME_MS);
    const { credential, ...rest } = await session(fixture, secret.reveal());
    assert.equal(credential.kind, "session");
    assert.deepEqual(rest, { id: principal.id, name: "alice", role: "DataEngineer" });
  }));

Deno.test("a session is of no use from another origin", () =>
  withAccess(async (fixture) => {
    const { ctx } = await fixture.createCaller("alice", "Auditor");
    const { secret } = await fixture.access.createSession(ctx, { origin: ORIGIN });
    for (const origin of ["https://evil.example.com", `${ORIGIN}:8443`, "null", ""]) {
      const using = session(fixture, secret.reveal(), origin);
      await rejectsWith(using, { kind: "unauthenticated", code: "wrong_origin" });
    }
    await session(fixture, secret.reveal());
  }));

Deno.test("createSession() refuses what is no origin", () =>
  withAccess(async ({ access, createCaller }) => {
    const { ctx } = await createCaller("alice", "Auditor");
    for (const origin of ["", "null", "drls.example.com", `${ORIGIN}/`, "file:///x", "http://"]) {
      const creating = access.createSession(ctx, { origin });
      await rejectsWith(creating, { kind: "invalid", code: "invalid_input" });
    }
  }));

Deno.test("a session ends with its lifetime, its token, its user and by logout", () =>
  withAccess(async (fixture) => {
    const { access, local, clock, createCaller } = fixture;
    await createCaller("root", "Admin");
    const alice = await createCaller("alice", "Auditor");
    const start = async () =>
      (await access.createSession(alice.ctx, { origin: ORIGIN })).secret.reveal();

    const outlived = await start();
    clock.advance(SESSION_LIFETIME_MS);
    await rejectsWith(session(fixture, outlived), ENDED);

    const left = await start();
    await access.logout(callBy(await session(fixture, left)));
    await rejectsWith(session(fixture, left), ENDED);

    const ofDisabled = await start();
    await access.updateUser(local, { name: "alice", disabled: true });
    await rejectsWith(session(fixture, ofDisabled), ENDED);
    await access.updateUser(local, { name: "alice", disabled: false });
    await rejectsWith(session(fixture, ofDisabled), ENDED);

    const ofRevoked = await start();
    await access.revokeToken(local, { id: alice.tokenId });
    await rejectsWith(session(fixture, ofRevoked), ENDED);
  }));

Deno.test("a session follows its user's role at once", () =>
  withAccess(async (fixture) => {
    const { access, local } = fixture;
    const { ctx } = await fixture.createCaller("alice", "LeadDataEngineer");
    const { secret } = await access.createSession(ctx, { origin: ORIGIN });
    const before = await session(fixture, secret.reveal());
    await access.updateUser(local, { name: "alice", role: "Auditor" });
    assert.equal((await session(fixture, secret.reveal())).role, "Auditor");
    assert.equal((await access.refresh(before)).role, "Auditor");
  }));

Deno.test("a session that a token started does not outlive the token", () =>
  withAccess(async (fixture) => {
    const { access, local, clock, bearer } = fixture;
    await access.createUser(local, { name: "alice", role: "Auditor" });
    const hour = { user: "alice", expires_in_days: 1 / 24 };
    const { secret: token } = await access.createToken(local, hour);
    const ctx = callBy(await bearer(token.reveal()));
    const { secret } = await access.createSession(ctx, { origin: ORIGIN });
    clock.advance(60 * 60_000);
    const expired = { kind: "unauthenticated", code: "token_expired" } as const;
    await rejectsWith(session(fixture, secret.reveal()), expired);
  }));

Deno.test("a session that a JWT started carries its principal and ends with the JWT", async () => {
  const provider = await TestProvider.create(new HeldClock());
  await withAccess(async (fixture) => {
    const { access, clock, bearer } = fixture;
    const principal = await bearer(await provider.sign({ expiresIn: 600 }));
    const granted = await access.createSession(callBy(principal), { origin: ORIGIN });
    assert.equal(granted.expiresAtMs, clock.now() + 600_000);
    const inSession = await session(fixture, granted.secret.reveal());
    assert.deepEqual([inSession.id, inSession.role], [principal.id, "DataEngineer"]);
    clock.advance(600_000);
    await rejectsWith(session(fixture, granted.secret.reveal()), ENDED);
  }, { jwt: provider.verifier() });
});

Deno.test("a JWT whose times have fractions of a second starts sessions and tickets too", async () => {
  const provider = await TestProvider.create(new HeldClock());
  await withAccess(async ({ access, bearer }) => {
    const principal = await bearer(await provider.sign({ expiresIn: 300.0005 }));
    const ctx = callBy(principal);
    assert.ok(Number.isInteger((await access.createSession(ctx, { origin: ORIGIN })).expiresAtMs));
    await access.createTicket(ctx, { origin: ORIGIN });
  }, { jwt: provider.verifier() });
});

Deno.test("createSession() needs a bearer: no session, ticket or local call starts one", () =>
  withAccess(async (fixture) => {
    const { access, local } = fixture;
    const { ctx } = await fixture.createCaller("alice", "Admin");
    const { secret } = await access.createSession(ctx, { origin: ORIGIN });
    const renewing = callBy(await session(fixture, secret.reveal()));
    await rejectsWith(access.createSession(renewing, { origin: ORIGIN }), BEARER_REQUIRED);
    await rejectsWith(access.createSession(local, { origin: ORIGIN }), BEARER_REQUIRED);
  }));

Deno.test("createSession() ends a principal's oldest session beyond the bound, nobody else's", () =>
  withAccess(async (fixture) => {
    const { access, clock, createCaller } = fixture;
    const alice = await createCaller("alice", "Auditor");
    const bob = await createCaller("bob", "Auditor");
    const ofBob = await access.createSession(bob.ctx, { origin: ORIGIN });
    const secrets: string[] = [];
    for (let i = 0; i <= MAX_SESSIONS_PER_PRINCIPAL; i++) {
      clock.advance(1);
      const { secret } = await access.createSession(alice.ctx, { origin: ORIGIN });
      secrets.push(secret.reveal());
    }
    const [oldest = "", ...rest] = secrets;
    await rejectsWith(session(fixture, oldest), ENDED);
    for (const secret of rest) await session(fixture, secret);
    await session(fixture, ofBob.secret.reveal());
  }));

Deno.test("logout() of a call without session is no error and leaves no audit row", () =>
  withAccess(async ({ access, local, createCaller }) => {
    const { ctx } = await createCaller("alice", "Auditor");
    await access.logout(ctx);
    const filter = { action: "session.end" };
    const { entries } = await access.listAudit(local, { limit: 10, cursor: null, filter });
    assert.deepEqual(entries, []);
  }));
