import assert from "node:assert/strict";
import fc from "fast-check";
import { addressKey, FailureLimit } from "../../../lib/access/failure_limit.ts";
import { HeldClock } from "../../support/access_fixture.ts";

function limitOf(options: { burst: number; intervalMs: number; maxKeys?: number }) {
  const clock = new HeldClock();
  return { clock, limit: new FailureLimit({ clock, ...options }) };
}

Deno.test("FailureLimit lets a burst through and then names the wait", () => {
  const { limit } = limitOf({ burst: 3, intervalMs: 6_000 });
  assert.deepEqual([1, 2, 3].map(() => limit.fail("a")), [null, null, null]);
  assert.equal(limit.fail("a"), 6);
  assert.equal(limit.fail("b"), null);
});

Deno.test("FailureLimit forgives one failure per interval, and waiting as told is enough", () => {
  const { limit, clock } = limitOf({ burst: 3, intervalMs: 6_000 });
  for (let i = 0; i < 3; i++) limit.fail("a");
  const waitSeconds = limit.fail("a");
  assert.ok(waitSeconds !== null);
  clock.advance(waitSeconds * 1000);
  assert.equal(limit.fail("a"), null);
  assert.equal(limit.fail("a"), 6);
  clock.advance(3 * 6_000);
  assert.deepEqual([1, 2, 3].map(() => limit.fail("a")), [null, null, null]);
});

Deno.test("FailureLimit does not lengthen the wait of who keeps trying", () => {
  const { limit, clock } = limitOf({ burst: 2, intervalMs: 10_000 });
  limit.fail("a");
  limit.fail("a");
  for (let i = 0; i < 50; i++) assert.equal(limit.fail("a"), 10);
  clock.advance(9_500);
  assert.equal(limit.fail("a"), 1);
});

Deno.test("FailureLimit remembers no more keys than its bound, the latest ones", () => {
  const { limit } = limitOf({ burst: 1, intervalMs: 1_000, maxKeys: 100 });
  for (let i = 0; i < 1_000; i++) limit.fail(`key ${i}`);
  assert.equal(limit.trackedKeys, 100);
  assert.equal(limit.fail("key 999"), 1);
  assert.equal(limit.fail("key 0"), null);
});

Deno.test("FailureLimit never lets more through than burst and time allow", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), steps, (burst, waits) => {
    const { limit, clock } = limitOf({ burst, intervalMs: 1_000 });
    let passed = 0;
    let elapsedMs = 0;
    for (const waitMs of waits) {
      clock.advance(waitMs);
      elapsedMs += waitMs;
      if (limit.fail("a") === null) passed++;
      assert.ok(passed <= burst + elapsedMs / 1_000);
    }
  }));
});

Deno.test("addressKey() takes an IPv6 network for one client", () => {
  const expected = "address 2001:db8:0:7::/64";
  assert.equal(addressKey("2001:db8:0:7::1"), expected);
  assert.equal(addressKey("2001:DB8:0:7:ffff:1:2:3"), expected);
  assert.notEqual(addressKey("2001:db8:0:8::1"), expected);
  assert.equal(addressKey("::1"), "address 0:0:0:0::/64");
  assert.equal(addressKey("fe80::1%eth0"), "address fe80:0:0:0::/64");
});

Deno.test("addressKey() takes IPv4 addresses as they are, mapped ones too", () => {
  assert.equal(addressKey("192.0.2.7"), "address 192.0.2.7");
  assert.equal(addressKey("::ffff:192.0.2.7"), "address 192.0.2.7");
});
