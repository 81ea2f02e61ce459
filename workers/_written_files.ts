/**
 * What a job writes under its operation's name, so that a job that fails takes it away again. Other
 * files (a catalog's metadata, hints) are the catalog's business.
 */
import { mapConcurrently } from "../lib/concurrency.ts";
import type { FileIo, FileStat, FileWriter, ReadOptions } from "../lib/iceberg/ports.ts";
import { baseName } from "../lib/storage/mod.ts";

/** Deletions under way at once. */
const DELETE_CONCURRENCY = 16;

/** Files of one operation that were created and not deleted, and those still being written. */
export class WrittenFiles {
  readonly #operationId: string;
  readonly #files = new Map<string, FileIo>();
  readonly #open = new Set<FileWriter>();

  constructor(operationId: string) {
    this.#operationId = operationId;
  }

  /** Locations of the finished ones. */
  get locations(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Counts in what another isolate wrote for the same operation. */
  adopt(locations: readonly string[], io: FileIo): void {
    for (const location of locations) this.#files.set(location, io);
  }

  /** The same files, watched. */
  watch(io: FileIo): FileIo {
    return new WatchedFileIo(io, {
      created: (location) => {
        if (baseName(location).includes(this.#operationId)) this.#files.set(location, io);
      },
      deleted: (location) => void this.#files.delete(location),
      opened: (writer) => void this.#open.add(writer),
      closed: (writer) => void this.#open.delete(writer),
    });
  }

  /** Gives up what is still being written. */
  async abortOpen(): Promise<void> {
    await Promise.all([...this.#open].map((writer) => writer.abort()));
    this.#open.clear();
  }

  /** Deletes the finished ones; rejects where one cannot be. */
  async deleteAll(signal: AbortSignal): Promise<void> {
    await mapConcurrently([...this.#files], async ([location, io]) => {
      await io.delete(location);
      this.#files.delete(location);
    }, { limit: DELETE_CONCURRENCY, signal });
  }
}

interface FileEvents {
  created(location: string): void;
  deleted(location: string): void;
  opened(writer: FileWriter): void;
  closed(writer: FileWriter): void;
}

/** Passes every call on, and tells of files that come and go. */
class WatchedFileIo implements FileIo {
  readonly #inner: FileIo;
  readonly #events: FileEvents;

  constructor(inner: FileIo, events: FileEvents) {
    this.#inner = inner;
    this.#events = events;
  }

  async read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    return await this.#inner.read(location, options);
  }

  async stat(location: string, signal?: AbortSignal): Promise<FileStat | null> {
    return await this.#inner.stat(location, signal);
  }

  listFolder: FileIo["listFolder"] = (location, signal) => this.#inner.listFolder(location, signal);

  listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    return this.#inner.listRecursive(location, signal);
  }

  listEverything(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    return this.#inner.listEverything?.(location, signal) ?? this.listRecursive(location, signal);
  }

  async createIfAbsent(location: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#inner.createIfAbsent(location, bytes);
    } finally {
      // One whose fate is unknown may be there too.
      this.#events.created(location);
    }
  }

  async put(location: string, bytes: Uint8Array): Promise<void> {
    await this.#inner.put(location, bytes);
  }

  async openWriter(location: string): Promise<FileWriter> {
    const inner = await this.#inner.openWriter(location);
    const events = this.#events;
    const writer: FileWriter = {
      location: inner.location,
      write: (chunk) => inner.write(chunk),
      async close() {
        try {
          return await inner.close();
        } finally {
          events.closed(writer);
          events.created(location);
        }
      },
      async abort() {
        events.closed(writer);
        await inner.abort();
      },
    };
    events.opened(writer);
    return writer;
  }

  async delete(location: string): Promise<void> {
    await this.#inner.delete(location);
    this.#events.deleted(location);
  }
}
