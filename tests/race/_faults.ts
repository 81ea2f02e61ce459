/** What can go wrong at a step of a writer, and who decides that it does. */
import { AppError } from "../../lib/errors.ts";
import type { Chance } from "./_chance.ts";

/** A step: one call that a writer makes to a store or a catalog. */
export interface Point {
  /** `read`, `create`, `commit`, … */
  readonly what: string;
  /** Location of a file, or name of a table. */
  readonly where: string;
  /** `look`: changes nothing. `write`: changes a file. `commit`: may change the table. */
  readonly weight: "look" | "write" | "commit";
}

/** What becomes of a step. */
export type Fault =
  /** The writer dies before the step was sent. */
  | "crash before"
  /** The step is done; the writer dies before it hears of it. */
  | "crash after"
  /** The writer dies, and its request arrives some time later. */
  | "crash in flight"
  /** Refused: nothing was changed, and the writer is told so. */
  | "refuse"
  /** The step is done, and the writer hears of a failure. */
  | "lose reply"
  /** The writer hears of a failure, and the request arrives some time later. */
  | "late"
  /** The writer sleeps, and goes on much later. */
  | "slow"
  /** The writer is asked to stop. */
  | "cancel";

/** Every fault. */
export const FAULTS: readonly Fault[] = [
  "crash before",
  "crash after",
  "crash in flight",
  "refuse",
  "lose reply",
  "late",
  "slow",
  "cancel",
];

/** Which faults make sense at a step: what changes nothing cannot arrive late. */
export function faultsAt({ weight, what }: Point): readonly Fault[] {
  if (weight === "look") return ["crash before", "refuse", "slow", "cancel"];
  // A deletion that arrives late may meet a file that others have made since under its name: only
  // hadoop's versions are ever named alike, and no store promises anything there.
  return what === "delete"
    ? FAULTS.filter((fault) => !fault.includes("flight") && fault !== "late")
    : FAULTS;
}

/** The faults after which nobody hears from the writer again. */
export function isCrash(fault: Fault | null): boolean {
  return fault?.startsWith("crash") === true;
}

/** The error of a step that was refused. */
export function refusal({ what, weight }: Point): AppError {
  return weight === "commit" && what === "commit"
    ? new AppError("conflict", "commit_conflict", "Cannot commit: another one came first", {
      retryable: true,
    })
    : new AppError("unavailable", "store_unavailable", `Cannot ${what}: the store is down`, {
      retryable: true,
    });
}

/** The error of a step whose reply was lost. */
export function lostReply({ what, weight }: Point): AppError {
  const isCreate = weight === "commit" || what === "create" || what === "close";
  return isCreate
    ? new AppError("commit_state_unknown", "commit_state_unknown", `Cannot tell of ${what}`)
    : new AppError("unavailable", "store_unavailable", `Cannot ${what}: no reply`, {
      retryable: true,
    });
}

/** A step as those who plan faults see it. */
export interface FaultQuestion {
  readonly writer: string;
  /** Counted from 1, within the operation that is under way. */
  readonly step: number;
  /** Counted from 0, among the writer's operations. */
  readonly operation: number;
  readonly point: Point;
}

/** Decides what goes wrong. */
export interface FaultPlan {
  at(question: FaultQuestion): Fault | null;
}

/** Nothing goes wrong. */
export const NO_FAULTS: FaultPlan = { at: () => null };

/** Faults by chance, in `percent` of all steps; commits are hit three times as often. */
export class RandomFaults implements FaultPlan {
  readonly #chance: Chance;
  readonly #percent: number;
  readonly #kinds: ReadonlySet<Fault>;

  constructor(chance: Chance, percent: number, kinds: readonly Fault[] = FAULTS) {
    this.#chance = chance;
    this.#percent = percent;
    this.#kinds = new Set(kinds);
  }

  at({ point }: FaultQuestion): Fault | null {
    const percent = point.weight === "commit" ? 3 * this.#percent : this.#percent;
    if (!this.#chance.percent(percent)) return null;
    const kinds = faultsAt(point).filter((fault) => this.#kinds.has(fault));
    return kinds.length === 0 ? null : this.#chance.pick(kinds);
  }
}

/** One fault at one step of one writer's first operation. */
export class OneFault implements FaultPlan {
  readonly #writer: string;
  readonly #step: number;
  readonly #fault: Fault;
  #point: Point | null = null;

  constructor(writer: string, step: number, { fault }: { readonly fault: Fault }) {
    this.#writer = writer;
    this.#step = step;
    this.#fault = fault;
  }

  /** The step that was hit; null where there was no such step, or the fault makes no sense there. */
  get hit(): Point | null {
    return this.#point;
  }

  at({ writer, step, operation, point }: FaultQuestion): Fault | null {
    if (writer !== this.#writer || operation !== 0 || step !== this.#step) return null;
    if (!faultsAt(point).includes(this.#fault)) return null;
    this.#point = point;
    return this.#fault;
  }
}
