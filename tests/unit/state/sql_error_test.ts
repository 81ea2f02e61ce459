import assert from "node:assert/strict";
import { LibsqlError } from "@libsql/client";
import { AppError } from "../../../lib/errors.ts";
import { isBusy, isRefusal, toStateError } from "../../../lib/state/_sql_error.ts";

const SECRET_SQL = "SELECT secret_hash FROM tokens";

const CASES = [
  { code: "SQLITE_BUSY", kind: "unavailable", mapped: "state_busy", retryable: true },
  { code: "SQLITE_LOCKED", kind: "unavailable", mapped: "state_busy", retryable: true },
  { code: "SQLITE_CONSTRAINT", kind: "conflict", mapped: "state_conflict", retryable: false },
  { code: "SQLITE_FULL", kind: "unavailable", mapped: "state_unusable", retryable: false },
  { code: "SQLITE_CORRUPT", kind: "unavailable", mapped: "state_unusable", retryable: false },
  { code: "SQLITE_ERROR", kind: "internal", mapped: "state_failed", retryable: false },
  { code: "SQLITE_UNKNOWN", kind: "internal", mapped: "state_failed", retryable: false },
  { code: "SQL_PARSE_ERROR", kind: "internal", mapped: "state_failed", retryable: false },
  { code: "SERVER_ERROR", kind: "unavailable", mapped: "state_unreachable", retryable: true },
  { code: "HRANA_CLOSED_ERROR", kind: "unavailable", mapped: "state_unreachable", retryable: true },
] as const;

for (const { code, kind, mapped, retryable } of CASES) {
  Deno.test(`toStateError() maps ${code} to ${kind} and keeps SQL out of the message`, () => {
    const error = toStateError(new LibsqlError(SECRET_SQL, code), { remote: false });
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.kind, error.code, error.retryable], [kind, mapped, retryable]);
    assert.doesNotMatch(error.message, /select|secret|sqlite/i);
  });
}

Deno.test("toStateError() leaves errors of ours and programmer mistakes as they are", () => {
  const ours = new AppError("not_found", "user_not_found", "Cannot find it");
  const mistake = new TypeError("undefined cannot be passed");
  assert.equal(toStateError(ours, { remote: true }), ours);
  assert.equal(toStateError(mistake, { remote: false }), mistake);
});

Deno.test("toStateError() takes a failed fetch of a remote database for unavailability", () => {
  const error = toStateError(new TypeError("connection refused"), { remote: true });
  assert.ok(error instanceof AppError);
  assert.deepEqual([error.kind, error.retryable], ["unavailable", true]);
});

Deno.test("toStateError() does not take a mistake of ours for an unreachable database", () => {
  const mistake = new RangeError("integer too large");
  assert.equal(toStateError(mistake, { remote: true }), mistake);
});

Deno.test("isRefusal() tells a refused commit from a lost reply", () => {
  assert.equal(isRefusal(new LibsqlError("constraint", "SQLITE_CONSTRAINT")), true);
  assert.equal(isRefusal(new LibsqlError("gone", "HRANA_CLOSED_ERROR")), false);
  assert.equal(isRefusal(new TypeError("connection reset")), false);
});

Deno.test("isBusy() is about locks alone", () => {
  assert.equal(isBusy(new LibsqlError("", "SQLITE_BUSY_SNAPSHOT")), true);
  assert.equal(isBusy(new LibsqlError("", "SQLITE_FULL")), false);
  assert.equal(isBusy(new Error("SQLITE_BUSY")), false);
});
