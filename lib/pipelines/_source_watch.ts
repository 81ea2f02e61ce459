/**
 * Looks whether a table has changed, for pipelines that wait for news. Those that wait for the same
 * table share the looks. One that changed lately is looked at often, one that has been quiet for
 * long more rarely.
 */
import type { TableLocation } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";

/** Locates a table by its dotted name. */
export type Locate = (table: string, signal: AbortSignal) => Promise<TableLocation>;

/** Least and longest time between two looks, in milliseconds; a rest catalog is asked over the network. */
const LOOKS = {
  file: { minMs: 20, maxMs: 400 },
  rest: { minMs: 100, maxMs: 1_000 },
} as const;
/** A table that has been quiet for so long is looked at after this part of it. */
const QUIET_SHARE = 1 / 20;

/** Tells states of a table apart without reading it. */
export function stateKey(location: TableLocation): string {
  if (location.kind === "file") return location.metadataLocation;
  // The whole response holds fresh credentials each time; the name of the document is what counts.
  const text = new TextDecoder().decode(location.response);
  const match = /"metadata-location"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text);
  if (match !== null) return match[1] ?? "";
  const message =
    "Cannot tell whether the table has changed: its catalog does not name its metadata";
  throw new AppError("unsupported", "metadata_location_missing", message);
}

/** One table that is looked at. */
interface Watched {
  readonly waiting: Set<(seen: Seen) => void>;
  readonly stop: AbortController;
}

type Seen = { readonly location: TableLocation } | { readonly error: unknown };

/** See the module. */
export class SourceWatch {
  readonly #locate: Locate;
  readonly #watched = new Map<string, Watched>();

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  /** Resolves as soon as the table's state is another one than `key`; rejects as locating does. */
  async changed(table: string, key: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const watched = this.#watch(table);
    const onSeen = (seen: Seen) => {
      if ("error" in seen) return reject(seen.error);
      try {
        if (stateKey(seen.location) !== key) resolve();
      } catch (error) {
        reject(error);
      }
    };
    const onAbort = () => resolve();
    watched.waiting.add(onSeen);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      watched.waiting.delete(onSeen);
      if (watched.waiting.size === 0 && this.#watched.get(table) === watched) {
        this.#watched.delete(table);
        watched.stop.abort();
      }
    }
  }

  #watch(table: string): Watched {
    const known = this.#watched.get(table);
    if (known !== undefined) return known;
    const watched: Watched = { waiting: new Set(), stop: new AbortController() };
    this.#watched.set(table, watched);
    this.#look(table, watched);
    return watched;
  }

  /** Looks until nobody waits; a failure ends the wait of all. */
  async #look(table: string, { waiting, stop }: Watched): Promise<void> {
    const sinceMs = performance.now();
    while (!stop.signal.aborted) {
      const seen = await this.#locate(table, stop.signal).then(
        (location): Seen => ({ location }),
        (error: unknown): Seen => ({ error }),
      );
      if (stop.signal.aborted) return;
      for (const tell of [...waiting]) tell(seen);
      const kind = "location" in seen ? seen.location.kind : "rest";
      const { minMs, maxMs } = LOOKS[kind];
      const quietMs = performance.now() - sinceMs;
      await pause(Math.max(minMs, Math.min(maxMs, quietMs * QUIET_SHARE)), stop.signal);
    }
  }
}

/** Waits; resolves early when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish, { once: true });
  });
}
