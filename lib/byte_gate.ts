/** Lets work through while what it holds in memory fits into a budget, in the order of arrival. */
import { throwIfAborted, untilAborted } from "./abort.ts";

interface Waiter {
  readonly bytes: number;
  readonly open: () => void;
}

/** A budget of bytes that works share. A work of 1 with a budget of 1 runs alone. */
export class ByteGate {
  readonly #maxBytes: number;
  readonly #waiting: Waiter[] = [];
  #heldBytes = 0;

  constructor(options: { readonly maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** Bytes held by works under way. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Runs `work` once `bytes` fit; a claim beyond the whole budget runs when nothing else does. */
  async hold<T>(
    bytes: number,
    work: () => Promise<T>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    throwIfAborted(signal);
    const claim = Math.min(bytes, this.#maxBytes);
    if (this.#waiting.length > 0 || this.#heldBytes + claim > this.#maxBytes) {
      await this.#wait(claim, signal);
    } else this.#heldBytes += claim;
    try {
      return await work();
    } finally {
      this.#heldBytes -= claim;
      this.#admit();
    }
  }

  async #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { bytes, open: resolve };
    this.#waiting.push(waiter);
    try {
      await untilAborted(promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(waiter);
      // Not among them any more: it was let in just before it gave up.
      if (at === -1) this.#heldBytes -= bytes;
      else this.#waiting.splice(at, 1);
      this.#admit();
      throw error;
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#heldBytes + next.bytes > this.#maxBytes) return;
      this.#waiting.shift();
      this.#heldBytes += next.bytes;
      next.open();
    }
  }
}
