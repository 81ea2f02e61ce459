import assert from "node:assert/strict";
import { JWKS_FAILURE_PAUSE_MS, MAX_JWKS_BYTES } from "../../../lib/access/_jwks_fetch.ts";
import { HeldClock } from "../../support/access_fixture.ts";
import { type KeyServer, TestProvider } from "../../support/jwks.ts";
import { rejectsWith } from "../../support/rejects.ts";

const UNAVAILABLE = { kind: "unavailable", code: "jwks_unavailable" } as const;
const INVALID = { kind: "unauthenticated", code: "invalid_token" } as const;

Deno.test("verify() fetches the keys once for many tokens", async () => {
  const provider = await TestProvider.create(new HeldClock());
  const verifier = provider.verifier();
  const token = await provider.sign();
  await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
  await verifier.verify(await provider.sign({ subject: "user-2" }));
  assert.equal(provider.fetches, 1);
});

Deno.test("verify() does not fetch anew for every unknown key id that a caller makes up", async () => {
  const provider = await TestProvider.create(new HeldClock());
  const verifier = provider.verifier();
  await verifier.verify(await provider.sign());
  for (let i = 0; i < 20; i++) {
    await rejectsWith(verifier.verify(await provider.sign({ keyId: `made-up-${i}` })), INVALID);
  }
  assert.equal(provider.fetches, 1);
});

const FAILURES: Readonly<Record<string, KeyServer>> = {
  "a refused connection": () => Promise.reject(new TypeError("connection refused")),
  "an error status": () => new Response("{}", { status: 503 }),
  "a redirect": () => new Response(null, { status: 302, headers: { location: "http://x/" } }),
  "an answer that is no JSON": () => new Response("<html>"),
  "an answer that holds no keys": () => new Response('{"hello": 1}'),
  "an endless answer": () => new Response(endless()),
};

for (const [name, serve] of Object.entries(FAILURES)) {
  Deno.test(`verify() answers unavailable, not unauthenticated, for ${name}`, async () => {
    const provider = await TestProvider.create(new HeldClock());
    provider.serve = serve;
    const error = await rejectsWith(provider.verifier().verify(await provider.sign()), UNAVAILABLE);
    assert.equal(error.retryable, true);
    assert.ok((error.retryAfterSeconds ?? 0) > 0);
  });
}

Deno.test("verify() leaves a failing provider alone for a while, then recovers", async () => {
  const clock = new HeldClock();
  const provider = await TestProvider.create(clock);
  provider.serve = () => new Response("", { status: 500 });
  const verifier = provider.verifier();
  for (let i = 0; i < 10; i++) {
    await rejectsWith(verifier.verify(await provider.sign()), UNAVAILABLE);
  }
  assert.equal(provider.fetches, 1);
  provider.serve = (published) => new Response(published);
  clock.advance(JWKS_FAILURE_PAUSE_MS);
  const principal = await verifier.verify(await provider.sign());
  assert.equal(principal.role, "DataEngineer");
  assert.equal(provider.fetches, 2);
});

/** Twice the bound would take a while to notice; without a bound it would never end. */
function endless(): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      sent += 64 * 1024;
      assert.ok(sent < 4 * MAX_JWKS_BYTES, "the answer was read beyond its bound");
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
    },
  });
}
