/** A least-recently-used cache bounded by bytes, for values that never change under their key. */

import { throwIfAborted, untilAborted } from "./abort.ts";

/** A value with its estimated size. */
export interface Sized<V> {
  readonly value: V;
  /** Estimated memory, in bytes. */
  readonly bytes: number;
}

/** Loads a value; `signal` is aborted once nobody waits for it any more. */
export type Load<V> = (signal: AbortSignal) => Promise<Sized<V>>;

interface Loading {
  readonly promise: Promise<unknown>;
  readonly controller: AbortController;
  waiters: number;
  settled: boolean;
}

/** Keeps the most recently used values within `maxBytes`; loads of one key are shared. */
export class ByteBudgetCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Sized<unknown>>();
  readonly #loading = new Map<string, Loading>();
  #usedBytes = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: { readonly maxBytes: number }) {
    if (!Number.isSafeInteger(options.maxBytes) || options.maxBytes < 0) {
      throw new RangeError(`Cannot create cache: maxBytes must be >= 0, got ${options.maxBytes}`);
    }
    this.#maxBytes = options.maxBytes;
  }

  /**
   * The value under `key`, loading it once however many ask; failed loads are not kept. A caller
   * whose `signal` is aborted leaves with an `AppError`; the load goes on for the others and is
   * aborted with the last of them. A key must always be loaded as the same type: prefix it with
   * what it holds.
   */
  async getOrLoad<V>(key: string, load: Load<V>, signal?: AbortSignal): Promise<V> {
    throwIfAborted(signal);
    const found = this.#entries.get(key);
    if (found !== undefined) {
      this.#hits++;
      // Re-insertion moves the key to the young end of the map's order.
      this.#entries.delete(key);
      this.#entries.set(key, found);
      return found.value as V;
    }
    const loading = this.#loading.get(key) ?? this.#start(key, load);
    loading.waiters++;
    try {
      return await untilAborted(loading.promise, signal) as V;
    } finally {
      if (--loading.waiters === 0) this.#leave(key, loading, signal);
    }
  }

  /** Figures for metrics; `usedBytes` never exceeds the budget. */
  stats(): { entries: number; usedBytes: number; maxBytes: number; hits: number; misses: number } {
    return {
      entries: this.#entries.size,
      usedBytes: this.#usedBytes,
      maxBytes: this.#maxBytes,
      hits: this.#hits,
      misses: this.#misses,
    };
  }

  #start<V>(key: string, load: Load<V>): Loading {
    this.#misses++;
    const controller = new AbortController();
    const promise = load(controller.signal).then((sized) => {
      this.#store(key, sized);
      return sized.value;
    }).finally(() => loading.settled = true);
    const loading: Loading = { promise, controller, waiters: 0, settled: false };
    this.#loading.set(key, loading);
    return loading;
  }

  /** The last waiter has its answer, or has gone: either way this load serves nobody new. */
  #leave(key: string, loading: Loading, signal: AbortSignal | undefined): void {
    if (this.#loading.get(key) === loading) this.#loading.delete(key);
    // Aborting what is done would change nothing, yet cost an exception object per load.
    if (!loading.settled) loading.controller.abort(signal?.reason);
  }

  #store(key: string, sized: Sized<unknown>): void {
    if (sized.bytes > this.#maxBytes) return; // Larger than everything: keeping it would evict all.
    this.#remove(key); // An aborted load may have finished nevertheless, beside its successor.
    this.#entries.set(key, sized);
    this.#usedBytes += sized.bytes;
    for (const oldKey of this.#entries.keys()) {
      if (this.#usedBytes <= this.#maxBytes) break;
      this.#remove(oldKey);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#usedBytes -= entry.bytes;
  }
}
