import assert from "node:assert/strict";
import { InFlight } from "../../lib/in_flight.ts";

Deno.test("InFlight is idle while nothing runs", async () => {
  const works = new InFlight();
  await works.idle();
  assert.equal(works.running, 0);
});

Deno.test("InFlight is idle once every work has settled, either way", async () => {
  const works = new InFlight();
  const good = Promise.withResolvers<void>();
  const bad = Promise.withResolvers<void>();
  works.track(good.promise);
  works.track(bad.promise);
  let idle = false;
  const waiting = Promise.all([works.idle(), works.idle()]).then(() => idle = true);
  assert.equal(works.running, 2);
  good.resolve();
  await Promise.resolve();
  assert.equal(idle, false);
  bad.reject(new Error("failed"));
  await waiting;
  assert.equal(works.running, 0);
});
