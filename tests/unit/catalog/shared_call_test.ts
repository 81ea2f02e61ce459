import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import { SharedCall } from "../../../lib/catalog/_shared_call.ts";

/** A call whose runs end when told to. */
function gated() {
  const runs: { signal: AbortSignal; end: PromiseWithResolvers<number> }[] = [];
  const call = (signal: AbortSignal) => {
    const end = Promise.withResolvers<number>();
    runs.push({ signal, end });
    return end.promise;
  };
  return { runs, call };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("SharedCall runs once for callers of one turn, again for later ones", async () => {
  const { runs, call } = gated();
  const shared = new SharedCall(call);
  const first = Promise.all([shared.call(), shared.call(new AbortController().signal)]);
  await turn();
  const later = shared.call();
  await turn();
  strictEqual(runs.length, 2);
  runs.forEach(({ end }, index) => end.resolve(index));
  deepStrictEqual(await first, [0, 0]);
  strictEqual(await later, 1);
});

Deno.test("SharedCall with joinRunning takes late callers along, until the run ends", async () => {
  const { runs, call } = gated();
  const shared = new SharedCall(call, { joinRunning: true });
  const first = shared.call();
  await turn();
  const late = shared.call();
  runs[0]?.end.resolve(7);
  deepStrictEqual(await Promise.all([first, late]), [7, 7]);
  const next = shared.call();
  await turn();
  runs[1]?.end.resolve(8);
  strictEqual(await next, 8);
});

Deno.test("SharedCall shares a failure and then starts afresh", async () => {
  const { runs, call } = gated();
  const shared = new SharedCall(call, { joinRunning: true });
  const both = [shared.call(), shared.call()];
  await turn();
  runs[0]?.end.reject(new AppError("unavailable", "down", "It is down"));
  for (const one of both) await rejects(one, AppError);
  const again = shared.call();
  await turn();
  runs[1]?.end.resolve(1);
  strictEqual(await again, 1);
});

Deno.test("SharedCall aborts the run when the last caller leaves, and nobody joins it then", async () => {
  const { runs, call } = gated();
  const shared = new SharedCall(call, { joinRunning: true });
  const [a, b] = [new AbortController(), new AbortController()];
  const [first, second] = [shared.call(a.signal), shared.call(b.signal)];
  await turn();
  a.abort();
  await rejects(first, AppError);
  strictEqual(runs[0]?.signal.aborted, false);
  b.abort();
  await rejects(second, AppError);
  strictEqual(runs[0]?.signal.aborted, true);
  const fresh = shared.call();
  await turn();
  strictEqual(runs.length, 2);
  runs[0]?.end.reject(new Error("late"));
  runs[1]?.end.resolve(3);
  strictEqual(await fresh, 3);
});

Deno.test("SharedCall does not begin for a caller that has given up already", async () => {
  const { runs, call } = gated();
  await rejects(new SharedCall(call).call(AbortSignal.abort()), AppError);
  await turn();
  strictEqual(runs.length, 0);
});
