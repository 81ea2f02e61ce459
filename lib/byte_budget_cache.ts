/** A least-recently-used cache bounded by bytes, for values that never change under their key. */

/** A value with its estimated size. */
export interface Sized<V> {
  readonly value: V;
  /** Estimated memory, in bytes. */
  readonly bytes: number;
}

/** Keeps the most recently used values within `maxBytes`; loads of one key are shared. */
export class ByteBudgetCache<V> {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Sized<V>>();
  readonly #loading = new Map<string, Promise<V>>();
  #usedBytes = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: { readonly maxBytes: number }) {
    if (!Number.isSafeInteger(options.maxBytes) || options.maxBytes < 0) {
      throw new RangeError(`Cannot create cache: maxBytes must be >= 0, got ${options.maxBytes}`);
    }
    this.#maxBytes = options.maxBytes;
  }

  /** The value under `key`, loading it once however many ask; failed loads are not kept. */
  async getOrLoad(key: string, load: () => Promise<Sized<V>>): Promise<V> {
    const found = this.#entries.get(key);
    if (found !== undefined) {
      this.#hits++;
      // Re-insertion moves the key to the young end of the map's order.
      this.#entries.delete(key);
      this.#entries.set(key, found);
      return found.value;
    }
    const underWay = this.#loading.get(key);
    if (underWay !== undefined) return await underWay;
    this.#misses++;
    const loading = load().then((sized) => {
      this.#store(key, sized);
      return sized.value;
    }).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return await loading;
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

  #store(key: string, sized: Sized<V>): void {
    if (sized.bytes > this.#maxBytes) return; // Larger than everything: keeping it would evict all.
    this.#entries.set(key, sized);
    this.#usedBytes += sized.bytes;
    for (const [oldKey, old] of this.#entries) {
      if (this.#usedBytes <= this.#maxBytes) break;
      this.#entries.delete(oldKey);
      this.#usedBytes -= old.bytes;
    }
  }
}
