/** Which strike comes next, and what all of them hit. */
import { randomNumbers } from "./_kill_plan.ts";
import { type Flow, FLOWS } from "./_pipeline_flows.ts";
import type { TickWindow } from "./_pipeline_moments.ts";
import type { StrikeAim, Struck } from "./_pipeline_strikes.ts";

/** Options of {@linkcode PipelinePlan}. */
export interface PipelinePlanOptions {
  /** Kills, at least. */
  readonly kills: number;
  readonly seed: number;
  /** Windows to be waited for. */
  readonly windows: readonly TickWindow[];
  /** Servers that sleep until their silence is noticed by the clock. */
  readonly longSleeps: number;
}

/** One strike to come, and what goes with it. */
export interface PipelineShot {
  readonly flow: Flow;
  readonly aim: StrikeAim;
  /** Whose words of being alive are long ago from now on; null for nobody's. */
  readonly ages: "gone" | "all" | null;
  /** Pipelines whose checkpoint is deleted. */
  readonly forgets: readonly Flow[];
  /** A pipeline that is stopped and started again. */
  readonly restarts: Flow | null;
}

/** Latest kill after a random time, and of a server that starts. */
const MAX_WAIT_MS = 1_200;
const MAX_START_MS = 3_500;
/** Kinds of strikes, by turns; windows come most often, as random times seldom hit them. */
const KINDS = [
  "window",
  "time",
  "window",
  "sleep",
  "window",
  "start",
  "window",
  "both",
  "window",
  "time",
] as const;
/** Windows in which it matters that one who slept there comes too late. */
const SLEEPS: readonly TickWindow[] = ["metadata", "unpublished", "data", "committed"];

/** See the module. */
export class PipelinePlan {
  readonly #options: PipelinePlanOptions;
  readonly #random: () => number;
  readonly #windows = new Map<TickWindow, number>();
  readonly #kinds = new Map<string, number>();
  readonly #zombies = new Map<string, number>();
  #strikes = 0;
  #kills = 0;
  #hunts = 0;
  #sleeps = 0;
  #longSleeps = 0;

  constructor(options: PipelinePlanOptions) {
    this.#options = options;
    this.#random = randomNumbers(options.seed);
  }

  /** From 0 to 1. */
  get random(): () => number {
    return this.#random;
  }

  /** Strikes so far. */
  get strikes(): number {
    return this.#strikes;
  }

  /** The next one; null where all are done. */
  next(): PipelineShot | null {
    if (this.#kills >= this.#options.kills) return null;
    const flow = FLOWS[this.#strikes % FLOWS.length]!;
    const aim = this.#aim(KINDS[this.#strikes % KINDS.length]!);
    this.#strikes++;
    return {
      flow,
      aim,
      ages: this.#ages(),
      forgets: FLOWS.filter(() => this.#random() < 0.15),
      restarts: this.#random() < 0.15 ? FLOWS[Math.floor(this.#random() * FLOWS.length)]! : null,
    };
  }

  /** Takes down what was hit. */
  hit({ aim }: PipelineShot, { kills, windows, zombie }: Struck): void {
    this.#kills += kills;
    count(this.#kinds, aim.kind);
    if (kills > 0) { for (const window of windows.values()) count(this.#windows, window); }
    if (zombie !== null) count(this.#zombies, zombie);
  }

  /** Windows that no kill has hit. */
  missed(): readonly TickWindow[] {
    return this.#options.windows.filter((window) => !this.#windows.has(window));
  }

  /** What was hit, as text. */
  toString(): string {
    return [
      `${this.#kills} kills in ${this.#strikes} strikes (${textOf(this.#kinds)})`,
      `what pipelines were at when their server was killed: ${textOf(this.#windows)}`,
      `servers that slept and were replaced: ${textOf(this.#zombies)}`,
    ].join("\n  ");
  }

  /** Seldom those of all: each server may then take from the other what that one runs. */
  #ages(): PipelineShot["ages"] {
    const pick = this.#random();
    return pick < 0.6 ? "gone" : pick < 0.7 ? "all" : null;
  }

  #aim(kind: StrikeAim["kind"]): StrikeAim {
    switch (kind) {
      case "time":
        return {
          kind,
          afterMs: this.#random() * MAX_WAIT_MS,
          bystander: this.#random() < 0.25,
        };
      case "both":
        return { kind, afterMs: this.#random() * MAX_WAIT_MS };
      case "start":
        return { kind, afterMs: this.#random() * MAX_START_MS };
      case "window": {
        const { windows } = this.#options;
        return { kind, window: windows[this.#hunts++ % windows.length]! };
      }
      case "sleep": {
        const { windows, longSleeps } = this.#options;
        const sleeps = SLEEPS.filter((window) => windows.includes(window));
        const isNoticedAtOnce = this.#longSleeps >= longSleeps;
        if (!isNoticedAtOnce) this.#longSleeps++;
        return { kind, window: sleeps[this.#sleeps++ % sleeps.length]!, isNoticedAtOnce };
      }
    }
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function textOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort().map(([what, n]) => `${what} ${n}`).join(", ") || "none";
}
