/** Keeps an event loop responsive through long synchronous folds. */

import { throwIfAborted } from "./abort.ts";

/** Longest stretch of synchronous work between two turns of the event loop, in milliseconds. */
const MAX_STRETCH_MS = 8;

/** Call {@linkcode Pacer.breathe} between steps of a long fold. */
export class Pacer {
  #stretchStart = performance.now();

  /** Gives the event loop a turn if the current stretch has been long; otherwise returns at once. */
  async breathe(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (performance.now() - this.#stretchStart < MAX_STRETCH_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#stretchStart = performance.now();
    throwIfAborted(signal);
  }
}
