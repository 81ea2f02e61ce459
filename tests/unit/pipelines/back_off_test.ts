import assert from "node:assert/strict";
import { AppError, type ErrorKind } from "../../../lib/errors.ts";
import { afterFailure } from "../../../lib/pipelines/back_off.ts";

const FIRST = { count: 1, sinceMs: 0 };

Deno.test("afterFailure() looks again where the sink has more than the server knew of", () => {
  // Another server's commit came through between the look at the sink and the commit.
  const message = "The stream has gone on";
  const moved = new AppError("unavailable", "stream_moved", message, { retryable: true });
  const verdict = afterFailure(moved, { failures: FIRST, nowMs: 0, random: 0 });
  assert.deepEqual(verdict, { kind: "wait", waitMs: 250 });
});

Deno.test("afterFailure() gives up at once where a person has to act", () => {
  for (const code of ["sink_rolled_back", "stream_fenced", "source_snapshot_not_append"]) {
    const error = new AppError("conflict", code, "Cannot go on");
    const verdict = afterFailure(error, { failures: FIRST, nowMs: 0, random: 0 });
    assert.deepEqual(verdict, { kind: "give_up" }, code);
  }
});

/** What every kind of error comes to: for how long, or for how many times, it is tried again. */
const PATIENCE: Record<ErrorKind, "none" | "tries" | "outage"> = {
  malformed: "none",
  invalid: "none",
  unauthenticated: "tries",
  forbidden: "tries",
  not_found: "none",
  already_exists: "none",
  conflict: "none",
  precondition_failed: "none",
  too_large: "none",
  unsupported_media_type: "none",
  not_acceptable: "none",
  upgrade_required: "none",
  rate_limited: "outage",
  corrupt_data: "none",
  unsupported: "none",
  unavailable: "tries",
  deadline_exceeded: "outage",
  cancelled: "tries",
  commit_state_unknown: "outage",
  internal: "tries",
};

const HOUR_MS = 3_600_000;

function verdictOf(error: unknown, count: number, nowMs = 0) {
  return afterFailure(error, { failures: { count, sinceMs: 0 }, nowMs, random: 0.5 }).kind;
}

Deno.test("afterFailure() has its patience with every kind of error", () => {
  for (const [kind, patience] of Object.entries(PATIENCE)) {
    const error = new AppError(kind as ErrorKind, "made_up", "Made up");
    const seen = [
      verdictOf(error, 1),
      verdictOf(error, 5),
      verdictOf(error, 6),
      verdictOf(error, 1_000, HOUR_MS - 1),
      verdictOf(error, 1_000, HOUR_MS),
    ];
    const [wait, over] = ["wait", "give_up"] as const;
    const expected = {
      none: [over, over, over, over, over],
      tries: [wait, wait, over, over, over],
      outage: [wait, wait, wait, wait, over],
    };
    assert.deepEqual(seen, expected[patience], kind);
  }
});

Deno.test("afterFailure() waits out what says that it may be tried again", () => {
  for (const kind of ["unavailable", "conflict"] as const) {
    const error = new AppError(kind, "made_up", "Made up", { retryable: true });
    assert.equal(verdictOf(error, 1_000), "wait", kind);
    assert.equal(verdictOf(error, 1_000, HOUR_MS), "give_up", kind);
  }
});

Deno.test("afterFailure() does not take SQL that is cut off for an outage", () => {
  const error = new AppError("deadline_exceeded", "query_cut_off", "Made up");
  assert.deepEqual([verdictOf(error, 5), verdictOf(error, 6)], ["wait", "give_up"]);
});

Deno.test("afterFailure() tries what nobody foresaw a few times", () => {
  for (const error of [new TypeError("A mistake"), "text", null, undefined]) {
    assert.deepEqual([verdictOf(error, 5), verdictOf(error, 6)], ["wait", "give_up"]);
  }
});

Deno.test("afterFailure() waits twice as long each time, up to a bound, and never in step", () => {
  const error = new AppError("unavailable", "made_up", "Made up", { retryable: true });
  const waits = (random: number) =>
    Array.from({ length: 200 }, (_, i) => {
      const failures = { count: i + 1, sinceMs: 0 };
      const verdict = afterFailure(error, { failures, nowMs: 0, random });
      return verdict.kind === "wait" ? verdict.waitMs : Number.NaN;
    });
  const [least, most] = [waits(0), waits(1)];
  assert.deepEqual(most.slice(0, 8), [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.deepEqual(least, most.map((ms) => ms / 2));
  assert.equal(Math.max(...most), 30_000);
});
