/** Many calls at once, but not all at once. */

/** Options of {@linkcode mapLimited}. */
export interface MapLimitedOptions {
  /** Most calls under way at once. */
  readonly limit: number;
}

/** Results in order of the items; the first failure ends it. */
export async function mapLimited<T, R>(
  items: readonly T[],
  call: (item: T) => Promise<R>,
  options: MapLimitedOptions,
): Promise<readonly R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  let failed = false;
  const hand = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      const item = items[index] as T;
      try {
        results[index] = await call(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.limit, items.length) }, hand));
  return results;
}
