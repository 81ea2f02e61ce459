import assert from "node:assert/strict";
import { LibsqlError } from "@libsql/client";
import { retryWhileBusy } from "../../../lib/state/_busy_retry.ts";

const busy = () => new LibsqlError("database is locked", "SQLITE_BUSY");
const soon = () => performance.now() + 60_000;

Deno.test("retryWhileBusy() tries again until the lock is free", async () => {
  let attempts = 0;
  const result = await retryWhileBusy(() => {
    attempts++;
    return attempts < 4 ? Promise.reject(busy()) : Promise.resolve("done");
  }, { deadlineMs: soon(), random: () => 0 });
  assert.equal(result, "done");
  assert.equal(attempts, 4);
});

Deno.test("retryWhileBusy() throws the last failure at its deadline", async () => {
  const startMs = performance.now();
  let attempts = 0;
  const failing = retryWhileBusy(() => {
    attempts++;
    return Promise.reject(busy());
  }, { deadlineMs: startMs + 60 });
  await assert.rejects(failing, { code: "SQLITE_BUSY" });
  assert.ok(attempts > 1);
  assert.ok(performance.now() - startMs < 1_000);
});

Deno.test("retryWhileBusy() does not repeat what failed for another reason", async () => {
  let attempts = 0;
  const failing = retryWhileBusy(() => {
    attempts++;
    return Promise.reject(new LibsqlError("no such table", "SQLITE_ERROR"));
  }, { deadlineMs: soon() });
  await assert.rejects(failing, { code: "SQLITE_ERROR" });
  assert.equal(attempts, 1);
});

Deno.test("retryWhileBusy() stops when the caller goes away", async () => {
  const controller = new AbortController();
  let attempts = 0;
  const failing = retryWhileBusy(() => {
    if (++attempts === 2) controller.abort();
    return Promise.reject(busy());
  }, { deadlineMs: soon(), signal: controller.signal });
  await assert.rejects(failing, { code: "SQLITE_BUSY" });
  assert.equal(attempts, 2);
});
