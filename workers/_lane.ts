/** Isolates that jobs take turns on. */
import { abortError } from "../lib/abort.ts";
import type { AppError } from "../lib/errors.ts";
import { jobsBusy } from "./_failures.ts";

/** Jobs that may wait for an isolate of one lane; more are refused. */
export const MAX_WAITING_JOBS = 64;

/** Options of {@linkcode Lane}. */
export interface LaneOptions {
  /** `MAX_WAITING_JOBS` by default. */
  readonly maxWaiting?: number;
  /** The error for whoever comes when so many wait; `jobs_busy` by default. */
  readonly refuse?: (waiting: number) => AppError;
}

/** Whoever has isolates for tasks. */
export interface Lender<C> {
  /** A free isolate for a task, or null; it is released after the task. */
  tryAcquire(): C | null;
  release(client: C): void;
}

/** A set of isolates, and who waits for one, in the order of arrival. */
export class Lane<C> implements Lender<C> {
  readonly #free: C[];
  readonly #waiting = new Set<(client: C) => void>();
  readonly #maxWaiting: number;
  readonly #refuse: (waiting: number) => AppError;

  constructor(clients: readonly C[], options: LaneOptions = {}) {
    const { maxWaiting = MAX_WAITING_JOBS, refuse = jobsBusy } = options;
    this.#free = [...clients];
    this.#maxWaiting = maxWaiting;
    this.#refuse = refuse;
  }

  /** Jobs that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** An isolate for one job; refused where too many wait. */
  async acquire(signal: AbortSignal): Promise<C> {
    if (signal.aborted) throw abortError(signal);
    const client = this.#free.pop();
    if (client !== undefined) return client;
    if (this.#waiting.size >= this.#maxWaiting) throw this.#refuse(this.#waiting.size);
    const { promise, resolve, reject } = Promise.withResolvers<C>();
    // Whoever takes a waiter out of the set settles it: an isolate given to one that has left is lost.
    const leave = () => this.#waiting.delete(resolve) && reject(abortError(signal));
    this.#waiting.add(resolve);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** A free isolate for a task, or null. Jobs go first: while one waits, none is free. */
  tryAcquire(): C | null {
    return this.#waiting.size > 0 ? null : this.#free.pop() ?? null;
  }

  /** Gives one back. */
  release(client: C): void {
    const [next] = this.#waiting;
    if (next === undefined) return void this.#free.push(client);
    this.#waiting.delete(next);
    next(client);
  }
}

/** Isolates that one job has reserved for its tasks. */
export class Helpers<C> {
  readonly #lender: Lender<C>;
  readonly #reserved = new Map<number, C>();
  #next = 1;
  #isOver = false;

  constructor(lender: Lender<C>) {
    this.#lender = lender;
  }

  /** Null where none is free. */
  reserve(): number | null {
    const client = this.#isOver ? null : this.#lender.tryAcquire();
    if (client === null) return null;
    const isolate = this.#next++;
    this.#reserved.set(isolate, client);
    return isolate;
  }

  /** For one task; whoever takes it gives it back to its lender. */
  take(isolate: number): C {
    const client = this.#reserved.get(isolate);
    if (client === undefined) throw new TypeError(`Cannot use isolate ${isolate}: not reserved`);
    this.#reserved.delete(isolate);
    return client;
  }

  /** The job is over: what it reserved and did not use goes back. */
  release(): void {
    this.#isOver = true;
    for (const client of this.#reserved.values()) this.#lender.release(client);
    this.#reserved.clear();
  }
}
