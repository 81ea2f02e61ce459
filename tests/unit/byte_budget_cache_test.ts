import assert from "node:assert/strict";
import { ByteBudgetCache } from "../../lib/byte_budget_cache.ts";

const sized = (value: string, bytes: number) => () => Promise.resolve({ value, bytes });

Deno.test("getOrLoad() loads a key once and returns it from memory afterwards", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  assert.equal(await cache.getOrLoad("a", sized("first", 4)), "first");
  assert.equal(await cache.getOrLoad("a", sized("second", 4)), "first");
  assert.deepEqual(cache.stats(), { entries: 1, usedBytes: 4, maxBytes: 10, hits: 1, misses: 1 });
});

Deno.test("getOrLoad() evicts the least recently used value once the budget is exceeded", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  await cache.getOrLoad("a", sized("a", 4));
  await cache.getOrLoad("b", sized("b", 4));
  await cache.getOrLoad("a", sized("never", 4));
  await cache.getOrLoad("c", sized("c", 4));
  assert.equal(await cache.getOrLoad("a", sized("reloaded", 4)), "a");
  assert.equal(await cache.getOrLoad("b", sized("reloaded", 4)), "reloaded");
  assert.ok(cache.stats().usedBytes <= 10);
});

Deno.test("getOrLoad() does not keep a value larger than the whole budget", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  await cache.getOrLoad("small", sized("small", 6));
  assert.equal(await cache.getOrLoad("huge", sized("huge", 11)), "huge");
  assert.deepEqual({ entries: 1, usedBytes: 6 }, {
    entries: cache.stats().entries,
    usedBytes: cache.stats().usedBytes,
  });
});

Deno.test("getOrLoad() shares one load among concurrent callers", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  let loads = 0;
  const load = async () => {
    await Promise.resolve();
    return { value: ++loads, bytes: 1 };
  };
  const values = await Promise.all([1, 2, 3].map(() => cache.getOrLoad("k", load)));
  assert.deepEqual(values, [1, 1, 1]);
});

Deno.test("getOrLoad() does not remember a failed load", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  await assert.rejects(cache.getOrLoad("k", () => Promise.reject(new Error("down"))), /down/);
  assert.equal(await cache.getOrLoad("k", sized("up", 1)), "up");
});

Deno.test("getOrLoad() lets an aborted caller go and finishes the load for the others", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  const { promise, resolve } = Promise.withResolvers<{ value: string; bytes: number }>();
  let loadSignal: AbortSignal | undefined;
  const load = (signal: AbortSignal) => {
    loadSignal = signal;
    return promise;
  };
  const impatient = new AbortController();
  const gone = cache.getOrLoad("k", load, impatient.signal);
  const patient = cache.getOrLoad("k", load);
  impatient.abort(new Error("too slow"));
  await assert.rejects(gone, { code: "cancelled" });
  assert.equal(loadSignal?.aborted, false);
  resolve({ value: "loaded", bytes: 1 });
  assert.equal(await patient, "loaded");
});

Deno.test("getOrLoad() aborts a load that nobody waits for and starts afresh for the next", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  const signals: AbortSignal[] = [];
  const never = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<never>((_, reject) => signal.addEventListener("abort", reject));
  };
  const controller = new AbortController();
  const waiting = cache.getOrLoad("k", never, controller.signal);
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, { code: "cancelled" });
  assert.equal(signals[0]?.aborted, true);
  assert.equal(await cache.getOrLoad("k", sized("second try", 1)), "second try");
});

Deno.test("getOrLoad() rejects a caller that is already aborted without loading", async () => {
  const cache = new ByteBudgetCache({ maxBytes: 10 });
  const signal = AbortSignal.abort(new Error("before"));
  await assert.rejects(cache.getOrLoad("k", sized("never", 1), signal), { code: "cancelled" });
  assert.equal(cache.stats().misses, 0);
});
