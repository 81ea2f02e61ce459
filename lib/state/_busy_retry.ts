/** Waiting for a lock that another process holds, without standing in the event loop's way. */
import { isBusy } from "./_sql_error.ts";

/** Longest wait for the write lock, in process and between processes together. */
export const MAX_LOCK_WAIT_MS = 10_000;

/** Most attempts, whatever the time. */
export const MAX_LOCK_ATTEMPTS = 1_000;

const FIRST_DELAY_MS = 2;
const MAX_DELAY_MS = 50;

/** Bounds and chance of {@linkcode retryWhileBusy}. */
export interface BusyRetryOptions {
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Runs after every failure for a lock, the last one too; see `Clients.renewWriter`. */
  readonly onBusy?: () => void;
  /** From 0 to 1; tests hold it. */
  readonly random?: () => number;
}

/** Calls `attempt` until it no longer fails for a lock; the last failure is thrown. */
export async function retryWhileBusy<T>(
  attempt: () => Promise<T>,
  options: BusyRetryOptions,
): Promise<T> {
  const { deadlineMs, signal, onBusy, random = Math.random } = options;
  let ceilingMs = FIRST_DELAY_MS;
  for (let attempts = 1;; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      onBusy?.();
      // Full jitter: waiters that were turned away together do not come back together.
      const delayMs = 1 + random() * ceilingMs;
      const tooLate = performance.now() + delayMs > deadlineMs || attempts >= MAX_LOCK_ATTEMPTS;
      if (tooLate || signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      ceilingMs = Math.min(MAX_DELAY_MS, ceilingMs * 2);
    }
  }
}
