import assert from "node:assert/strict";
import { TickTurns } from "../../../lib/pipelines/_tick_turns.ts";

const never = new AbortController().signal;

/** Work that ends when it is told to. */
function work(turns: TickTurns, signal = never) {
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const done = turns.run(async () => {
    started.resolve();
    await gate.promise;
  }, signal);
  // Those that are to fail are looked at later.
  void Promise.allSettled([done]);
  return { done, started: started.promise, end: gate.resolve, fail: gate.reject };
}

Deno.test("as many work at a time as there are turns, in the order in which they asked", async () => {
  const turns = new TickTurns(2);
  const all = [work(turns), work(turns), work(turns), work(turns)];
  await Promise.all([all[0]?.started, all[1]?.started]);
  assert.equal(turns.waiting, 2);
  all[1]?.end();
  await all[2]?.started;
  assert.equal(turns.waiting, 1);
  all[0]?.fail(new Error("broken"));
  await all[3]?.started;
  assert.equal(turns.waiting, 0);
  await assert.rejects(all[0]?.done ?? Promise.resolve(), /broken/);
  all[2]?.end();
  all[3]?.end();
  await Promise.all([all[2]?.done, all[3]?.done]);
});

Deno.test("who gives up waiting leaves, and takes no turn from others", async () => {
  const turns = new TickTurns(1);
  const first = work(turns);
  const leaving = new AbortController();
  const second = work(turns, leaving.signal);
  const third = work(turns);
  await first.started;
  leaving.abort(new Error("left"));
  await assert.rejects(second.done, /left/);
  assert.equal(turns.waiting, 1);
  first.end();
  await third.started;
  third.end();
  await third.done;
  await assert.rejects(turns.run(() => Promise.resolve(), leaving.signal), { kind: "cancelled" });
  await turns.run(() => Promise.resolve(), never);
});

Deno.test("a turn that comes as its signal fires is given back", async () => {
  const turns = new TickTurns(1);
  for (let i = 0; i < 50; i++) {
    const first = work(turns);
    const leaving = new AbortController();
    const second = work(turns, leaving.signal);
    await first.started;
    first.end();
    leaving.abort(new Error("left"));
    second.end();
    await Promise.allSettled([first.done, second.done]);
  }
  assert.equal(turns.waiting, 0);
  assert.equal(await turns.run(() => Promise.resolve("free"), never), "free");
});
