/** Concurrent work with results in the order of its items. */
import { throwIfAborted } from "../../abort.ts";

/** Options of {@linkcode mapOrdered}. */
export interface MapOrderedOptions {
  /** Most items under way or waiting to be taken. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` over `items`, at most `concurrency` ahead of the consumer, and yields results in
 * order. On a failure, an abort, or when the consumer stops, what is under way is aborted through
 * the signal that `work` gets, and has settled before the generator ends.
 */
export async function* mapOrdered<Item, Result>(
  items: readonly Item[],
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  options: MapOrderedOptions,
): AsyncGenerator<Result> {
  const stop = new AbortController();
  const signal = options.signal === undefined
    ? stop.signal
    : AbortSignal.any([options.signal, stop.signal]);
  const pending: Promise<Result>[] = [];
  let next = 0;
  const fill = () => {
    while (pending.length < options.concurrency && next < items.length) {
      const item = items[next++];
      if (item === undefined) continue;
      const result = work(item, signal);
      result.catch(() => {
        // Seen by the consumer when its turn comes; a rejection before that is no surprise.
      });
      pending.push(result);
    }
  };
  try {
    throwIfAborted(options.signal);
    fill();
    for (let first = pending.shift(); first !== undefined; first = pending.shift()) {
      const result = await first;
      throwIfAborted(options.signal);
      fill();
      yield result;
    }
  } catch (error) {
    // Why the caller gave up says more than which read noticed first.
    throwIfAborted(options.signal);
    throw error;
  } finally {
    stop.abort();
    await Promise.allSettled(pending);
  }
}
