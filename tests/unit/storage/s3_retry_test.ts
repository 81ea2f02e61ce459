import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DEFAULT_RETRY_POLICY,
  delay,
  nextDelayMs,
  type RetryState,
} from "../../../lib/storage/_s3/retry.ts";
import { Semaphore } from "../../../lib/storage/_s3/semaphore.ts";
import { assertRejects } from "../../support/file_io_contract_subject.ts";

const POLICY = { maxAttempts: 4, baseDelayMs: 100, maxDelayMs: 250, totalMs: 1_000 };
const FRESH: RetryState = { attempts: 1, elapsedMs: 0, retryAfterMs: null };

function wait(state: Partial<RetryState>, random = 1 - Number.EPSILON): number | null {
  return nextDelayMs({ ...FRESH, ...state }, { policy: POLICY, random: () => random });
}

Deno.test("nextDelayMs() doubles its ceiling up to the bound, with full jitter", () => {
  assert.deepEqual([1, 2, 3].map((attempts) => Math.round(wait({ attempts }) ?? -1)), [
    100,
    200,
    250,
  ]);
  assert.equal(wait({ attempts: 3 }, 0), 0);
  assert.equal(wait({ attempts: 2 }, 0.5), 100);
});

Deno.test("nextDelayMs() gives up after the bound of attempts or of time", () => {
  assert.equal(wait({ attempts: 4 }), null);
  assert.equal(wait({ elapsedMs: 1_001 }, 0), null);
  assert.equal(wait({ elapsedMs: 950 }), null);
  assert.equal(wait({ elapsedMs: 1_000 }, 0), 0);
});

Deno.test("nextDelayMs() waits at least as long as the store asks", () => {
  assert.equal(wait({ retryAfterMs: 700 }, 0), 700);
  assert.equal(wait({ retryAfterMs: 1 }, 0.5), 50);
  assert.equal(wait({ retryAfterMs: 1_001 }, 0), null);
});

Deno.test("nextDelayMs() keeps every call within its bounds", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 10 }),
    fc.integer({ min: 0, max: 100_000 }),
    fc.option(fc.integer({ min: 0, max: 100_000 })),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    (attempts, elapsedMs, retryAfterMs, random) => {
      const state = { attempts, elapsedMs, retryAfterMs };
      const ms = nextDelayMs(state, { policy: DEFAULT_RETRY_POLICY, random: () => random });
      if (ms === null) return;
      assert.ok(attempts < DEFAULT_RETRY_POLICY.maxAttempts);
      assert.ok(ms >= 0 && elapsedMs + ms <= DEFAULT_RETRY_POLICY.totalMs);
    },
  ));
});

Deno.test("delay() ends with its signal and leaves no timer", async () => {
  const controller = new AbortController();
  const waiting = delay(60_000, controller.signal);
  controller.abort();
  await assertRejects(waiting, { kind: "cancelled" });
  assert.throws(() => delay(1, controller.signal));
  await delay(1, undefined);
});

Deno.test("Semaphore serves in order of arrival and never more than its permits", async () => {
  const semaphore = new Semaphore(2);
  const order: number[] = [];
  let underWay = 0;
  let most = 0;
  await Promise.all([1, 2, 3, 4, 5].map((id) =>
    semaphore.run(async () => {
      order.push(id);
      most = Math.max(most, ++underWay);
      await delay(2, undefined);
      underWay--;
    })
  ));
  assert.deepEqual(order, [1, 2, 3, 4, 5]);
  assert.equal(most, 2);
});

Deno.test("Semaphore gives its permit back after a failure", async () => {
  const semaphore = new Semaphore(1);
  await assert.rejects(semaphore.run(() => Promise.reject(new Error("boom"))), /boom/);
  assert.equal(await semaphore.run(() => Promise.resolve("next")), "next");
});

Deno.test("Semaphore forgets a caller that gave up waiting", async () => {
  const semaphore = new Semaphore(1);
  const gate = Promise.withResolvers<void>();
  const first = semaphore.run(() => gate.promise);
  const controller = new AbortController();
  const second = semaphore.run(() => Promise.resolve("never"), controller.signal);
  const third = semaphore.run(() => Promise.resolve("third"));
  controller.abort();
  await assertRejects(second, { kind: "cancelled" });
  gate.resolve();
  await first;
  assert.equal(await third, "third");
  assert.throws(() => new Semaphore(0), RangeError);
});
