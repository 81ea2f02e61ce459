/** One run of an expensive call for everyone who asks for it at the same time. */
import { abortError, throwIfAborted } from "../abort.ts";

/** Options of {@linkcode SharedCall}. */
export interface SharedCallOptions {
  /**
   * Also join a run that is under way. Without it a caller joins only before the run has started
   * (in the same turn of the event loop), so that no answer is older than its question.
   */
  readonly joinRunning?: boolean;
}

interface Run<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  callers: number;
}

/** Joins calls into runs; a run is aborted only when every caller has given up. */
export class SharedCall<T> {
  readonly #call: (signal: AbortSignal) => Promise<T>;
  readonly #joinRunning: boolean;
  #open: Run<T> | null = null;

  constructor(call: (signal: AbortSignal) => Promise<T>, options: SharedCallOptions = {}) {
    this.#call = call;
    this.#joinRunning = options.joinRunning ?? false;
  }

  /** The result of a run; rejects as soon as `signal` fires, whatever the run does. */
  async call(signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal);
    const run = this.#open ??= this.#start();
    run.callers++;
    if (signal === undefined) return await run.result;
    return await new Promise<T>((resolve, reject) => {
      const leave = () => {
        run.callers--;
        if (run.callers === 0) {
          this.#close(run);
          run.abort.abort(signal.reason);
        }
        reject(abortError(signal));
      };
      signal.addEventListener("abort", leave, { once: true });
      run.result.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
    });
  }

  #start(): Run<T> {
    const abort = new AbortController();
    const result = Promise.resolve().then(async () => {
      if (!this.#joinRunning) this.#close(run);
      try {
        return await this.#call(abort.signal);
      } finally {
        this.#close(run);
      }
    });
    const run: Run<T> = { result, abort, callers: 0 };
    return run;
  }

  /** Nobody joins it any more. */
  #close(run: Run<T>): void {
    if (this.#open === run) this.#open = null;
  }
}
