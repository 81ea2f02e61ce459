import assert from "node:assert/strict";
import { mapConcurrently } from "../../lib/concurrency.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("mapConcurrently() keeps the order of items and the bound on calls", async () => {
  let running = 0;
  let most = 0;
  const results = await mapConcurrently([3, 1, 2, 0], async (item, index) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < item; i++) await turn();
    running--;
    return `${index}:${item}`;
  }, { limit: 2 });
  assert.deepEqual(results, ["0:3", "1:1", "2:2", "3:0"]);
  assert.equal(most, 2);
});

Deno.test("mapConcurrently() starts nothing after a failure and waits for what is under way", async () => {
  const started: number[] = [];
  let settled = false;
  const mapping = mapConcurrently([0, 1, 2, 3], async (item) => {
    started.push(item);
    if (item === 0) throw new Error("broken");
    await turn();
    settled = true;
  }, { limit: 2 });
  await assert.rejects(mapping, /broken/);
  assert.deepEqual(started, [0, 1]);
  assert.equal(settled, true);
});

Deno.test("mapConcurrently() ends with a fired signal", async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const mapping = mapConcurrently([0, 1, 2], (item) => {
    seen.push(item);
    controller.abort();
    return Promise.resolve();
  }, { limit: 1, signal: controller.signal });
  await assert.rejects(mapping, { code: "cancelled" });
  assert.deepEqual(seen, [0]);
});

Deno.test("mapConcurrently() of nothing is nothing", async () => {
  assert.deepEqual(await mapConcurrently([], () => Promise.reject(), { limit: 3 }), []);
});
