/**
 * The line to one client. What does not fit into its socket waits here, and only the newest message
 * of each pipeline: a client that does not read costs one message for each pipeline, however long.
 */

/** Of a WebSocket, what is used; the server's own. */
export type MonitorSocket =
  & Pick<WebSocket, "readyState" | "bufferedAmount" | "send" | "close">
  & Pick<EventTarget, "addEventListener">;

/** Figures of a pipeline as text, made once for all who watch. */
export interface MonitorMessage {
  readonly pipelineId: string;
  readonly text: string;
}

/** How a line is. */
export type LineState = "clear" | "full" | "stalled";

/** What counts the messages of all lines. */
export interface MessageCounts {
  sent: number;
  /** Messages that a newer one of their pipeline took the place of, because the client was slow. */
  overtaken: number;
}

/** Options of {@linkcode MonitorLine}. */
export interface MonitorLineOptions {
  readonly maxBufferedBytes: number;
  readonly stallMs: number;
  readonly counts: MessageCounts;
}

/** Sends to one socket. */
export class MonitorLine {
  readonly #socket: Pick<MonitorSocket, "bufferedAmount" | "send">;
  readonly #options: MonitorLineOptions;
  /** By pipeline, in the order of their first news. */
  readonly #waiting = new Map<string, string>();
  #fullSinceMs = 0;

  constructor(
    socket: Pick<MonitorSocket, "bufferedAmount" | "send">,
    options: MonitorLineOptions,
  ) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Sends it, or keeps it; false where it waits, and `drain` is to be called until it does not. */
  offer({ pipelineId, text }: MonitorMessage, nowMs: number): boolean {
    const { counts } = this.#options;
    if (this.#waiting.size === 0) {
      if (this.#hasRoom()) {
        this.#send(text);
        return true;
      }
      this.#fullSinceMs = nowMs;
    }
    if (this.#waiting.has(pipelineId)) counts.overtaken++;
    this.#waiting.set(pipelineId, text);
    return false;
  }

  /** Sends what waits, as far as there is room. */
  drain(nowMs: number): LineState {
    for (const [pipelineId, text] of this.#waiting) {
      if (!this.#hasRoom()) break;
      this.#fullSinceMs = nowMs;
      this.#waiting.delete(pipelineId);
      this.#send(text);
    }
    if (this.#waiting.size === 0) return "clear";
    return nowMs - this.#fullSinceMs >= this.#options.stallMs ? "stalled" : "full";
  }

  /** A pipeline that is not there any more. */
  drop(pipelineId: string): void {
    this.#waiting.delete(pipelineId);
  }

  #hasRoom(): boolean {
    return this.#socket.bufferedAmount <= this.#options.maxBufferedBytes;
  }

  #send(text: string): void {
    this.#options.counts.sent++;
    this.#socket.send(text);
  }
}
