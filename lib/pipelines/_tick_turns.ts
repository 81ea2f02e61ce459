/** Ticks that work at a time: more than the processors can do would only take memory from each other. */
import { throwIfAborted } from "../abort.ts";

/** Turns, in the order in which they are asked for. */
export class TickTurns {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `limit`: turns at a time, at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Ticks that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `fn` when its turn comes; rejects where the signal fires before. */
  async run<T>(fn: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#acquire(signal);
    try {
      return await fn();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#running < this.#limit) {
      this.#running++;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const leave = () => {
      const at = this.#waiting.indexOf(resolve);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      aborted.reject(signal.reason);
    };
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener("abort", leave, { once: true });
    try {
      await Promise.race([promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
