/** Bounds a call: by the client's patience and by ours. */
import { AppError } from "../lib/errors.ts";

/** What bounds a call. */
export interface Bounds {
  /** Aborts when the client goes away. */
  readonly client: AbortSignal;
  readonly timeoutMs: number;
}

/**
 * Runs `call` until it settles, the client goes away or the time is up, whichever is first. Work
 * that ignores its signal does not hold up the answer; its late outcome is dropped.
 */
export async function withDeadline<T>(
  { client, timeoutMs }: Bounds,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const { promise: ended, reject: end } = Promise.withResolvers<never>();
  const onClient = () => end(new AppError("cancelled", "cancelled", "The client went away"));
  const timer = setTimeout(() => end(deadlineExceeded(timeoutMs)), timeoutMs);
  client.addEventListener("abort", onClient, { once: true });
  // Observed here, so that neither side can become an unhandled rejection after the race.
  ended.catch((reason) => controller.abort(reason));
  try {
    if (client.aborted) onClient();
    const work = call(signal);
    work.catch(() => {
      // Reported by the race below, unless that is over: then nobody waits for it.
    });
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    client.removeEventListener("abort", onClient);
  }
}

function deadlineExceeded(timeoutMs: number): AppError {
  return new AppError(
    "deadline_exceeded",
    "deadline_exceeded",
    `Cannot answer within ${timeoutMs} ms`,
    { retryable: true },
  );
}
