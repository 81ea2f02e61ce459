/** Bounded concurrency over a list. */
import { throwIfAborted } from "./abort.ts";

/** Options of {@linkcode mapConcurrently}. */
export interface MapConcurrentlyOptions {
  /** Calls under way at once, at least 1. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Results of `call` in the order of the items, at most `limit` under way at once. The first failure
 * stops further calls, and rejects once those under way have settled.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  call: (item: T, index: number) => Promise<R>,
  { limit, signal }: MapConcurrentlyOptions,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const hand = async () => {
    while (next < items.length && failure === undefined) {
      const index = next++;
      try {
        throwIfAborted(signal);
        // The index is below the length, so the item is there.
        results[index] = await call(items[index] as T, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, hand));
  if (failure !== undefined) throw failure.error;
  return results;
}
