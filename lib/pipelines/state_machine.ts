/**
 * What a pipeline may become, and by what. The table names every state and every event, so that one
 * that is forgotten does not compile.
 *
 * ```
 *             ┌───────── retry ─────────┐
 *             ▼                         │
 * start ─► starting ─► running ─► backing-off ─► failed
 *             ▲         │    ▲          │
 *             │    quiet│    │work      │ stop
 *   start     │         ▼    │          ▼
 *   (stopped, │        idle ─┴─ stop ─► stopping ─► stopped
 *    failed) ─┘
 * ```
 */
import type { PipelineState } from "./contract/pipeline_state.ts";

/** What happens to a pipeline. */
export type PipelineEvent =
  /** Somebody asks for it to run. */
  | "start"
  /** A server has taken it over, and begins from what is recorded. */
  | "taken"
  /** Its tables have been found, and it has a place to go on from. */
  | "opened"
  /** A batch begins. */
  | "work"
  /** Everything that the source has is in the sink. */
  | "quiet"
  /** It has failed in a way that may pass. */
  | "failure"
  /** It has failed in a way that a person must look at. */
  | "defeat"
  /** The wait after a failure is over. */
  | "retry"
  /** Somebody asks for it to stop. */
  | "stop"
  /** It does nothing any more: stopped as asked, or at the end of `once` and `available-now`. */
  | "ended";

/** By state and event, the next state; null where the event means nothing there. */
const TRANSITIONS: Readonly<
  Record<PipelineState, Readonly<Record<PipelineEvent, PipelineState | null>>>
> = {
  starting: {
    start: null,
    taken: "starting",
    opened: "running",
    work: null,
    quiet: null,
    failure: "backing-off",
    defeat: "failed",
    retry: null,
    stop: "stopping",
    ended: null,
  },
  running: {
    start: null,
    taken: "starting",
    opened: null,
    work: "running",
    quiet: "idle",
    failure: "backing-off",
    defeat: "failed",
    retry: null,
    stop: "stopping",
    ended: "stopped",
  },
  idle: {
    start: null,
    taken: "starting",
    opened: null,
    work: "running",
    quiet: "idle",
    failure: "backing-off",
    defeat: "failed",
    retry: null,
    stop: "stopping",
    ended: "stopped",
  },
  "backing-off": {
    start: null,
    taken: "starting",
    opened: null,
    work: null,
    quiet: null,
    failure: null,
    defeat: "failed",
    retry: "starting",
    stop: "stopping",
    ended: null,
  },
  stopping: {
    start: null,
    // Whoever takes over one that was to stop has nothing to do but to say that it has.
    taken: "stopping",
    opened: "stopping",
    work: "stopping",
    quiet: "stopping",
    failure: "stopping",
    defeat: "stopping",
    retry: null,
    stop: null,
    ended: "stopped",
  },
  stopped: {
    start: "starting",
    taken: null,
    opened: null,
    work: null,
    quiet: null,
    failure: null,
    defeat: null,
    retry: null,
    stop: null,
    ended: null,
  },
  failed: {
    start: "starting",
    taken: null,
    opened: null,
    work: null,
    quiet: null,
    failure: null,
    defeat: null,
    retry: null,
    stop: "stopped",
    ended: null,
  },
};

/** Every event, for those who go through all of them. */
export const PIPELINE_EVENTS = Object.keys(TRANSITIONS.starting) as readonly PipelineEvent[];

/** The state that an event leads to; null where it means nothing in this state. */
export function nextState(state: PipelineState, event: PipelineEvent): PipelineState | null {
  return TRANSITIONS[state][event];
}

/** Whether a pipeline in this state does anything, or will by itself. */
export function isActive(state: PipelineState): boolean {
  return state !== "stopped" && state !== "failed";
}
