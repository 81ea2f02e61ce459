/** One run of an expensive call for everyone who asks for it at the same moment. */
import { abortError, throwIfAborted } from "./_abort.ts";

/**
 * Joins calls made before the shared run has started (that is, in the same turn of the event
 * loop), so a caller never gets an answer older than its own question. The run is aborted only
 * when every caller has given up.
 */
export class SharedCall<T> {
  readonly #run: (signal: AbortSignal) => Promise<T>;
  #pending: { result: Promise<T>; abort: AbortController; callers: number } | null = null;

  constructor(run: (signal: AbortSignal) => Promise<T>) {
    this.#run = run;
  }

  /** The result of a run that starts after this call. */
  async call(signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal);
    const shared = this.#pending ??= this.#start();
    shared.callers++;
    if (signal === undefined) return await shared.result;
    return await new Promise<T>((resolve, reject) => {
      const leave = () => {
        shared.callers--;
        if (shared.callers === 0) shared.abort.abort(signal.reason);
        reject(abortError(signal));
      };
      signal.addEventListener("abort", leave, { once: true });
      shared.result.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
    });
  }

  #start(): { result: Promise<T>; abort: AbortController; callers: number } {
    const abort = new AbortController();
    const result = Promise.resolve().then(() => {
      this.#pending = null;
      return this.#run(abort.signal);
    });
    return { result, abort, callers: 0 };
  }
}
