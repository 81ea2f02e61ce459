/** A bound on how many things run side by side; those that wait are served in order of arrival. */
import { abortError, throwIfAborted } from "../../abort.ts";

/** Hands out a fixed number of permits. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(permits: number) {
    if (!Number.isSafeInteger(permits) || permits < 1) {
      throw new RangeError(`Cannot bound to ${permits} permits: want a whole number from 1 on`);
    }
    this.#free = permits;
  }

  /** Runs `work` under a permit; waiting for one ends when the signal fires. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#acquire(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #acquire(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        if (signal !== undefined) reject(abortError(signal));
      };
      const start = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      this.#waiting.push(start);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** A permit passes straight to the next in line, so nobody overtakes. */
  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
