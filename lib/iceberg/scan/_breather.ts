/** Lets other work of the isolate run while a scan computes. */

/** Longest that a scan computes without a pause, in milliseconds. */
export const MAX_BUSY_MS = 8;

/** Pauses when enough time has passed since the last pause, so that short scans pay nothing. */
export class Breather {
  #lastPauseMs = performance.now();

  /** Yields to timers and sockets if it is time to. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#lastPauseMs < MAX_BUSY_MS) return;
    // A timer, not a promise: promises would run before any waiting event.
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#lastPauseMs = performance.now();
  }
}
