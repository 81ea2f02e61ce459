/**
 * Looks whether a table has changed, for pipelines that wait for news. Those that wait for the same
 * table share the looks. One that changed lately is looked at often, one that has been quiet for
 * long more rarely, and on local disk at once when its folder has news.
 */
import type { TableLocation } from "../catalog/mod.ts";
import { AppError } from "../errors.ts";
import { type FolderNews, metadataFolderOf, watchMetadataFolder } from "./_folder_news.ts";

/** Locates a table by its dotted name. */
export type Locate = (table: string, signal: AbortSignal) => Promise<TableLocation>;

/** When a table is looked at again: after a part of the time that it has been quiet for. */
export interface Looks {
  readonly minMs: number;
  readonly maxMs: number;
  readonly quietShare: number;
}

/**
 * By what is known of the table's news. Where the system tells of them, looks are there for what it
 * cannot see; a rest catalog is asked over the network.
 */
export type LooksByKind = Readonly<Record<"told" | "file" | "rest", Looks>>;

const LOOKS: LooksByKind = {
  told: { minMs: 20, maxMs: 2_000, quietShare: 1 / 5 },
  file: { minMs: 20, maxMs: 400, quietShare: 1 / 20 },
  rest: { minMs: 100, maxMs: 1_000, quietShare: 1 / 20 },
};

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
  readonly #looks: LooksByKind;
  readonly #watched = new Map<string, Watched>();

  constructor(locate: Locate, looks: LooksByKind = LOOKS) {
    this.#locate = locate;
    this.#looks = looks;
  }

  /** Resolves as soon as the table's state is another one than `key`; rejects as locating does. */
  async changed(table: string, key: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const watched = this.#watch(table, key);
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

  #watch(table: string, key: string): Watched {
    const known = this.#watched.get(table);
    if (known !== undefined) return known;
    const watched: Watched = { waiting: new Set(), stop: new AbortController() };
    this.#watched.set(table, watched);
    // Listens first: what happens from now on is told, what has happened is seen.
    const pace = new Pace(watched.stop.signal, this.#looks);
    pace.listen(key);
    this.#look(table, watched, pace);
    return watched;
  }

  /** Looks until nobody waits; a failure ends the wait of all. */
  async #look(table: string, { waiting, stop }: Watched, pace: Pace): Promise<void> {
    try {
      while (!stop.signal.aborted) {
        const seen = await this.#locate(table, stop.signal).then(
          (location): Seen => ({ location }),
          (error: unknown): Seen => ({ error }),
        );
        if (stop.signal.aborted) return;
        for (const tell of [...waiting]) tell(seen);
        await pace.untilNextLook(seen);
      }
    } finally {
      pace.end();
    }
  }
}

/** When one table is looked at. */
class Pace {
  readonly #stop: AbortSignal;
  readonly #looks: LooksByKind;
  /** When it last had news, as far as anybody was told. */
  #newsMs = performance.now();
  #folder: FolderNews | null = null;
  /** Ends the pause under way; fired already where news came during a look. */
  #news = new AbortController();

  constructor(stop: AbortSignal, looks: LooksByKind) {
    this.#stop = stop;
    this.#looks = looks;
  }

  /** After a look. */
  async untilNextLook(seen: Seen): Promise<void> {
    const kind = "location" in seen ? seen.location.kind : "rest";
    const isTold = kind === "file" && this.#folder !== null;
    const { minMs, maxMs, quietShare } = this.#looks[isTold ? "told" : kind];
    const quietMs = performance.now() - this.#newsMs;
    const waitMs = Math.max(minMs, Math.min(maxMs, quietMs * quietShare));
    await pause(waitMs, AbortSignal.any([this.#stop, this.#news.signal]));
    this.#news = new AbortController();
  }

  /** Listens where the newest metadata that is known lies, if it can. */
  listen(metadataLocation: string): void {
    const folder = metadataFolderOf(metadataLocation);
    if (folder === null) return;
    this.#folder = watchMetadataFolder(folder, () => {
      // A catalog may hear of the file a moment later: looks are frequent again for a while.
      this.#newsMs = performance.now();
      this.#news.abort();
    });
  }

  /** Listens no more. */
  end(): void {
    this.#folder?.close();
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
