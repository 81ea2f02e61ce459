/** The answer of an expensive call, kept for a moment and made anew behind the callers' backs. */
import { SharedCall } from "./_shared_call.ts";

/** Part of its time for which an answer is given out without being made anew. */
const YOUNG = 1 / 4;

/** Options of {@linkcode KeptCall}. */
export interface KeptCallOptions {
  /** How old an answer may be, in milliseconds, counted from when its making began; 0 keeps none. */
  readonly freshMs: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

interface Kept<T> {
  readonly value: T;
  readonly fromMs: number;
}

/**
 * Calls again only where the last answer is too old. One that is past its youth is given out while
 * the next is made, so that callers who come often never wait.
 */
export class KeptCall<T> {
  readonly #shared: SharedCall<T>;
  readonly #freshMs: number;
  readonly #now: () => number;
  #kept: Kept<T> | null = null;
  #making = false;
  /** Counts what made answers worthless: one that was begun before is not kept. */
  #epoch = 0;

  constructor(call: (signal: AbortSignal) => Promise<T>, options: KeptCallOptions) {
    this.#shared = new SharedCall(call);
    this.#freshMs = options.freshMs;
    this.#now = options.now ?? (() => performance.now());
  }

  /** An answer; rejects with what the call does, or when the signal fires. */
  async call(signal?: AbortSignal): Promise<T> {
    const kept = this.#kept;
    const ageMs = kept === null ? Infinity : this.#now() - kept.fromMs;
    if (kept === null || ageMs >= this.#freshMs) return await this.#make(signal);
    if (ageMs >= this.#freshMs * YOUNG && !this.#making) {
      this.#make().catch(() => {
        // Whoever asks next makes it anew, and hears what is wrong.
        this.#kept = null;
      });
    }
    return kept.value;
  }

  /** What was kept is not true any more. */
  forget(): void {
    this.#epoch++;
    this.#kept = null;
  }

  async #make(signal?: AbortSignal): Promise<T> {
    const epoch = this.#epoch;
    const fromMs = this.#now();
    this.#making = true;
    try {
      const value = await this.#shared.call(signal);
      if (epoch === this.#epoch && this.#freshMs > 0) this.#kept = { value, fromMs };
      return value;
    } finally {
      this.#making = false;
    }
  }
}
