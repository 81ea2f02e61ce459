/** A store whose every call is a step of a race. */
import type {
  FileIo,
  FileStat,
  FileWriter,
  FolderEntry,
  ReadOptions,
} from "../../lib/iceberg/ports.ts";
import type { Point } from "./_faults.ts";
import type { Stepper } from "./_scheduler.ts";

/** When files were made, by the race's own time: stores have another one. */
export class Births {
  readonly #bornMs = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(location: string, bornMs: number = this.#now()): void {
    this.#bornMs.set(plain(location), bornMs);
  }

  /** Files that nobody told of, such as those in the making, are as old as this. */
  discover(locations: Iterable<string>): void {
    for (const location of locations) {
      if (!this.#bornMs.has(plain(location))) this.add(location);
    }
  }

  /** The stat with the time that the race knows; the machine's clock may be ahead of the race's. */
  of(stat: FileStat): FileStat {
    const bornMs = this.#bornMs.get(plain(stat.location));
    const modifiedAtMs = bornMs ?? Math.min(stat.modifiedAtMs ?? Infinity, this.#now());
    return { ...stat, modifiedAtMs };
  }
}

function plain(location: string): string {
  return location.replace(/^file:(?:\/\/)?/, "");
}

/** Parts of a {@linkcode WatchedIo}. */
export interface WatchedIoOptions {
  readonly io: FileIo;
  readonly process: Stepper;
  readonly births: Births;
  /** Told of writers that the dead leave open. */
  readonly opened: (writer: FileWriter) => void;
}

/** The name of a metadata file: who creates one in a hadoop table commits. */
const METADATA_FILE = /\.metadata\.json(?:\.gz)?$/;

/** See the module comment. */
export class WatchedIo implements FileIo {
  readonly #options: WatchedIoOptions;

  constructor(options: WatchedIoOptions) {
    this.#options = options;
  }

  read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    return this.#step("read", location, { effect: () => this.#io.read(location, options) });
  }

  stat(location: string, signal?: AbortSignal): Promise<FileStat | null> {
    return this.#step("stat", location, {
      effect: async () => {
        const stat = await this.#io.stat(location, signal);
        return stat === null ? null : this.#options.births.of(stat);
      },
    });
  }

  listFolder(location: string, signal?: AbortSignal): Promise<readonly FolderEntry[]> {
    return this.#step("list", location, { effect: () => this.#io.listFolder(location, signal) });
  }

  listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    return this.#list(location, () => this.#io.listRecursive(location, signal));
  }

  listEverything(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    const { io } = this.#options;
    return this.#list(
      location,
      () => io.listEverything?.(location, signal) ?? io.listRecursive(location, signal),
    );
  }

  createIfAbsent(location: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    const weight = METADATA_FILE.test(location) ? "commit" : "write";
    return this.#step("create", location, {
      weight,
      effect: async () => {
        await this.#io.createIfAbsent(location, copy);
        this.#options.births.add(location);
      },
    });
  }

  put(location: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    return this.#step("put", location, {
      weight: "write",
      effect: async () => {
        await this.#io.put(location, copy);
        this.#options.births.add(location);
      },
    });
  }

  openWriter(location: string): Promise<FileWriter> {
    return this.#step("open", location, {
      weight: "look",
      effect: async () => {
        const writer = await this.#io.openWriter(location);
        this.#options.opened(writer);
        return this.#watched(writer);
      },
    });
  }

  delete(location: string): Promise<void> {
    return this.#step("delete", location, {
      weight: "write",
      effect: () => this.#io.delete(location),
    });
  }

  get #io(): FileIo {
    return this.#options.io;
  }

  async *#list(
    location: string,
    list: () => AsyncIterable<FileStat>,
  ): AsyncGenerator<FileStat> {
    const found = await this.#step("list", location, { effect: () => Array.fromAsync(list()) });
    for (const stat of found.sort(byLocation)) yield this.#options.births.of(stat);
  }

  #watched(writer: FileWriter): FileWriter {
    const { births } = this.#options;
    const { location } = writer;
    return {
      location,
      write: (chunk) => this.#options.process.work(() => writer.write(chunk)),
      close: () =>
        this.#step("close", location, {
          weight: "write",
          effect: async () => {
            const stat = await writer.close();
            births.add(location);
            return stat;
          },
        }),
      abort: () => this.#step("abort", location, { effect: () => writer.abort() }),
    };
  }

  #step<T>(
    what: string,
    where: string,
    { weight = "look", effect }: {
      readonly weight?: Point["weight"];
      readonly effect: () => Promise<T>;
    },
  ): Promise<T> {
    return this.#options.process.perform({ what, where, weight }, effect);
  }
}

function byLocation(a: FileStat, b: FileStat): number {
  return a.location < b.location ? -1 : a.location > b.location ? 1 : 0;
}
