/**
 * A health check that cannot be turned into a load: its result is remembered for a moment, and all
 * who ask meanwhile share one call, which is given up on after a deadline.
 */
import { type Clock, systemClock } from "./clock.ts";

/** Options of {@linkcode createProbe}. */
export interface ProbeOptions {
  /** Resolves if the dependency can be used. */
  readonly check: (signal: AbortSignal) => Promise<void>;
  /** After this long the dependency counts as unreachable. */
  readonly timeoutMs: number;
  /** How long a result stands. */
  readonly freshMs: number;
  /** Told about each failure, for the log. */
  readonly onFailure?: (error: unknown) => void;
  readonly clock?: Clock;
}

/** Whether a dependency can be used, as of a moment ago. */
export type Probe = () => Promise<boolean>;

/** Builds a probe. It never rejects. */
export function createProbe(options: ProbeOptions): Probe {
  const { freshMs, clock = systemClock } = options;
  let last: { readonly result: Promise<boolean>; settledAt: number | null } | null = null;
  return () => {
    const fresh = last !== null &&
      (last.settledAt === null || clock.now() - last.settledAt < freshMs);
    if (last !== null && fresh) return last.result;
    const run = { result: runOnce(options), settledAt: null as number | null };
    last = run;
    run.result.then(() => run.settledAt = clock.now());
    return run.result;
  };
}

async function runOnce({ check, timeoutMs, onFailure }: ProbeOptions): Promise<boolean> {
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No answer in ${timeoutMs} ms`)), timeoutMs);
  try {
    const work = check(controller.signal);
    work.catch(() => {
      // Reported by the race below, unless that is over: then nobody waits for it.
    });
    await Promise.race([work, late]);
    return true;
  } catch (error) {
    controller.abort(error);
    onFailure?.(error);
    return false;
  } finally {
    clearTimeout(timer);
  }
}
