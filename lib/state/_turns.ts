/** One at a time, in order of arrival, within a bounded queue. */
import { AppError } from "../errors.ts";

/** Most calls that wait for their turn. */
export const MAX_WAITING = 1_000;

/** Bounds of a wait. */
export interface TakeOptions {
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Waiter {
  readonly start: () => void;
  readonly refuse: (error: AppError) => void;
}

/** A fair mutex. The holder gives its turn back by calling what `take` resolved to. */
export class Turns {
  readonly #waiters = new Set<Waiter>();
  #taken = false;
  #closed = false;

  /** Resolves to the release function once it is the caller's turn. */
  async take(options: TakeOptions): Promise<() => void> {
    if (this.#closed) throw closed();
    if (options.signal?.aborted) throw gaveUp();
    if (!this.#taken) {
      this.#taken = true;
    } else {
      if (this.#waiters.size >= MAX_WAITING) throw tooBusy();
      await this.#wait(options);
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#next();
    };
  }

  /** Refuses all who wait and all who come; resolves once the current holder is done. */
  async close(options: TakeOptions): Promise<void> {
    this.#closed = true;
    for (const { refuse } of [...this.#waiters]) refuse(closed());
    if (this.#taken) await this.#wait(options);
  }

  async #wait({ waitMs, signal }: TakeOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever settles a waiter takes it out of the set in the same step: a turn that were handed to
    // one that has given up would be lost to all.
    const settle = (then: () => void) => {
      if (this.#waiters.delete(waiter)) then();
    };
    const waiter: Waiter = {
      start: () => settle(resolve),
      refuse: (error) => settle(() => reject(error)),
    };
    const onAbort = () => waiter.refuse(gaveUp());
    const timer = setTimeout(() => waiter.refuse(tooBusy()), waitMs);
    signal?.addEventListener("abort", onAbort);
    this.#waiters.add(waiter);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #next(): void {
    const [waiter] = this.#waiters;
    if (waiter === undefined) this.#taken = false;
    else waiter.start();
  }
}

function tooBusy(): AppError {
  return new AppError(
    "unavailable",
    "state_busy",
    "Cannot write the state: too many writes are waiting",
    { retryable: true, retryAfterSeconds: 1 },
  );
}

function gaveUp(): AppError {
  return new AppError("cancelled", "cancelled", "Gave up before the state could be written");
}

function closed(): AppError {
  return new AppError("unavailable", "state_closed", "Cannot use the state: it is shut down", {
    retryable: true,
    retryAfterSeconds: 1,
  });
}
