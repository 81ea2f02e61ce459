/** When to try again: full jitter, bounded by attempts and by time, later if the store says so. */
import { abortError, throwIfAborted } from "../../abort.ts";

/** Bounds of trying again. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly maxAttempts: number;
  /** The longest wait before the second attempt; doubles with each further one. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** No attempt starts later than this after the first. */
  readonly totalMs: number;
}

/** Rides out a store's restart or a burst of throttling, and gives up within a minute. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 6,
  baseDelayMs: 100,
  maxDelayMs: 5_000,
  totalMs: 60_000,
};

/** Where a call stands, for {@linkcode nextDelayMs}. */
export interface RetryState {
  /** Attempts made so far. */
  readonly attempts: number;
  readonly elapsedMs: number;
  /** What the store asked for, as the shortest wait. */
  readonly retryAfterMs: number | null;
}

/** The wait before the next attempt, or null to give up. `random` is in [0, 1). */
export function nextDelayMs(
  state: RetryState,
  options: { readonly policy: RetryPolicy; readonly random: () => number },
): number | null {
  const { policy, random } = options;
  if (state.attempts >= policy.maxAttempts) return null;
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (state.attempts - 1));
  const delayMs = Math.max(state.retryAfterMs ?? 0, random() * ceiling);
  return state.elapsedMs + delayMs > policy.totalMs ? null : delayMs;
}

/** Waits; rejects at once when the signal fires. */
export function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      if (signal !== undefined) reject(abortError(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
