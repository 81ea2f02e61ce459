/** Counts what is under way, so that a stopping server knows when nothing is. */

/** A set of running works. */
export class InFlight {
  #running = 0;
  #waiting: (() => void)[] = [];

  /** Works under way. */
  get running(): number {
    return this.#running;
  }

  /** Counts a work until `done` settles, either way. */
  track(done: Promise<unknown>): void {
    this.#running++;
    done.then(() => this.#settle(), () => this.#settle());
  }

  /** Resolves as soon as nothing is under way. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #settle(): void {
    this.#running--;
    if (this.#running > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
