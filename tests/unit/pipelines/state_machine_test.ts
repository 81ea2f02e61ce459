import assert from "node:assert/strict";
import {
  PIPELINE_STATES,
  type PipelineState,
} from "../../../lib/pipelines/contract/pipeline_state.ts";
import {
  isActive,
  nextState,
  PIPELINE_EVENTS,
  type PipelineEvent,
} from "../../../lib/pipelines/state_machine.ts";

/** By state, what each event makes of it; what is not named means nothing there. */
const EXPECTED: Record<PipelineState, Partial<Record<PipelineEvent, PipelineState>>> = {
  starting: {
    taken: "starting",
    opened: "running",
    failure: "backing-off",
    defeat: "failed",
    stop: "stopping",
  },
  running: {
    taken: "starting",
    work: "running",
    quiet: "idle",
    failure: "backing-off",
    defeat: "failed",
    stop: "stopping",
    ended: "stopped",
  },
  idle: {
    taken: "starting",
    work: "running",
    quiet: "idle",
    failure: "backing-off",
    defeat: "failed",
    stop: "stopping",
    ended: "stopped",
  },
  "backing-off": { taken: "starting", defeat: "failed", retry: "starting", stop: "stopping" },
  stopping: {
    taken: "stopping",
    opened: "stopping",
    work: "stopping",
    quiet: "stopping",
    failure: "stopping",
    defeat: "stopping",
    ended: "stopped",
  },
  stopped: { start: "starting" },
  failed: { start: "starting", stop: "stopped" },
};

Deno.test("nextState() knows every event in every state", () => {
  assert.equal(PIPELINE_EVENTS.length, 10);
  const table = Object.fromEntries(PIPELINE_STATES.map((state) => [
    state,
    Object.fromEntries(PIPELINE_EVENTS.flatMap((event) => {
      const next = nextState(state, event);
      return next === null ? [] : [[event, next]];
    })),
  ]));
  assert.deepEqual(table, EXPECTED);
});

/** States that events lead to, one after another. */
function reachable(from: PipelineState): ReadonlySet<PipelineState> {
  const seen = new Set([from]);
  for (const state of seen) {
    for (const event of PIPELINE_EVENTS) {
      const next = nextState(state, event);
      if (next !== null) seen.add(next);
    }
  }
  return seen;
}

Deno.test("no state is without a way out, and every one can end and begin again", () => {
  for (const state of PIPELINE_STATES) {
    const ways = reachable(state);
    for (const goal of ["stopped", "failed", "starting", "running"] as const) {
      assert(ways.has(goal), `${state} never gets to ${goal}`);
    }
  }
});

Deno.test("every active state can be stopped, and stops without going on", () => {
  for (const state of PIPELINE_STATES.filter(isActive)) {
    const stopping = state === "stopping" ? state : nextState(state, "stop");
    assert.equal(stopping, "stopping", state);
  }
  for (const event of PIPELINE_EVENTS) {
    const next = nextState("stopping", event);
    assert(next === null || next === "stopping" || next === "stopped", event);
  }
});

Deno.test("what has ended does nothing by itself", () => {
  for (const state of PIPELINE_STATES.filter((one) => !isActive(one))) {
    for (const event of PIPELINE_EVENTS) {
      const next = nextState(state, event);
      if (event !== "start") assert(next === null || !isActive(next), `${state} ${event}`);
    }
  }
});
