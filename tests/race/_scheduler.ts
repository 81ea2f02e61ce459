/**
 * Runs writers side by side in one isolate, one step at a time, in an order that a seed decides.
 *
 * A step is a call to a store or a catalog. Whoever is about to make one waits here until it is its
 * turn; then the call is made and answered, and the next is chosen once nobody has anything left to
 * do but wait. So the order of all effects is known, and the same seed gives the same order.
 *
 * ```
 * writer ─► step ─► waits ─┐
 * writer ─► step ─► waits ─┼─► one is chosen ─► fault? ─► effect ─► afterStep() ─► answer
 * request in flight ───────┘
 * ```
 */
import { setImmediate } from "node:timers/promises";
import type { Chance } from "./_chance.ts";
import { type Fault, type FaultPlan, isCrash, lostReply, type Point, refusal } from "./_faults.ts";

/** Turns of the event loop without news after which nothing more is to be expected. */
const QUIET_TURNS = 3;
/** Turns of the event loop that a writer may work on its own: far more than any needs. */
const MAX_BUSY_TURNS = 200_000;
/** Steps that a slow writer lets pass: at least, and at most that many more. */
const SLOW_STEPS = 30;
const SLOW_MORE = 150;
/** Milliseconds of the race's own time that a step takes. */
const STEP_MS = 250;

/** Whose calls are steps: what is done when is up to somebody else. */
export interface Stepper {
  /** Fires when the stepper is asked to stop. */
  readonly signal: AbortSignal;
  /** Makes a call when it is its turn. */
  perform<T>(point: Point, effect: () => Promise<T>): Promise<T>;
  /** Does what is no step and takes time all the same: nobody else goes on meanwhile. */
  work<T>(effect: () => Promise<T>): Promise<T>;
}

/** Options of {@linkcode Scheduler}. */
export interface SchedulerOptions {
  readonly chance: Chance;
  readonly faults: FaultPlan;
  readonly startMs: number;
  /** Steps after which a race is no race any more. */
  readonly maxSteps?: number;
  /** Called before each effect; what it throws ends the race. */
  readonly beforeStep?: (step: TakenStep) => Promise<void> | void;
  /** Called after each effect that was made, before its writer hears of it. */
  readonly afterStep?: (step: TakenStep) => Promise<void> | void;
}

/** A step whose turn it is. */
export interface TakenStep {
  readonly writer: string;
  readonly point: Point;
  readonly fault: Fault | null;
}

interface Waiting {
  readonly point: Point;
  readonly effect: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Figures of a race. */
export interface SchedulerFigures {
  readonly steps: number;
  readonly faults: ReadonlyMap<Fault, number>;
  /** What happened, one line for each step. */
  readonly trace: readonly string[];
}

/** One operation of a writer: what a process is that runs one job. A crash ends it for good. */
export class Process implements Stepper {
  readonly writer: string;
  readonly operation: number;
  readonly #abort = new AbortController();
  readonly #death = Promise.withResolvers<"crashed">();
  readonly #scheduler: Scheduler;
  /** Calls that are made and not answered. */
  readonly waiting: Waiting[] = [];
  isOver = false;
  /** Calls under way that are no steps. */
  working = 0;
  /** Step of the scheduler before which it is not this process's turn. */
  sleepsUntil = 0;
  steps = 0;
  /** Whether a fault hit it: only then may it leave anything behind. */
  wasHit = false;
  /** Whether a request of it is, or was, on its way with nobody to wait for it. */
  leftRequests = false;

  constructor(scheduler: Scheduler, writer: string, { operation }: { readonly operation: number }) {
    this.#scheduler = scheduler;
    this.writer = writer;
    this.operation = operation;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when the process dies. */
  get death(): Promise<"crashed"> {
    return this.#death.promise;
  }

  async work<T>(effect: () => Promise<T>): Promise<T> {
    this.working++;
    try {
      return await effect();
    } finally {
      this.working--;
      this.#scheduler.news();
    }
  }

  /** Of a dead process, no call comes back. */
  perform<T>(point: Point, effect: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.isDead) return;
      const answer = (value: unknown) => resolve(value as T);
      this.waiting.push({ point, effect, resolve: answer, reject });
      // Also where the operation is over: what it began and did not wait for goes on.
      this.#scheduler.expect(this);
    });
  }

  get isDead(): boolean {
    return this.#abort.signal.reason === CRASHED;
  }

  cancel(): void {
    this.#abort.abort(new DOMException("The race asks this writer to stop", "AbortError"));
  }

  end(): void {
    this.isOver = true;
    this.#scheduler.news();
  }

  die(): void {
    this.isOver = true;
    this.waiting.length = 0;
    // Whoever listens belongs to the dead process, and gets no answer to anything it tries.
    this.#abort.abort(CRASHED);
    this.#death.resolve("crashed");
    this.#scheduler.news();
  }
}

const CRASHED = new DOMException("The process is dead", "AbortError");

/** See the module comment. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #processes = new Set<Process>();
  readonly #inFlight: { readonly step: TakenStep; readonly effect: () => Promise<unknown> }[] = [];
  readonly #trace: string[] = [];
  readonly #faults = new Map<Fault, number>();
  #news = 0;
  #steps = 0;
  #nowMs: number;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#nowMs = options.startMs;
  }

  /** The race's own time: it passes with the steps. */
  readonly clock = { now: () => this.#nowMs };

  /** Lets time pass. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }

  get figures(): SchedulerFigures {
    return { steps: this.#steps, faults: this.#faults, trace: this.#trace };
  }

  /** A process has a step to take. */
  expect(process: Process): void {
    this.#processes.add(process);
    this.news();
  }

  /** Something has happened that may bring about more. */
  news(): void {
    this.#news++;
  }

  /** Begins an operation of a writer. */
  start(writer: string, operation: number): Process {
    const process = new Process(this, writer, { operation });
    this.expect(process);
    return process;
  }

  /** Takes steps until nobody has one left, then lets every request arrive that is still in flight. */
  async run(): Promise<void> {
    const { maxSteps = 100_000 } = this.#options;
    while (true) {
      await this.#settle();
      if (this.#steps > maxSteps) throw new Error(`The race does not end in ${maxSteps} steps`);
      const alive = [...this.#processes].filter((process) => process.waiting.length > 0);
      if (alive.length === 0 && this.#inFlight.length === 0) return;
      const awake = alive.filter((process) => process.sleepsUntil <= this.#steps);
      if (awake.length === 0 && alive.length > 0 && this.#inFlight.length === 0) {
        this.#steps = Math.min(...alive.map((process) => process.sleepsUntil));
        continue;
      }
      await this.#step(awake);
    }
  }

  /** Requests that are on their way arrive, as late as it gets. */
  async #step(awake: readonly Process[]): Promise<void> {
    const { chance } = this.#options;
    this.#steps++;
    this.#nowMs += STEP_MS;
    const isArrival = this.#inFlight.length > 0 && (awake.length === 0 || chance.percent(4));
    if (isArrival) return await this.#arrive();
    const process = chance.pick(awake);
    // In which order a process makes calls that do not wait for each other, no seed decides.
    process.waiting.sort((a, b) => compare(a.point, b.point));
    const waiting = process.waiting.splice(chance.below(process.waiting.length), 1)[0];
    if (waiting === undefined) throw new TypeError("A process without a step was chosen");
    await this.#take(process, waiting);
  }

  async #arrive(): Promise<void> {
    const { chance } = this.#options;
    const [arrival] = this.#inFlight.splice(chance.below(this.#inFlight.length), 1);
    if (arrival === undefined) return;
    const { step, effect } = arrival;
    await this.#before(step, "arrives");
    // Nobody waits for the answer.
    await effect().catch(() => {/* refused, and nobody there to hear of it */});
    await this.#options.afterStep?.(step);
  }

  async #take(process: Process, waiting: Waiting): Promise<void> {
    const { chance, faults } = this.#options;
    const { writer, operation } = process;
    const { point } = waiting;
    const step = ++process.steps;
    const fault = faults.at({ writer, step, operation, point });
    if (fault !== null) {
      process.wasHit = true;
      this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
    }
    const taken = { writer, point, fault };
    await this.#before(taken, fault ?? "");
    if (fault === "slow") {
      process.sleepsUntil = this.#steps + SLOW_STEPS + chance.below(SLOW_MORE);
      process.waiting.unshift(waiting);
      return;
    }
    if (fault === "cancel") process.cancel();
    await this.#answer(process, waiting, taken);
  }

  async #answer(process: Process, waiting: Waiting, step: TakenStep): Promise<void> {
    const { point, effect, resolve, reject } = waiting;
    const { fault } = step;
    if (fault === "refuse") return reject(refusal(point));
    if (fault === "late" || fault === "crash in flight") {
      process.leftRequests = true;
      this.#inFlight.push({ step, effect });
    }
    if (fault === "late") return reject(lostReply(point));
    if (fault === "crash before" || fault === "crash in flight") return process.die();
    const outcome = await effect().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    await this.#options.afterStep?.(step);
    if (isCrash(fault)) return process.die();
    if ("error" in outcome) return reject(outcome.error);
    if (fault === "lose reply") return reject(lostReply(point));
    resolve(outcome.value);
  }

  async #before(step: TakenStep, note: string): Promise<void> {
    const { writer, point } = step;
    this.#trace.push([this.#steps, writer, point.what, point.where, note].join(" ").trim());
    await this.#options.beforeStep?.(step);
  }

  /** Resolves once every process waits for its turn or is over. */
  async #settle(): Promise<void> {
    let quiet = 0;
    for (let turns = 0; quiet < QUIET_TURNS; turns++) {
      const before = this.#news;
      await setImmediate();
      for (const process of this.#processes) {
        if (process.isOver && process.waiting.length === 0) this.#processes.delete(process);
      }
      const isBusy = [...this.#processes].some(({ waiting, working }) =>
        waiting.length === 0 || working > 0
      );
      quiet = isBusy || this.#news !== before ? 0 : quiet + 1;
      if (turns > MAX_BUSY_TURNS) throw new Error(`Writers do not come to rest: ${this.#busy()}`);
    }
  }

  #busy(): string {
    const busy = [...this.#processes].filter((process) => process.waiting.length === 0);
    return busy.map((process) => `${process.writer} (${process.steps} steps)`).join(", ");
  }
}

function compare(a: Point, b: Point): number {
  const [one, other] = [`${a.what} ${a.where}`, `${b.what} ${b.where}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
