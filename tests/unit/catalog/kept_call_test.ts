import assert from "node:assert/strict";
import { KeptCall } from "../../../lib/catalog/_kept_call.ts";

/** Answers that count the calls, made when the test says so; time is the test's. */
function counting(freshMs: number) {
  const world = { nowMs: 0, calls: 0, gate: Promise.resolve(), fails: false };
  const kept = new KeptCall(async () => {
    const call = ++world.calls;
    await world.gate;
    if (world.fails) throw new Error("away");
    return call;
  }, { freshMs, now: () => world.nowMs });
  return { world, kept };
}

/** Until everything that can go on has. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("call() keeps nothing where answers may not be old", async () => {
  const { kept } = counting(0);
  assert.deepEqual([await kept.call(), await kept.call()], [1, 2]);
});

Deno.test("call() gives a young answer out again", async () => {
  const { kept, world } = counting(1_000);
  assert.equal(await kept.call(), 1);
  world.nowMs = 249;
  assert.equal(await kept.call(), 1);
  assert.equal(world.calls, 1);
});

Deno.test("call() gives an older answer out while the next is made, once", async () => {
  const { kept, world } = counting(1_000);
  await kept.call();
  const gate = Promise.withResolvers<void>();
  world.gate = gate.promise;
  world.nowMs = 300;
  assert.deepEqual([await kept.call(), await kept.call()], [1, 1]);
  await settle();
  assert.equal(world.calls, 2);
  gate.resolve();
  await settle();
  assert.equal(await kept.call(), 2);
});

Deno.test("call() waits where the answer is too old, counted from when it was begun", async () => {
  const { kept, world } = counting(1_000);
  await kept.call();
  world.nowMs = 1_000;
  assert.equal(await kept.call(), 2);
});

Deno.test("forget() makes the next caller wait, and an answer on its way worthless", async () => {
  const { kept, world } = counting(1_000);
  const gate = Promise.withResolvers<void>();
  world.gate = gate.promise;
  const before = kept.call();
  await settle();
  kept.forget();
  gate.resolve();
  assert.equal(await before, 1);
  assert.equal(await kept.call(), 2);
});

Deno.test("call() tells what is wrong once the answer made behind its back has failed", async () => {
  const { kept, world } = counting(1_000);
  await kept.call();
  world.fails = true;
  world.nowMs = 300;
  assert.equal(await kept.call(), 1);
  await settle();
  await assert.rejects(kept.call(), /away/);
});
