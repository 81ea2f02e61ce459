import assert from "node:assert/strict";
import { MAX_TICKETS_PER_PRINCIPAL, TICKET_LIFETIME_MS } from "../../lib/access/create_ticket.ts";
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

const SPENT = { kind: "unauthenticated", code: "invalid_ticket" } as const;

function redeem({ access }: AccessFixture, secret: string, origin = ORIGIN) {
  return access.redeemTicket({ secret, origin, clientAddress: CLIENT_ADDRESS });
}

Deno.test("redeemTicket() gives the principal once", () =>
  withAccess(async (fixture) => {
    const { ctx, principal, tokenId } = await fixture.createCaller("alice", "DataEngineer");
    const { secret, expiresAtMs } = await fixture.access.createTicket(ctx, { origin: ORIGIN });
    assert.equal(expiresAtMs, fixture.clock.now() + TICKET_LIFETIME_MS);
    assert.deepEqual(await redeem(fixture, secret.reveal()), {
      id: principal.id,
      name: "alice",
      role: "DataEngineer",
      credential: { kind: "ticket", grantedBy: { kind: "token", tokenId } },
    });
    await rejectsWith(redeem(fixture, secret.reveal()), SPENT);
  }));

Deno.test("redeemTicket() lets one of many win who present a ticket together", () =>
  withAccess(async (fixture) => {
    const { ctx } = await fixture.createCaller("alice", "Auditor");
    const { secret } = await fixture.access.createTicket(ctx, { origin: ORIGIN });
    const attempts = Array.from({ length: 9 }, () => redeem(fixture, secret.reveal()));
    const outcomes = await Promise.allSettled(attempts);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  }));

Deno.test("redeemTicket() refuses expired tickets, other origins and unknown ones", () =>
  withAccess(async (fixture) => {
    const { access, clock } = fixture;
    const { ctx } = await fixture.createCaller("alice", "Auditor");
    const late = await access.createTicket(ctx, { origin: ORIGIN });
    clock.advance(TICKET_LIFETIME_MS);
    await rejectsWith(redeem(fixture, late.secret.reveal()), SPENT);
    const seen = await access.createTicket(ctx, { origin: ORIGIN });
    await rejectsWith(redeem(fixture, seen.secret.reveal(), "https://evil.example.com"), SPENT);
    // Once seen by another origin it is worth nothing anywhere.
    await rejectsWith(redeem(fixture, seen.secret.reveal()), SPENT);
    await rejectsWith(redeem(fixture, "drst_unknown"), SPENT);
  }));

Deno.test("redeemTicket() takes neither API tokens nor sessions, and tickets are no bearers", () =>
  withAccess(async (fixture) => {
    const { access, bearer } = fixture;
    const { ctx, secret } = await fixture.createCaller("alice", "Auditor");
    await rejectsWith(redeem(fixture, secret), SPENT);
    const session = await access.createSession(ctx, { origin: ORIGIN });
    const ticket = await access.createTicket(ctx, { origin: ORIGIN });
    await rejectsWith(redeem(fixture, session.secret.reveal()), SPENT);
    const unknown = { kind: "unauthenticated", code: "invalid_token" } as const;
    await rejectsWith(bearer(session.secret.reveal()), unknown);
    await rejectsWith(bearer(ticket.secret.reveal()), unknown);
  }));

Deno.test("a ticket dies with the session it was granted to", () =>
  withAccess(async (fixture) => {
    const { access } = fixture;
    const { ctx } = await fixture.createCaller("alice", "Auditor");
    const { secret } = await access.createSession(ctx, { origin: ORIGIN });
    const origin = ORIGIN;
    const inSession = callBy(
      await access.authenticateSession({
        secret: secret.reveal(),
        origin,
        clientAddress: CLIENT_ADDRESS,
      }),
    );
    const used = await access.createTicket(inSession, { origin });
    const open = await redeem(fixture, used.secret.reveal());
    const unused = await access.createTicket(inSession, { origin });
    await access.logout(inSession);
    await rejectsWith(redeem(fixture, unused.secret.reveal()), SPENT);
    // A socket that is open already learns of it when it asks again.
    await rejectsWith(access.refresh(open), { kind: "unauthenticated", code: "invalid_session" });
  }));

Deno.test("a ticket dies with the token it was granted to", () =>
  withAccess(async (fixture) => {
    const { access, local } = fixture;
    const { ctx, tokenId } = await fixture.createCaller("alice", "Auditor");
    const open = await redeem(
      fixture,
      (await access.createTicket(ctx, { origin: ORIGIN })).secret.reveal(),
    );
    const unused = await access.createTicket(ctx, { origin: ORIGIN });
    await access.revokeToken(local, { id: tokenId });
    await rejectsWith(redeem(fixture, unused.secret.reveal()), SPENT);
    await rejectsWith(access.refresh(open), { kind: "unauthenticated", code: "token_revoked" });
  }));

Deno.test("a ticket of a JWT carries its principal while the JWT lasts", async () => {
  const provider = await TestProvider.create(new HeldClock());
  await withAccess(async (fixture) => {
    const { access, clock, bearer } = fixture;
    const ctx = callBy(await bearer(await provider.sign({ expiresIn: 60 })));
    const { secret } = await access.createTicket(ctx, { origin: ORIGIN });
    const principal = await redeem(fixture, secret.reveal());
    assert.deepEqual([principal.id, principal.role], [ctx.principal.id, "DataEngineer"]);
    assert.deepEqual(await access.refresh(principal), principal);
    clock.advance(60_000);
    await rejectsWith(access.refresh(principal), {
      kind: "unauthenticated",
      code: "token_expired",
    });
  }, { jwt: provider.verifier() });
});

Deno.test("createTicket() bounds the unspent tickets of a principal", () =>
  withAccess(async ({ access, createCaller, clock }) => {
    const { ctx } = await createCaller("alice", "Auditor");
    const create = () => access.createTicket(ctx, { origin: ORIGIN });
    for (let i = 0; i < MAX_TICKETS_PER_PRINCIPAL; i++) await create();
    const error = await rejectsWith(create(), { kind: "rate_limited", code: "too_many_tickets" });
    assert.equal(error.retryAfterSeconds, 30);
    clock.advance(TICKET_LIFETIME_MS);
    await create();
  }));
