import assert from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
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
