/** Whether a candidate catalog can be used, before anything depends on it. */
import { AppError } from "../errors.ts";
import { type Catalog, type CatalogConfig, configInvalid } from "../catalog/mod.ts";

/** Time in which a new catalog must answer. */
export const REACH_TIMEOUT_MS = 10_000;

/** Options of {@linkcode reachCatalog}. */
export interface ReachOptions {
  readonly config: CatalogConfig;
  /** The caller's; a call that was given up says nothing about the catalog. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** Resolves if the catalog answers; otherwise an `invalid` error names the field to look at. */
export async function reachCatalog(catalog: Catalog, options: ReachOptions): Promise<void> {
  const { config, signal, timeoutMs = REACH_TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const both = AbortSignal.any([signal, timeout]);
  try {
    await Promise.race([catalog.ping({ signal: both }), aborted(both)]);
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError || timeout.aborted)) throw error;
    const path = config.type === "hadoop" ? "warehouse" : "uri";
    const message = timeout.aborted || !(error instanceof AppError)
      ? `The catalog did not answer in ${timeoutMs} ms`
      : error.message;
    throw configInvalid([{ path, message }], error);
  }
}

/** Rejects when the signal fires: a ping that does not listen must not hold the caller. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () =>
      reject(
        signal.reason instanceof AppError ? signal.reason : new AppError(
          "cancelled",
          "cancelled",
          "Cannot reach the catalog: the call was given up",
          {
            cause: signal.reason,
          },
        ),
      );
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
