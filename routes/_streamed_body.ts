/**
 * A request body that goes on as it comes. Whoever takes it may stop in the middle: what the client
 * is still sending is then read past, within bounds, for a connection that is closed under a sender
 * often takes the answer with it.
 */
import { createHash, type Hash } from "node:crypto";
import { AppError } from "../lib/errors.ts";

/** What comes in small pieces is handed on in larger ones: each costs a message to another isolate. */
const PIECE_BYTES = 512 * 1024;
/** Most that is read past, in bytes, and how long. */
export const MAX_DISCARDED_BYTES = 256 * 1024 * 1024;
const MAX_DISCARD_MS = 10_000;

/** A body on its way. */
export interface StreamedBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves once all of it was handed on; rejects where it was not. Nobody has to wait for it. */
  readonly received: Promise<void>;
  /** Of the content, with the same ends. */
  readonly fingerprint: Promise<string>;
}

/** Options of {@linkcode streamBody}. */
export interface StreamBodyOptions {
  /** What the fingerprint depends on beside the content: parameters, media type. */
  readonly facts: readonly unknown[];
  /** False where nobody asks for the fingerprint: it costs time. */
  readonly fingerprinted: boolean;
}

/** Takes over the body of a request. */
export function streamBody(
  request: Request,
  { facts, fingerprinted }: StreamBodyOptions,
): StreamedBody {
  const hash = fingerprinted ? createHash("sha256").update(JSON.stringify(facts)) : null;
  const body = new BodySource(request.body ?? new Blob([]).stream(), hash);
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => body.pull(controller),
    cancel: (reason) => body.leave(reason),
  }, { highWaterMark: 0 });
  const received = body.received.promise;
  const fingerprint = received.then(() => hash?.digest("hex") ?? "");
  for (const promise of [received, fingerprint]) {
    promise.catch(() => {
      // Who waits for it hears of it.
    });
  }
  return { stream, received, fingerprint };
}

class BodySource {
  readonly received = Promise.withResolvers<void>();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #hash: Hash | null;
  /** Of the last chunk what the last piece had no room for. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: ReadableStream<Uint8Array>, hash: Hash | null) {
    this.#reader = source.getReader();
    this.#hash = hash;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const piece = await this.#nextPiece();
      if (piece === null) {
        this.received.resolve();
        return controller.close();
      }
      this.#hash?.update(piece);
      controller.enqueue(piece);
    } catch (cause) {
      // The client went away, or the server did; it is nobody's fault here.
      const message = "Cannot read the body: it broke off";
      const error = new AppError("cancelled", "body_broke_off", message, { cause });
      this.received.reject(error);
      controller.error(error);
    }
  }

  /** Null at the end; only the last piece may be small. */
  async #nextPiece(): Promise<Uint8Array | null> {
    const piece = new Uint8Array(PIECE_BYTES);
    let length = 0;
    while (length < PIECE_BYTES) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#reader.read();
        if (done) return length === 0 ? null : piece.slice(0, length);
        this.#rest = value;
      }
      const part = this.#rest.subarray(0, PIECE_BYTES - length);
      this.#rest = this.#rest.subarray(part.length);
      piece.set(part, length);
      length += part.length;
    }
    return piece;
  }

  /** The rest is of no use to anybody but a client that would not hear the answer while sending. */
  leave(reason: unknown): void {
    this.received.reject(reason);
    this.#discard().catch(() => {
      // It broke off: there is nobody to answer.
    });
  }

  async #discard(): Promise<void> {
    const timer = setTimeout(() => void this.#reader.cancel(), MAX_DISCARD_MS);
    try {
      for (let bytes = 0; bytes < MAX_DISCARDED_BYTES;) {
        const { done, value } = await this.#reader.read();
        if (done) return;
        bytes += value.byteLength;
      }
      await this.#reader.cancel();
    } finally {
      clearTimeout(timer);
    }
  }
}
