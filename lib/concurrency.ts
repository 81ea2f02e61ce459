/** Bounded concurrency over a list. */

/** Options of {@linkcode forEachConcurrently}. */
export interface ConcurrencyOptions {
  /** Calls under way at once, at least 1. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/**
 * Calls `visit` for each item, at most `limit` at once, started in order. The first failure stops
 * further starts and rejects once the calls under way have settled.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  visit: (item: T, index: number) => Promise<void>,
  { limit, signal }: ConcurrencyOptions,
): Promise<void> {
  let next = 0;
  let failure: { error: unknown } | null = null;
  const lane = async () => {
    while (next < items.length && failure === null) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        // The index is below the length, so the item is there.
        await visit(items[index] as T, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failure !== null) throw (failure as { error: unknown }).error;
}
