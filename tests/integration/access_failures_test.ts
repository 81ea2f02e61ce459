import assert from "node:assert/strict";
import { FAILURE_BURST, FAILURE_INTERVAL_MS } from "../../lib/access/failure_limit.ts";
import { Secret } from "../../lib/secret.ts";
import { HeldClock, ORIGIN, withAccess } from "../support/access_fixture.ts";
import { TestProvider } from "../support/jwks.ts";
import { rejectsWith } from "../support/rejects.ts";

const REFUSED = { kind: "unauthenticated", code: "invalid_token" } as const;
const LIMITED = { kind: "rate_limited", code: "too_many_failures" } as const;

Deno.test("too many failures of an address answer 429, and waiting as told helps", () =>
  withAccess(async ({ bearer, clock }) => {
    for (let i = 0; i < FAILURE_BURST; i++) await rejectsWith(bearer(`guess-${i}`), REFUSED);
    const error = await rejectsWith(bearer("guess"), LIMITED);
    assert.equal(error.retryAfterSeconds, FAILURE_INTERVAL_MS / 1000);
    clock.advance(FAILURE_INTERVAL_MS);
    await rejectsWith(bearer("guess"), REFUSED);
  }));

Deno.test("a token that an operator made up is not told apart from guesses while the limit lasts", () =>
  withAccess(async ({ access, bearer, clock }) => {
    const secret = "change-me-please-1234";
    await access.bootstrap({ token: new Secret(secret) });
    await bearer(secret);
    for (let i = 0; i < FAILURE_BURST; i++) await rejectsWith(bearer(`guess-${i}`), REFUSED);
    await rejectsWith(bearer(secret), LIMITED);
    await access.authenticateBearer({ credential: secret, clientAddress: "198.51.100.1" });
    clock.advance(FAILURE_INTERVAL_MS);
    await bearer(secret);
  }));

Deno.test("valid credentials pass from an address that is over its limit, and other addresses are", () =>
  withAccess(async ({ access, bearer, createCaller }) => {
    const { secret } = await createCaller("alice", "Auditor");
    for (let i = 0; i < FAILURE_BURST; i++) await rejectsWith(bearer("guess"), REFUSED);
    await rejectsWith(bearer("guess"), LIMITED);
    await bearer(secret);
    const elsewhere = { credential: "guess", clientAddress: "198.51.100.1" };
    await rejectsWith(access.authenticateBearer(elsewhere), REFUSED);
  }));

Deno.test("too many failures of one token's prefix answer 429 from whatever address", () =>
  withAccess(async ({ access, createCaller }) => {
    const { secret } = await createCaller("alice", "Auditor");
    const guess = (index: number) =>
      access.authenticateBearer({
        credential: secret.slice(0, 12) + String(index).padStart(36, "x"),
        clientAddress: `203.0.113.${index}`,
      });
    for (let i = 0; i < FAILURE_BURST; i++) await rejectsWith(guess(i), REFUSED);
    await rejectsWith(guess(FAILURE_BURST), LIMITED);
    await access.authenticateBearer({ credential: secret, clientAddress: "203.0.113.99" });
  }));

Deno.test("guessed sessions and tickets count as failures too", () =>
  withAccess(async ({ access }) => {
    const clientAddress = "192.0.2.7";
    const use = (index: number) => {
      const input = { secret: `guess-${index}`, origin: ORIGIN, clientAddress };
      return index % 2 === 0 ? access.authenticateSession(input) : access.redeemTicket(input);
    };
    for (let i = 0; i < FAILURE_BURST; i++) {
      const code = i % 2 === 0 ? "invalid_session" : "invalid_ticket";
      await rejectsWith(use(i), { kind: "unauthenticated", code });
    }
    await rejectsWith(use(0), LIMITED);
    await rejectsWith(use(1), LIMITED);
  }));

Deno.test("an identity provider that is down is nobody's failure", async () => {
  const provider = await TestProvider.create(new HeldClock());
  provider.serve = () => new Response("", { status: 500 });
  await withAccess(async ({ bearer }) => {
    const token = await provider.sign();
    for (let i = 0; i <= FAILURE_BURST; i++) {
      await rejectsWith(bearer(token), { kind: "unavailable", code: "jwks_unavailable" });
    }
    await rejectsWith(bearer("guess"), REFUSED);
  }, { jwt: provider.verifier() });
});
