import assert from "node:assert/strict";
import { createProbe } from "../../lib/probe.ts";

function setup(check: (signal: AbortSignal) => Promise<void>) {
  let now = 0;
  let calls = 0;
  const failures: unknown[] = [];
  const probe = createProbe({
    check: (signal) => {
      calls++;
      return check(signal);
    },
    timeoutMs: 20,
    freshMs: 1000,
    clock: { now: () => now },
    onFailure: (error) => failures.push(error),
  });
  return { probe, failures, calls: () => calls, pass: (ms: number) => now += ms };
}

Deno.test("a probe is true while its check passes", async () => {
  const { probe, failures } = setup(() => Promise.resolve());
  assert.equal(await probe(), true);
  assert.deepEqual(failures, []);
});

Deno.test("a probe is false when its check fails, and tells why", async () => {
  const error = new Error("away");
  const { probe, failures } = setup(() => Promise.reject(error));
  assert.equal(await probe(), false);
  assert.deepEqual(failures, [error]);
});

Deno.test("a probe is false when its check throws before it waits", async () => {
  const { probe } = setup(() => {
    throw new TypeError("bug");
  });
  assert.equal(await probe(), false);
});

Deno.test("a probe gives up on a check that hangs, and aborts it", async () => {
  let aborted = false;
  const { probe, failures } = setup((signal) => {
    signal.addEventListener("abort", () => aborted = true);
    return new Promise(() => {});
  });
  assert.equal(await probe(), false);
  assert.ok(aborted);
  assert.match(String(failures[0]), /No answer in 20 ms/);
});

Deno.test("all who ask at once share one check", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { probe, calls } = setup(() => promise);
  const answers = [probe(), probe(), probe()];
  resolve();
  assert.deepEqual(await Promise.all(answers), [true, true, true]);
  assert.equal(calls(), 1);
});

Deno.test("a result stands for its time, good or bad", async () => {
  let up = true;
  const { probe, calls, pass } = setup(() => up ? Promise.resolve() : Promise.reject(new Error()));
  assert.equal(await probe(), true);
  up = false;
  pass(999);
  assert.equal(await probe(), true);
  pass(1);
  assert.equal(await probe(), false);
  up = true;
  assert.equal(await probe(), false);
  assert.equal(calls(), 2);
});

Deno.test("a check that fails after its deadline is no unhandled rejection", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const { probe, failures } = setup(() => promise);
  assert.equal(await probe(), false);
  reject(new Error("late"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(failures.length, 1);
});
