/**
 * A store in memory with the conditional behaviour of a real one: checking for a file and creating
 * it happen in one turn of the event loop, so exactly one of any number of rivals wins. For tests:
 * it counts calls, and it fails where told to.
 */
import type { FileIo, FileStat, FileWriter, FolderEntry, ReadOptions } from "../iceberg/ports.ts";
import { type Clock, systemClock } from "../clock.ts";
import { abortError, throwIfAborted } from "../abort.ts";
import { alreadyExists, fileNotFound, fileTooLarge, rangeOutOfBounds } from "./_failures.ts";
import { checkReadOptions, compareNames } from "./_limits.ts";
import { isTemporaryName } from "./_temporary_name.ts";
import { baseName, invalidLocation, normalizeLocation, parseLocation } from "./location.ts";

/** What a {@linkcode MemoryFileIo} was asked to do. `close` publishes a writer's file. */
export type MemoryOperation =
  | "read"
  | "stat"
  | "listFolder"
  | "listRecursive"
  | "createIfAbsent"
  | "put"
  | "openWriter"
  | "close"
  | "delete";

/** One call, in the order of arrival. */
export interface MemoryCall {
  readonly operation: MemoryOperation;
  readonly location: string;
}

/** A failure to inject. `after` is a lost reply: the effect stands, yet the caller sees the error. */
export interface MemoryFault {
  readonly operation: MemoryOperation;
  readonly when: "before" | "after";
  readonly error: () => Error;
  /** Which locations fail; all if left out. */
  readonly matches?: (location: string) => boolean;
  /** How many calls fail before the fault is spent; 1 if left out. */
  readonly times?: number;
}

/** Options of {@linkcode MemoryFileIo}. */
export interface MemoryFileIoOptions {
  readonly clock?: Clock;
  /** Awaited around every effect, so that tests can make rivals interleave. */
  readonly pause?: () => Promise<void>;
}

interface StoredFile {
  readonly location: string;
  readonly bytes: Uint8Array;
  readonly modifiedAtMs: number;
}

const UPLOADS: ReadonlySet<MemoryOperation> = new Set(["createIfAbsent", "put", "close"]);

/** Files in memory. Takes any absolute location; equal forms (`s3a://`, `s3://`) are one file. */
export class MemoryFileIo implements FileIo {
  readonly #files = new Map<string, StoredFile>();
  readonly #clock: Clock;
  readonly #pause: () => Promise<void>;
  readonly #calls: MemoryCall[] = [];
  #faults: { readonly fault: MemoryFault; left: number }[] = [];

  constructor(options: MemoryFileIoOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#pause = options.pause ?? (() => Promise.resolve());
  }

  /** Every call so far. */
  get calls(): readonly MemoryCall[] {
    return this.#calls;
  }

  /** How many files were sent to the store, failed tries included, where `matches` agrees. */
  countUploads(matches: (location: string) => boolean = () => true): number {
    return this.#calls.filter((c) => UPLOADS.has(c.operation) && matches(c.location)).length;
  }

  /** How many reads were asked for, where `matches` agrees. */
  countReads(matches: (location: string) => boolean = () => true): number {
    return this.#calls.filter((c) => c.operation === "read" && matches(c.location)).length;
  }

  /** Makes coming calls fail, as the fault says. */
  injectFault(fault: MemoryFault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Every location that holds a file, sorted. */
  locations(): readonly string[] {
    return [...this.#files.values()].map((file) => file.location).sort();
  }

  async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const limitBytes = checkReadOptions(options);
    return await this.#perform("read", location, (key) => {
      throwIfAborted(options.signal);
      const file = this.#files.get(key);
      if (file === undefined) throw fileNotFound(location);
      const size = file.bytes.length;
      const { offset, length } = options.range ?? { offset: 0, length: size };
      if (offset + length > size) throw rangeOutOfBounds(location, size);
      if (length > limitBytes) throw fileTooLarge(location, { limitBytes });
      return file.bytes.slice(offset, offset + length);
    }, options.signal);
  }

  async stat(location: string, signal?: AbortSignal): Promise<FileStat | null> {
    return await this.#perform("stat", location, (key) => {
      const file = this.#files.get(key);
      return file === undefined ? null : statOf(location, file);
    }, signal);
  }

  async listFolder(location: string, signal?: AbortSignal): Promise<readonly FolderEntry[]> {
    return await this.#perform("listFolder", location, (key) => {
      const entries = new Map<string, FolderEntry>();
      for (const [, rest] of this.#filesBelow(key)) {
        const [name = "", ...deeper] = rest.split("/");
        const kind = deeper.length === 0 ? "file" : "folder";
        if (name !== "" && !isTemporaryName(name)) entries.set(`${kind} ${name}`, { name, kind });
      }
      return [...entries.values()].sort(compareNames);
    }, signal);
  }

  async *listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    for await (const stat of this.listEverything(location, signal)) {
      if (!isTemporaryName(baseName(stat.location))) yield stat;
    }
  }

  async *listEverything(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    const folder = location.replace(/\/+$/, "");
    const found = await this.#perform(
      "listRecursive",
      location,
      (key) => [...this.#filesBelow(key)].map(([file, rest]) => statOf(`${folder}/${rest}`, file)),
      signal,
    );
    for (const stat of found) {
      throwIfAborted(signal);
      yield stat;
    }
  }

  async createIfAbsent(location: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    await this.#perform("createIfAbsent", location, (key) => this.#create(key, location, copy));
  }

  async put(location: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    await this.#perform("put", location, (key) => {
      this.#files.set(key, { location, bytes: copy, modifiedAtMs: this.#clock.now() });
    });
  }

  async openWriter(location: string): Promise<FileWriter> {
    return await this.#perform("openWriter", location, () =>
      new MemoryWriter(location, {
        publish: (bytes) =>
          this.#perform("close", location, (key) => this.#create(key, location, bytes)),
      }));
  }

  async delete(location: string): Promise<void> {
    await this.#perform("delete", location, (key) => {
      this.#files.delete(key);
    });
  }

  /** Check and effect in one synchronous step: this is the store's atomicity. */
  #create(key: string, location: string, bytes: Uint8Array): FileStat {
    if (this.#files.has(key)) throw alreadyExists(location);
    const file = { location, bytes, modifiedAtMs: this.#clock.now() };
    this.#files.set(key, file);
    return statOf(location, file);
  }

  *#filesBelow(folderKey: string): Iterable<[file: StoredFile, rest: string]> {
    const prefix = folderKey.endsWith("/") ? folderKey : `${folderKey}/`;
    for (const [key, file] of this.#files) {
      if (key.startsWith(prefix)) yield [file, key.slice(prefix.length)];
    }
  }

  async #perform<T>(
    operation: MemoryOperation,
    location: string,
    effect: (key: string) => T,
    signal?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted === true) throw abortError(signal);
    const key = fileKey(location);
    this.#calls.push({ operation, location });
    this.#failIfTold(operation, location, "before");
    await this.#pause();
    const result = effect(key);
    await this.#pause();
    this.#failIfTold(operation, location, "after");
    throwIfAborted(signal);
    return result;
  }

  #failIfTold(operation: MemoryOperation, location: string, when: MemoryFault["when"]): void {
    const due = this.#faults.find(({ fault }) =>
      fault.operation === operation && fault.when === when && (fault.matches?.(location) ?? true)
    );
    if (due === undefined) return;
    due.left--;
    if (due.left <= 0) this.#faults = this.#faults.filter((entry) => entry !== due);
    throw due.fault.error();
  }
}

/** Collects chunks; nothing is visible before `close`. */
class MemoryWriter implements FileWriter {
  readonly location: string;
  readonly #publish: (bytes: Uint8Array) => Promise<FileStat>;
  #chunks: Uint8Array[] | null = [];

  constructor(location: string, parts: { publish: (bytes: Uint8Array) => Promise<FileStat> }) {
    this.location = location;
    this.#publish = parts.publish;
  }

  write(chunk: Uint8Array): Promise<void> {
    if (this.#chunks === null) return Promise.reject(new TypeError("Cannot write: writer is done"));
    this.#chunks.push(chunk.slice());
    return Promise.resolve();
  }

  async close(): Promise<FileStat> {
    const chunks = this.#chunks;
    if (chunks === null) throw new TypeError("Cannot close: writer is done");
    this.#chunks = null;
    return await this.#publish(new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer()));
  }

  abort(): Promise<void> {
    this.#chunks = null;
    return Promise.resolve();
  }
}

function statOf(location: string, file: StoredFile): FileStat {
  return { location, sizeBytes: file.bytes.length, modifiedAtMs: file.modifiedAtMs };
}

/** The form under which equal locations meet. Relative ones are refused, as the other stores do. */
function fileKey(location: string): string {
  const { scheme } = parseLocation(location);
  const key = normalizeLocation(location);
  if (!key.startsWith("/") && (scheme === null || scheme === "file")) {
    throw invalidLocation("it is a relative path, only absolute ones can be opened");
  }
  return key;
}
