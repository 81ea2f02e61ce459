/** What a fired signal means to whoever waits: an `AppError`, never a bare `DOMException`. */
import { AppError } from "../errors.ts";

/** The signal's reason as an error of ours. */
export function abortError(signal: AbortSignal): AppError {
  const { reason } = signal;
  if (reason instanceof AppError) return reason;
  const options = { cause: reason };
  return reason instanceof DOMException && reason.name === "TimeoutError"
    ? new AppError("deadline_exceeded", "deadline_exceeded", "Catalog call timed out", options)
    : new AppError("cancelled", "cancelled", "Catalog call was cancelled", options);
}

/** Rejects if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}
