/** What a fired signal means to whoever waits: an `AppError`, never a bare `DOMException`. */
import { AppError } from "./errors.ts";

/** The signal's reason as an error of ours: kind `deadline_exceeded` or `cancelled`. */
export function abortError(signal: AbortSignal): AppError {
  const reason: unknown = signal.reason;
  if (reason instanceof AppError) return reason;
  const options = { cause: reason };
  return reason instanceof DOMException && reason.name === "TimeoutError"
    ? new AppError("deadline_exceeded", "deadline_exceeded", "The call timed out", options)
    : new AppError("cancelled", "cancelled", "The call was cancelled", options);
}

/** Throws if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}

/** Settles as `work` does, or rejects as soon as the signal fires, whatever the work does then. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const leave = () => reject(abortError(signal));
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
