/**
 * A call's input on its way into an isolate, chunk by chunk. The isolate grants credit in bytes as it
 * reads; without credit nothing is taken from the source, so that whoever sends it is slowed down.
 */
import type { FlatError } from "../lib/errors.ts";
import { flattenError, unflattenError } from "../lib/errors.ts";
import { movable } from "./_moved_bytes.ts";

/** Bytes that may be on their way or waiting inside the isolate, beside the chunk being read. */
export const INPUT_WINDOW_BYTES = 1024 * 1024;

/** What the sending side posts. */
export type InputMessage =
  | { readonly type: "chunk"; readonly bytes: Uint8Array }
  | { readonly type: "end" }
  | { readonly type: "broken"; readonly error: FlatError };

/** The sending side of one input. */
export class InputPump {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #post: (message: InputMessage, transfer: ArrayBuffer[]) => void;
  #credit = INPUT_WINDOW_BYTES;
  #more: (() => void) | null = null;
  #stopped = false;

  constructor(
    source: ReadableStream<Uint8Array>,
    post: (message: InputMessage, transfer: ArrayBuffer[]) => void,
  ) {
    this.#reader = source.getReader();
    this.#post = post;
  }

  /** Sends until the source ends, breaks, or the pump is stopped. */
  async run(): Promise<void> {
    try {
      for (;;) {
        while (this.#credit <= 0 && !this.#stopped) {
          await new Promise<void>((resolve) => this.#more = resolve);
        }
        if (this.#stopped) return;
        const { done, value } = await this.#reader.read();
        if (this.#stopped) return;
        if (done) return this.#post({ type: "end" }, []);
        if (value.byteLength > 0) this.#send(value);
      }
    } catch (error) {
      if (!this.#stopped) this.#post({ type: "broken", error: flattenError(error) }, []);
    }
  }

  /** The isolate has read this many bytes. */
  grant(bytes: number): void {
    this.#credit += bytes;
    this.#wake();
  }

  /** Reads no more; the source is told why. */
  stop(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#wake();
    this.#reader.cancel(reason).catch(() => {
      // The source is being given up; that it is broken as well changes nothing.
    });
  }

  #send(bytes: Uint8Array): void {
    this.#credit -= bytes.byteLength;
    const { value, transfer } = movable(bytes);
    this.#post({ type: "chunk", bytes: value as Uint8Array }, transfer);
  }

  #wake(): void {
    this.#more?.();
    this.#more = null;
  }
}

/** The receiving side of one input. */
export class InputSource {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  readonly #waiting: Uint8Array[] = [];
  #pulled: (() => void) | null = null;
  #ended: { readonly error: unknown } | null = null;

  /** `grant` posts credit for what was read. */
  constructor(grant: (bytes: number) => void) {
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: async (controller) => {
        let next = this.#waiting.shift();
        while (next === undefined && this.#ended === null) {
          await new Promise<void>((resolve) => this.#pulled = resolve);
          next = this.#waiting.shift();
        }
        if (next === undefined) return this.#finish();
        grant(next.byteLength);
        controller.enqueue(next);
      },
      cancel: () => {
        this.#waiting.length = 0;
        this.#ended = { error: null };
      },
    }, { highWaterMark: 0 });
  }

  /** Takes what the other side sent. */
  receive(message: InputMessage): void {
    if (this.#ended !== null) return;
    if (message.type === "chunk") this.#waiting.push(message.bytes);
    else {
      const error = message.type === "end" ? null : unflattenError(message.error);
      this.#ended = { error };
    }
    this.#pulled?.();
    this.#pulled = null;
  }

  #finish(): void {
    const error = this.#ended?.error ?? null;
    if (error === null) this.#controller?.close();
    else this.#controller?.error(error);
  }
}
