/**
 * A result on its way from an isolate to a client. Pieces wait here up to a bound, so that a result
 * that fits is taken off its isolate at once; beyond that the isolate waits for the client, and not
 * for ever.
 */
import { AppError } from "../lib/errors.ts";

/** Bytes that may wait for the client beside the piece that was added last. */
export const RESULT_WINDOW_BYTES = 1024 * 1024;
/** How long a client may read nothing while an isolate waits for it, in milliseconds. */
export const STALL_MS = 30_000;

/** Options of {@linkcode ResultStream}. */
export interface ResultStreamOptions {
  /** Told when nobody will read on, and why. */
  readonly onGone: (reason: AppError) => void;
  /** See `STALL_MS`; tests have less time. */
  readonly stallMs?: number;
}

/** See the top of this file. */
export class ResultStream {
  /** The bytes; what breaks the query off breaks it too, whatever was sent. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: ResultStreamOptions;
  readonly #first = Promise.withResolvers<void>();
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #wanted: (() => void) | null = null;
  #over = false;

  constructor(options: ResultStreamOptions) {
    this.#options = options;
    this.#first.promise.catch(() => {
      // Whoever started the query hears of it, if they still wait.
    });
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#wake(),
      cancel: () => {
        this.#over = true;
        this.#wake();
        options.onGone(new AppError("cancelled", "cancelled", "The client went away"));
      },
    }, { highWaterMark: RESULT_WINDOW_BYTES, size: (bytes) => bytes?.byteLength ?? 0 });
  }

  /** Resolves with the first bytes, or the end of an empty result; rejects if an error comes first. */
  get started(): Promise<void> {
    return this.#first.promise;
  }

  /** Adds a piece; resolves when there is room for another. */
  async add(bytes: Uint8Array): Promise<void> {
    if (this.#over) return;
    this.#controller?.enqueue(bytes);
    this.#first.resolve();
    const stalled = setTimeout(
      () => this.#options.onGone(clientStalled()),
      this.#options.stallMs ?? STALL_MS,
    );
    try {
      while (!this.#over && (this.#controller?.desiredSize ?? 0) <= 0) {
        await new Promise<void>((resolve) => this.#wanted = resolve);
      }
    } finally {
      clearTimeout(stalled);
    }
  }

  /** The result is complete. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.close();
    this.#first.resolve();
  }

  /** The result ends here, incomplete; what waits for the client is dropped. */
  break(error: unknown): void {
    this.#first.reject(error);
    this.#wake();
    if (this.#over) return;
    this.#over = true;
    this.#controller?.error(error);
  }

  #wake(): void {
    this.#wanted?.();
    this.#wanted = null;
  }
}

function clientStalled(): AppError {
  const message = "The client read nothing of the result for too long";
  return new AppError("cancelled", "client_stalled", message);
}
