/**
 * The monitor: lets clients in, sends them what pipelines publish, and closes the sockets of those
 * who are too slow, too talkative or not allowed to watch any more.
 */
import type { Access, CallContext, Principal } from "../../access/mod.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { PipelineHub } from "../hub.ts";
import { CLOSES, MONITOR_BOUNDS, type MonitorBounds, type MonitorClose } from "./bounds.ts";
import { FanOut, type Listener } from "./fan_out.ts";
import { type MessageCounts, MonitorLine, type MonitorSocket } from "./line.ts";

/** What somebody wants to watch. */
export interface MonitorQuery {
  /** One pipeline only; all where null. */
  readonly pipelineId: string | null;
  /** Leaves out, at the start, what whoever saw a message with this `at` has seen: Unix milliseconds. */
  readonly sinceMs: number | null;
}

/** How busy the monitor is. */
export interface MonitorStats {
  /** Clients that watch. */
  readonly watching: number;
  /** Of those, clients whose sockets are full. */
  readonly slow: number;
  /** Sockets that were closed, and whose clients have not let go. */
  readonly lingering: number;
  readonly messagesSent: number;
  /** Messages that a slow client never got, because a newer one took their place. */
  readonly messagesOvertaken: number;
}

/** Options of {@linkcode PipelineMonitor}. */
export interface PipelineMonitorOptions {
  readonly hub: PipelineHub;
  readonly access: Pick<Access, "refresh">;
  readonly log: Log;
  readonly bounds?: Partial<MonitorBounds>;
  /** Milliseconds that never go back. */
  readonly elapsedMs?: () => number;
}

/** How long someone waits who found no place, in seconds. */
const FULL_RETRY_SECONDS = 10;

/** A socket from its handshake to its end. */
interface Seat extends Listener {
  readonly socket: MonitorSocket;
  principal: Principal;
  phase: "opening" | "watching" | "closing";
  readonly takenAtMs: number;
  checkedAtMs: number;
  windowStartMs: number;
  messages: number;
}

/** Sends live figures of pipelines to sockets. */
export class PipelineMonitor {
  readonly #options: PipelineMonitorOptions;
  readonly #bounds: MonitorBounds;
  readonly #elapsedMs: () => number;
  readonly #fanOut: FanOut;
  readonly #seats = new Set<Seat>();
  readonly #counts: MessageCounts = { sent: 0, overtaken: 0 };
  #checkTimer: ReturnType<typeof setInterval> | null = null;
  #checking = false;
  #stopping = false;
  /** Called when the last seat is free. */
  #onEmpty: (() => void) | null = null;

  constructor(options: PipelineMonitorOptions) {
    this.#options = options;
    this.#bounds = { ...MONITOR_BOUNDS, ...options.bounds };
    this.#elapsedMs = options.elapsedMs ?? (() => performance.now());
    this.#fanOut = new FanOut({
      hub: options.hub,
      bounds: this.#bounds,
      elapsedMs: this.#elapsedMs,
    });
  }

  /** What sockets are to be made with: how long a client may be silent. */
  get idleTimeoutSeconds(): number {
    return this.#bounds.idleTimeoutSeconds;
  }

  /** Throws where there is no such pipeline, or no place. To be asked before a socket is made. */
  admit({ principal }: Pick<CallContext, "principal">, { pipelineId }: MonitorQuery): void {
    if (pipelineId !== null && this.#options.hub.latest(pipelineId) === null) {
      const message = `Cannot find the pipeline "${pipelineId}"`;
      throw new AppError("not_found", "pipeline_not_found", message);
    }
    if (this.#stopping) {
      throw noPlace("server_stopping", "Cannot watch pipelines: the server is stopping");
    }
    const { maxSockets, maxSocketsPerPrincipal } = this.#bounds;
    if (this.#seats.size >= maxSockets) {
      const message = `Cannot watch pipelines: ${maxSockets} sockets do already, which is the most`;
      throw noPlace("too_many_watchers", message);
    }
    const own = [...this.#seats].filter((seat) => seat.principal.id === principal.id).length;
    if (own >= maxSocketsPerPrincipal) {
      const message = `Cannot watch pipelines: ${maxSocketsPerPrincipal} sockets of "` +
        `${principal.name}" do already, which is the most. Close some of them`;
      throw noPlace("too_many_watchers", message);
    }
  }

  /** Watches as soon as the socket is open, until either side ends it. */
  watch(
    socket: MonitorSocket,
    { principal, pipelineId, sinceMs }: MonitorQuery & Pick<CallContext, "principal">,
  ): void {
    const nowMs = this.#elapsedMs();
    const line = new MonitorLine(socket, { ...this.#bounds, counts: this.#counts });
    const seat: Seat = {
      socket,
      line,
      pipelineId,
      principal,
      phase: "opening",
      takenAtMs: nowMs,
      checkedAtMs: nowMs,
      windowStartMs: nowMs,
      messages: 0,
      onStalled: () => this.#close(seat, "stalled"),
      onForgotten: () => this.#close(seat, "forgotten"),
    };
    this.#seats.add(seat);
    this.#checkTimer ??= setInterval(() => void this.#check(), this.#bounds.recheckMs);
    socket.addEventListener("open", () => {
      if (seat.phase !== "opening") return this.#sendClose(seat, "tooLate");
      seat.phase = "watching";
      this.#fanOut.add(seat, sinceMs === null ? null : sinceMs - this.#overlapMs);
    });
    socket.addEventListener("message", (event) => this.#hear(seat, event));
    // An error is always followed by a close.
    socket.addEventListener("close", () => this.#leave(seat));
  }

  /** How busy it is. */
  stats(): MonitorStats {
    const phases = [...this.#seats].map(({ phase }) => phase);
    return {
      watching: phases.filter((phase) => phase === "watching").length,
      slow: this.#fanOut.full,
      lingering: phases.filter((phase) => phase === "closing").length,
      messagesSent: this.#counts.sent,
      messagesOvertaken: this.#counts.overtaken,
    };
  }

  /** Closes all sockets, and lets nobody in any more; resolves once clients have let go, or do not. */
  async close(): Promise<void> {
    this.#stopping = true;
    if (this.#seats.size === 0) return;
    const { promise: empty, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    for (const seat of this.#seats) this.#close(seat, "stopping");
    const timer = setTimeout(resolve, this.#bounds.closeMs);
    await empty;
    clearTimeout(timer);
    for (const seat of this.#seats) this.#leave(seat);
  }

  /** How much older than a message that was sent another one may be that was still to be sent. */
  get #overlapMs(): number {
    const { messageIntervalMs, stallMs, newsDelayMs } = this.#bounds;
    return messageIntervalMs + stallMs + newsDelayMs;
  }

  #close(seat: Seat, why: MonitorClose): void {
    if (seat.phase === "closing") return;
    seat.phase = "closing";
    this.#fanOut.remove(seat);
    this.#options.log.debug("Watch of pipelines closed", { why, principal: seat.principal.id });
    this.#sendClose(seat, why);
  }

  #sendClose({ socket }: Seat, why: MonitorClose): void {
    socket.close(CLOSES[why].code, CLOSES[why].reason);
  }

  #leave(seat: Seat): void {
    seat.phase = "closing";
    this.#fanOut.remove(seat);
    this.#seats.delete(seat);
    if (this.#seats.size > 0) return;
    if (this.#checkTimer !== null) clearInterval(this.#checkTimer);
    this.#checkTimer = null;
    this.#onEmpty?.();
  }

  #hear(seat: Seat, event: object): void {
    const { maxMessageBytes, maxMessages, messageWindowMs } = this.#bounds;
    if (messageSize(event) > maxMessageBytes) return this.#close(seat, "tooBig");
    const nowMs = this.#elapsedMs();
    if (nowMs - seat.windowStartMs >= messageWindowMs) {
      seat.windowStartMs = nowMs;
      seat.messages = 0;
    }
    if (++seat.messages > maxMessages) this.#close(seat, "talkative");
  }

  /** Looks whether those who watch still may, once for each credential, and frees places of no-shows. */
  async #check(): Promise<void> {
    // A state that answers slowly must not be asked more and more.
    if (this.#checking) return;
    this.#checking = true;
    try {
      const byCredential = new Map<string, Seat[]>();
      for (const seat of this.#seats) {
        if (seat.phase === "watching") {
          const key = JSON.stringify(seat.principal.credential);
          const seats = byCredential.get(key) ?? [];
          seats.push(seat);
          byCredential.set(key, seats);
        }
        const lateMs = this.#elapsedMs() - seat.takenAtMs - this.#bounds.openMs;
        if (seat.phase === "opening" && lateMs >= 0) this.#leave(seat);
      }
      for (const seats of byCredential.values()) await this.#checkSeats(seats);
    } finally {
      this.#checking = false;
    }
  }

  /** Of seats with the same credential. */
  async #checkSeats(seats: readonly Seat[]): Promise<void> {
    const [first] = seats;
    if (first === undefined) return;
    try {
      const principal = await this.#options.access.refresh(first.principal);
      for (const seat of seats) {
        seat.principal = principal;
        seat.checkedAtMs = this.#elapsedMs();
      }
    } catch (error) {
      const refused = error instanceof AppError &&
        (error.kind === "unauthenticated" || error.kind === "forbidden");
      if (!refused) this.#options.log.warn("Cannot check who watches pipelines", { error });
      for (const seat of seats) {
        const uncheckedMs = this.#elapsedMs() - seat.checkedAtMs;
        if (refused || uncheckedMs >= this.#bounds.uncheckedMs) this.#close(seat, "denied");
      }
    }
  }
}

function noPlace(code: string, message: string): AppError {
  return new AppError("unavailable", code, message, {
    retryable: true,
    retryAfterSeconds: FULL_RETRY_SECONDS,
  });
}

/** Text in characters: never more than its bytes, and only its order of magnitude matters. */
function messageSize(event: object): number {
  const data: unknown = "data" in event ? event.data : null;
  if (typeof data === "string") return data.length;
  return data instanceof ArrayBuffer ? data.byteLength : 0;
}
