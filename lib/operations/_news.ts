/** News of the operations that run here: the newest progress of each, and who wants to hear of it. */
import type { OperationProgress } from "./schemas.ts";

/** What runs here. */
export interface LiveOperation {
  /** Asks it to stop; it may still succeed where its commit is under way. */
  cancel(reason: unknown): void;
  progress: OperationProgress | null;
  /** Counts every news, so that equal counts are equal states. */
  version: number;
  /** Resolves, never rejects, when its end is recorded. */
  readonly ended: Promise<void>;
}

/** Operations by id, and their listeners. */
export class OperationNews {
  readonly #live = new Map<string, LiveOperation>();
  readonly #listeners = new Map<string, Set<() => void>>();

  add(id: string, live: LiveOperation): void {
    this.#live.set(id, live);
  }

  get(id: string): LiveOperation | undefined {
    return this.#live.get(id);
  }

  all(): readonly LiveOperation[] {
    return [...this.#live.values()];
  }

  progress(id: string, progress: OperationProgress): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    live.progress = progress;
    live.version++;
    this.#tell(id);
  }

  /** It has ended, and its end is recorded. */
  remove(id: string): void {
    this.#live.delete(id);
    this.#tell(id);
  }

  /** Calls `listener` at every news of an operation; the result ends that. */
  listen(id: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(id, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(id);
    };
  }

  #tell(id: string): void {
    for (const listener of this.#listeners.get(id) ?? []) listener();
  }
}
