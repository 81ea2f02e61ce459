import assert from "node:assert/strict";
import { estimateBytes } from "../../lib/estimate_bytes.ts";

Deno.test("estimateBytes() counts what texts, numbers and containers hold", () => {
  assert.equal(estimateBytes(7), 0);
  assert.ok(estimateBytes("x".repeat(1000)) >= 1000);
  assert.ok(estimateBytes(new Uint8Array(1000)) >= 1000);
  assert.ok(estimateBytes(Array(1000).fill(0)) >= 8 * 1000);
  assert.ok(
    estimateBytes({ a: { b: ["x".repeat(500), new Map([["k", "y".repeat(500)]])] } }) > 1000,
  );
});

Deno.test("estimateBytes() counts keys of objects that are tables", () => {
  const names = Array.from({ length: 1000 }, (_, i) => [`${i}${"k".repeat(100)}`, 1]);
  assert.ok(estimateBytes(Object.fromEntries(names)) > 100_000);
});

Deno.test("estimateBytes() comes near to what V8 takes for many small objects", () => {
  const before = Deno.memoryUsage().heapUsed;
  const objects = Array.from({ length: 300_000 }, (_, i) => ({ a: `n${i}`, b: BigInt(i), c: [i] }));
  const taken = Deno.memoryUsage().heapUsed - before;
  const estimate = estimateBytes(objects);
  assert.ok(estimate > taken / 3 && estimate < taken * 3, `${estimate} for ${taken}`);
});

Deno.test("estimateBytes() goes as deep as the value does, and stops at its limit", () => {
  let deep: unknown = "end";
  for (let i = 0; i < 200_000; i++) deep = [deep];
  assert.ok(estimateBytes(deep) > 200_000);
  const cyclic: unknown[] = [];
  cyclic.push(cyclic, "text");
  assert.ok(estimateBytes(cyclic, 10_000) > 10_000);
});
