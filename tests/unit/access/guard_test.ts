import assert from "node:assert/strict";
import { guardFailures } from "../../../lib/access/_guard.ts";
import { refused } from "../../../lib/access/_refused.ts";
import { FAILURE_BURST, FailureLimit } from "../../../lib/access/failure_limit.ts";
import { rejectsWith } from "../../support/rejects.ts";

const REFUSED = { kind: "unauthenticated", code: "invalid_token" } as const;
const LIMITED = { kind: "rate_limited", code: "too_many_failures" } as const;

/** An address with a right credential under way, and as many failures as it may have. */
async function besideFailures(guessable: boolean): Promise<Promise<string>> {
  const limit = new FailureLimit({ clock: { now: () => 0 } });
  const options = { limit, clientAddress: "192.0.2.1", secret: "made-up", guessable };
  const { promise, resolve } = Promise.withResolvers<string>();
  const right = guardFailures(() => promise, options);
  for (let i = 0; i < FAILURE_BURST; i++) {
    const wrong = guardFailures(() => Promise.reject(refused("invalid_token")), options);
    await rejectsWith(wrong, REFUSED);
  }
  resolve("principal");
  return right;
}

Deno.test("guardFailures() tells no more of guesses sent side by side than of those sent in turn", async () => {
  await rejectsWith(besideFailures(true), LIMITED);
});

Deno.test("guardFailures() passes what cannot be guessed, whatever failed beside it", async () => {
  assert.equal(await besideFailures(false), "principal");
});

Deno.test("guardFailures() does not look a guess up while its address is over the limit", async () => {
  const limit = new FailureLimit({ clock: { now: () => 0 }, burst: 1 });
  const options = { limit, clientAddress: "192.0.2.1", secret: "made-up", guessable: true };
  let calls = 0;
  const guess = () => {
    calls++;
    return Promise.reject(refused("invalid_token"));
  };
  await rejectsWith(guardFailures(guess, options), REFUSED);
  await rejectsWith(guardFailures(guess, options), LIMITED);
  assert.equal(calls, 1);
});
