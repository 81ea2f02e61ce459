import assert from "node:assert/strict";
import { MAX_WAITING, Turns } from "../../../lib/state/_turns.ts";
import { rejectsWith } from "../../support/rejects.ts";

const LONG_MS = 60_000;
const BUSY = { kind: "unavailable", code: "state_busy" } as const;
const CLOSED = { kind: "unavailable", code: "state_closed" } as const;

Deno.test("Turns lets one in at a time, in order of arrival", async () => {
  const turns = new Turns();
  const seen: string[] = [];
  let inside = 0;
  await Promise.all(Array.from({ length: 20 }, async (_, index) => {
    const release = await turns.take({ waitMs: LONG_MS });
    assert.equal(++inside, 1);
    await new Promise((resolve) => setTimeout(resolve, 0));
    seen.push(String(index));
    inside--;
    release();
  }));
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, index) => String(index)));
});

Deno.test("Turns ignores a second release of the same turn", async () => {
  const turns = new Turns();
  const first = await turns.take({ waitMs: LONG_MS });
  const second = turns.take({ waitMs: LONG_MS });
  const third = turns.take({ waitMs: LONG_MS });
  first();
  first();
  const releaseSecond = await second;
  let started = false;
  const watched = third.then((release) => {
    started = true;
    return release;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(started, false);
  releaseSecond();
  (await watched)();
});

Deno.test("Turns gives up after the wait that was allowed, and passes the turn on", async () => {
  const turns = new Turns();
  const release = await turns.take({ waitMs: LONG_MS });
  const error = await rejectsWith(turns.take({ waitMs: 5 }), BUSY);
  assert.equal(error.retryable, true);
  release();
  (await turns.take({ waitMs: LONG_MS }))();
});

Deno.test("Turns gives up when the caller goes away", async () => {
  const turns = new Turns();
  const release = await turns.take({ waitMs: LONG_MS });
  const controller = new AbortController();
  const waiting = turns.take({ waitMs: LONG_MS, signal: controller.signal });
  controller.abort();
  const cancelled = { kind: "cancelled", code: "cancelled" } as const;
  await rejectsWith(waiting, cancelled);
  await rejectsWith(turns.take({ waitMs: LONG_MS, signal: controller.signal }), cancelled);
  release();
});

Deno.test("Turns loses no turn to a waiter that gives up in the moment of the release", async () => {
  const turns = new Turns();
  const release = await turns.take({ waitMs: LONG_MS });
  const controller = new AbortController();
  const aborted = turns.take({ waitMs: LONG_MS, signal: controller.signal });
  const next = turns.take({ waitMs: 1_000 });
  controller.abort();
  release();
  await rejectsWith(aborted, { kind: "cancelled", code: "cancelled" });
  (await next)();
});

Deno.test("Turns refuses to queue more than its bound", async () => {
  const turns = new Turns();
  const release = await turns.take({ waitMs: LONG_MS });
  const waiting = Array.from({ length: MAX_WAITING }, async () => {
    (await turns.take({ waitMs: LONG_MS }))();
  });
  await rejectsWith(turns.take({ waitMs: LONG_MS }), BUSY);
  release();
  await Promise.all(waiting);
});

Deno.test("Turns.close() refuses those who wait and waits for the one inside", async () => {
  const turns = new Turns();
  const release = await turns.take({ waitMs: LONG_MS });
  const waiting = turns.take({ waitMs: LONG_MS });
  let closed = false;
  const closing = turns.close({ waitMs: LONG_MS }).then(() => closed = true);
  await rejectsWith(waiting, CLOSED);
  assert.equal(closed, false);
  release();
  await closing;
  await rejectsWith(turns.take({ waitMs: LONG_MS }), CLOSED);
});
