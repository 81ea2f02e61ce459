/**
 * From the hub to all lines, in rounds: what pipelines have published by now goes out to all who
 * listen, some of them at a time. Each message is written as text once, whoever gets it.
 */
import type { PipelineMetrics } from "../contract/metrics.ts";
import type { PipelineHub, Watch } from "../hub.ts";
import type { MonitorBounds } from "./bounds.ts";
import type { MonitorLine, MonitorMessage } from "./line.ts";

/** One to send to. */
export interface Listener {
  readonly line: MonitorLine;
  /** One pipeline only; all where null. */
  readonly pipelineId: string | null;
  onStalled(): void;
  /** Its one pipeline is not there any more. */
  onForgotten(): void;
}

/** Options of {@linkcode FanOut}. */
export interface FanOutOptions {
  readonly hub: PipelineHub;
  readonly bounds: Pick<MonitorBounds, "messageIntervalMs" | "drainIntervalMs">;
  /** Milliseconds that never go back. */
  readonly elapsedMs: () => number;
}

/** So many messages are sent before the server does what else there is to do: some milliseconds. */
const PORTION_SENDS = 2_000;

/** Messages on their way to all who listen. */
interface Round {
  readonly messages: Map<string, MonitorMessage>;
  readonly listeners: readonly Listener[];
  next: number;
}

/** Sends what pipelines publish. While nobody listens it does nothing, and holds no timer. */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #byPipeline = new Map<string | null, Set<Listener>>();
  readonly #full = new Set<Listener>();
  readonly #texts = new WeakMap<PipelineMetrics, string>();
  readonly #sentAtMs = new Map<string, number>();
  /** What is to be sent, in the order of its first news. */
  readonly #due = new Map<string, PipelineMetrics>();
  #round: Round | null = null;
  #watch: Watch | null = null;
  #sendTimer: ReturnType<typeof setTimeout> | null = null;
  #drainTimer: ReturnType<typeof setInterval> | null = null;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /** Lines that are too full to be sent to. */
  get full(): number {
    return this.#full.size;
  }

  /** Sends what is known and not older than `sinceMs`, and from then on each change. */
  add(listener: Listener, sinceMs: number | null): void {
    const { hub, elapsedMs } = this.#options;
    const { pipelineId } = listener;
    this.#watch ??= this.#startWatch();
    this.#takeNews();
    // What is due goes to everybody in a moment, this one included.
    const known = hub.known({ pipelineId, sinceMs }).filter((one) =>
      !this.#due.has(one.pipeline_id)
    );
    const listeners = this.#byPipeline.get(pipelineId) ?? new Set();
    this.#byPipeline.set(pipelineId, listeners.add(listener));
    const nowMs = elapsedMs();
    for (const metrics of known) this.#offer(listener, this.#message(metrics), nowMs);
  }

  /** Ends it, whether or not it is listening. */
  remove(listener: Listener): void {
    const listeners = this.#byPipeline.get(listener.pipelineId);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#byPipeline.delete(listener.pipelineId);
    this.#full.delete(listener);
    if (this.#full.size === 0) this.#stopDraining();
    if (this.#byPipeline.size === 0) this.#rest();
  }

  #startWatch(): Watch {
    return this.#options.hub.watch({
      onNews: () => this.#schedule(0),
      onForgotten: (pipelineId) => this.#forget(pipelineId),
      // Nothing is as new as that: each listener is told what is known when it begins.
    }, { pipelineId: null, sinceMs: Infinity });
  }

  #schedule(delayMs: number): void {
    this.#sendTimer ??= setTimeout(() => {
      this.#sendTimer = null;
      this.#sendSome();
    }, delayMs);
  }

  #takeNews(): void {
    for (const metrics of this.#watch?.take() ?? []) this.#due.set(metrics.pipeline_id, metrics);
  }

  /** Goes on with the round; where it is over, begins one with all that may be sent by now. */
  #sendSome(): void {
    const nowMs = this.#options.elapsedMs();
    if (this.#round === null) {
      this.#takeNews();
      const waitMs = this.#beginRound(nowMs);
      if (this.#round === null) {
        if (this.#due.size > 0) this.#schedule(waitMs);
        return;
      }
    }
    if (this.#sendPortion(this.#round, nowMs)) this.#round = null;
    this.#schedule(0);
  }

  /** What is left to wait for the next round, where there is nothing to send now. */
  #beginRound(nowMs: number): number {
    const messages = new Map<string, MonitorMessage>();
    let waitMs = Infinity;
    for (const [pipelineId, metrics] of this.#due) {
      const sentAtMs = this.#sentAtMs.get(pipelineId) ?? -Infinity;
      const leftMs = sentAtMs + this.#options.bounds.messageIntervalMs - nowMs;
      if (leftMs > 0) {
        waitMs = Math.min(waitMs, leftMs);
        continue;
      }
      this.#due.delete(pipelineId);
      this.#sentAtMs.set(pipelineId, nowMs);
      messages.set(pipelineId, this.#message(metrics));
    }
    // Whoever comes later was told by `add`.
    if (messages.size > 0) this.#round = { messages, listeners: this.#listeners(), next: 0 };
    return waitMs;
  }

  #listeners(): readonly Listener[] {
    return [...this.#byPipeline.values()].flatMap((listeners) => [...listeners]);
  }

  /** Whether the round is over. All messages go to one client in a row: they travel together. */
  #sendPortion(round: Round, nowMs: number): boolean {
    const { messages, listeners } = round;
    for (let sends = 0; sends < PORTION_SENDS && round.next < listeners.length; round.next++) {
      const listener = listeners[round.next];
      if (listener === undefined || !this.#isListening(listener)) continue;
      const chosen = listener.pipelineId === null
        ? messages.values()
        : [messages.get(listener.pipelineId) ?? []].flat();
      for (const message of chosen) {
        this.#offer(listener, message, nowMs);
        sends++;
      }
    }
    return round.next >= listeners.length;
  }

  #isListening(listener: Listener): boolean {
    return this.#byPipeline.get(listener.pipelineId)?.has(listener) ?? false;
  }

  #offer(listener: Listener, message: MonitorMessage, nowMs: number): void {
    if (listener.line.offer(message, nowMs)) return;
    this.#full.add(listener);
    this.#drainTimer ??= setInterval(() => this.#drain(), this.#options.bounds.drainIntervalMs);
  }

  #drain(): void {
    const nowMs = this.#options.elapsedMs();
    for (const listener of this.#full) {
      const state = listener.line.drain(nowMs);
      if (state === "clear") this.#full.delete(listener);
      if (state === "stalled") listener.onStalled();
    }
    if (this.#full.size === 0) this.#stopDraining();
  }

  #forget(pipelineId: string): void {
    this.#due.delete(pipelineId);
    this.#round?.messages.delete(pipelineId);
    this.#sentAtMs.delete(pipelineId);
    for (const { line } of this.#full) line.drop(pipelineId);
    for (const listener of this.#byPipeline.get(pipelineId) ?? []) listener.onForgotten();
  }

  #message(metrics: PipelineMetrics): MonitorMessage {
    const text = this.#texts.get(metrics) ?? JSON.stringify(metrics);
    this.#texts.set(metrics, text);
    return { pipelineId: metrics.pipeline_id, text };
  }

  #stopDraining(): void {
    if (this.#drainTimer !== null) clearInterval(this.#drainTimer);
    this.#drainTimer = null;
  }

  #rest(): void {
    if (this.#sendTimer !== null) clearTimeout(this.#sendTimer);
    this.#sendTimer = null;
    this.#watch?.end();
    this.#watch = null;
    this.#round = null;
    this.#due.clear();
    this.#sentAtMs.clear();
  }
}
