import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteGate } from "../../lib/byte_gate.ts";

Deno.test("ByteGate never holds more than its budget, and lets all through", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(150), { maxLength: 30 }), async (claims) => {
      const gate = new ByteGate({ maxBytes: 100 });
      let held = 0;
      let most = 0;
      const done = await Promise.all(claims.map((bytes) =>
        gate.hold(bytes, async () => {
          held += Math.min(bytes, 100);
          most = Math.max(most, held);
          await Promise.resolve();
          held -= Math.min(bytes, 100);
          return bytes;
        })
      ));
      assert.deepEqual(done, claims);
      assert.ok(most <= 100, `${most}`);
      assert.equal(gate.heldBytes, 0);
    }),
    { seed: 3 },
  );
});

Deno.test("ByteGate runs a claim beyond its budget alone", async () => {
  const gate = new ByteGate({ maxBytes: 10 });
  const order: string[] = [];
  await Promise.all([
    gate.hold(1, async () => {
      await Promise.resolve();
      order.push("small");
    }),
    gate.hold(1_000, () => Promise.resolve(void order.push("large"))),
    gate.hold(1, () => Promise.resolve(void order.push("after"))),
  ]);
  assert.deepEqual(order, ["small", "large", "after"]);
});

Deno.test("ByteGate gives back what a failed or abandoned work held", async () => {
  const gate = new ByteGate({ maxBytes: 10 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = gate.hold(10, () => promise);
  const controller = new AbortController();
  const abandoned = gate.hold(5, () => Promise.resolve(), { signal: controller.signal });
  const failing = gate.hold(10, () => Promise.reject(new TypeError("no")));
  controller.abort();
  await assert.rejects(abandoned, { code: "cancelled" });
  resolve();
  await first;
  await assert.rejects(failing, TypeError);
  assert.equal(gate.heldBytes, 0);
  assert.equal(await gate.hold(10, () => Promise.resolve("free")), "free");
});

Deno.test("ByteGate lets the next one in when one in front gives up", async () => {
  const gate = new ByteGate({ maxBytes: 10 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = gate.hold(6, () => promise);
  const controller = new AbortController();
  const large = gate.hold(10, () => Promise.resolve(), { signal: controller.signal });
  const small = gate.hold(4, () => Promise.resolve("in"));
  controller.abort();
  await assert.rejects(large, { code: "cancelled" });
  assert.equal(await small, "in");
  resolve();
  await first;
});
