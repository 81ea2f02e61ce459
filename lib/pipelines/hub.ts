/**
 * Who watches pipelines, and what they get: the newest figures of each pipeline, never a queue. A
 * watcher that is slow misses what was overtaken in the meantime, and nothing else.
 */
import type { PipelineMetrics } from "./contract/metrics.ts";

/** One who watches. */
export interface Watcher {
  /** Called when there is news; what it is, `take` says. Must not throw, and returns at once. */
  onNews(): void;
  /** Called for a pipeline of the watch that is not there any more. As `onNews`. */
  onForgotten?(pipelineId: string): void;
}

/** A watch that runs. */
export interface Watch {
  /** The newest figures of every pipeline that changed since they were last taken; oldest news first. */
  take(): readonly PipelineMetrics[];
  /** Ends it; nothing is called any more. */
  end(): void;
}

/** Options of {@linkcode PipelineHub.watch}. */
export interface WatchOptions {
  /** One pipeline only; all where null. */
  readonly pipelineId: string | null;
  /** What {@linkcode PipelineHub.known} leaves out at the start. */
  readonly sinceMs: number | null;
}

/** Between those who run pipelines and those who watch them. */
export class PipelineHub {
  readonly #latest = new Map<string, PipelineMetrics>();
  readonly #watches = new Set<ActiveWatch>();

  /** Newest figures of a pipeline; those that newer ones have overtaken on the way are dropped. */
  publish(metrics: PipelineMetrics): void {
    const known = this.#latest.get(metrics.pipeline_id);
    if (known !== undefined && known.version > metrics.version) return;
    this.#latest.set(metrics.pipeline_id, metrics);
    for (const watch of this.#watches) watch.offer(metrics);
  }

  /** A pipeline that is not there any more. */
  forget(pipelineId: string): void {
    if (!this.#latest.delete(pipelineId)) return;
    for (const watch of this.#watches) watch.drop(pipelineId);
  }

  /** What is known of a pipeline; null where nothing was ever published. */
  latest(pipelineId: string): PipelineMetrics | null {
    return this.#latest.get(pipelineId) ?? null;
  }

  /** Of all pipelines. */
  all(): readonly PipelineMetrics[] {
    return [...this.#latest.values()];
  }

  /**
   * What is known of one pipeline or, for null, of all, without what is older than `sinceMs` (Unix
   * milliseconds of `at`). What is as old is kept: in one millisecond a client may have seen half.
   */
  known({ pipelineId, sinceMs }: WatchOptions): readonly PipelineMetrics[] {
    const chosen = pipelineId === null ? this.all() : [this.latest(pipelineId) ?? []].flat();
    return chosen.filter(({ at }) => sinceMs === null || Date.parse(at) >= sinceMs);
  }

  /** Starts with what is known now, if that is news. */
  watch(watcher: Watcher, options: WatchOptions): Watch {
    const watch = new ActiveWatch(
      watcher,
      options.pipelineId,
      () => this.#watches.delete(watch),
    );
    this.#watches.add(watch);
    for (const metrics of this.known(options)) watch.offer(metrics);
    return watch;
  }
}

class ActiveWatch implements Watch {
  readonly #watcher: Watcher;
  readonly #pipelineId: string | null;
  readonly #onEnd: () => void;
  /** In the order of their first news since the last `take`. */
  #news = new Map<string, PipelineMetrics>();

  constructor(watcher: Watcher, pipelineId: string | null, onEnd: () => void) {
    this.#watcher = watcher;
    this.#pipelineId = pipelineId;
    this.#onEnd = onEnd;
  }

  offer(metrics: PipelineMetrics): void {
    if (!this.#concerns(metrics.pipeline_id)) return;
    this.#news.set(metrics.pipeline_id, metrics);
    this.#watcher.onNews();
  }

  drop(pipelineId: string): void {
    if (!this.#concerns(pipelineId)) return;
    this.#news.delete(pipelineId);
    this.#watcher.onForgotten?.(pipelineId);
  }

  take(): readonly PipelineMetrics[] {
    const news = [...this.#news.values()];
    this.#news = new Map();
    return news;
  }

  end(): void {
    this.#onEnd();
  }

  #concerns(pipelineId: string): boolean {
    return this.#pipelineId === null || this.#pipelineId === pipelineId;
  }
}
