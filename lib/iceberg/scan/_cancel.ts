/** Cancellation of scans. */
import { AppError } from "../../errors.ts";

/** Throws where `signal` has fired: its reason if that is an `AppError`, else kind `cancelled`. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  if (signal.reason instanceof AppError) throw signal.reason;
  throw new AppError("cancelled", "scan_cancelled", "The scan was cancelled", {
    cause: signal.reason,
  });
}
