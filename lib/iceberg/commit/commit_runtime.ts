/** What a transaction asks of the world besides the table: time, waiting and chance. */
import { abortError, throwIfAborted } from "../../abort.ts";
import { type Clock, systemClock } from "../../clock.ts";

/** Time and chance, so that tests can hold them. */
export interface CommitRuntime {
  readonly clock: Clock;
  /** Waits; rejects as soon as the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Evenly distributed over 0 to 2^63 - 1. */
  randomLong(): bigint;
}

/** The machine's own. */
export const systemCommitRuntime: CommitRuntime = {
  clock: systemClock,
  sleep,
  randomLong() {
    const [long = 0n] = crypto.getRandomValues(new BigUint64Array(1));
    return long >> 1n;
  },
};

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    throwIfAborted(signal);
    const finish = () => {
      signal?.removeEventListener("abort", leave);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    const leave = () => {
      clearTimeout(timer);
      if (signal !== undefined) reject(abortError(signal));
    };
    signal?.addEventListener("abort", leave, { once: true });
  });
}
