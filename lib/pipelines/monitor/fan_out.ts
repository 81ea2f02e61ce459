/**
 * From the hub to all lines. Each message is written as text once, whoever gets it; one pipeline at
 * a time goes out to everybody, and between two of them the server does what else there is to do.
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

/** Sends what pipelines publish. While nobody listens it does nothing, and holds no timer. */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #byPipeline = new Map<string | null, Set<Listener>>();
  readonly #full = new Set<Listener>();
  readonly #texts = new WeakMap<PipelineMetrics, string>();
  readonly #sentAtMs = new Map<string, number>();
  /** What is to be sent, in the order of its first news. */
  readonly #due = new Map<string, PipelineMetrics>();
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
      this.#sendNext();
    }, delayMs);
  }

  #takeNews(): void {
    for (const metrics of this.#watch?.take() ?? []) this.#due.set(metrics.pipeline_id, metrics);
  }

  /** One pipeline, the first that may; the others have turns of their own. */
  #sendNext(): void {
    this.#takeNews();
    const nowMs = this.#options.elapsedMs();
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
      this.#sendToAll(metrics, nowMs);
      waitMs = 0;
      break;
    }
    if (this.#due.size > 0) this.#schedule(waitMs);
  }

  #sendToAll(metrics: PipelineMetrics, nowMs: number): void {
    const message = this.#message(metrics);
    for (const key of [null, message.pipelineId]) {
      for (const listener of this.#byPipeline.get(key) ?? []) this.#offer(listener, message, nowMs);
    }
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
    this.#due.clear();
    this.#sentAtMs.clear();
  }
}
