/** From a plain description of the stores to one `FileIo` that picks the store by scheme. */
import type { FileIo, FileStat, FileWriter, FolderEntry, ReadOptions } from "../iceberg/ports.ts";
import { AppError } from "../errors.ts";
import { invalidLocation, parseLocation } from "./location.ts";
import { ConditionalCreateSupport } from "./_s3/conditional_create.ts";
import { LocalFileIo } from "./local_file_io.ts";
import { S3FileIo } from "./s3_file_io.ts";
import type { StorageSpec } from "./spec.ts";

/** One for all stores opened here, so that a bucket is tried out once and not for every table. */
const conditionalCreate = new ConditionalCreateSupport();

/** Opens the stores of a spec. Nothing is reached before the first call. */
export function openStorage(spec: StorageSpec): FileIo {
  return new RoutedFileIo({
    local: spec.local === null ? null : new LocalFileIo(spec.local),
    s3: spec.s3 === null ? null : new S3FileIo(spec.s3, { conditionalCreate }),
  });
}

interface Stores {
  readonly local: FileIo | null;
  readonly s3: FileIo | null;
}

class RoutedFileIo implements FileIo {
  readonly #stores: Stores;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  async read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    return await this.#storeOf(location).read(location, options);
  }

  async stat(location: string, signal?: AbortSignal): Promise<FileStat | null> {
    return await this.#storeOf(location).stat(location, signal);
  }

  async listFolder(location: string, signal?: AbortSignal): Promise<readonly FolderEntry[]> {
    return await this.#storeOf(location).listFolder(location, signal);
  }

  async *listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    yield* this.#storeOf(location).listRecursive(location, signal);
  }

  async *listEverything(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    const store = this.#storeOf(location);
    yield* store.listEverything?.(location, signal) ?? store.listRecursive(location, signal);
  }

  async createIfAbsent(location: string, bytes: Uint8Array): Promise<void> {
    await this.#storeOf(location).createIfAbsent(location, bytes);
  }

  async put(location: string, bytes: Uint8Array): Promise<void> {
    await this.#storeOf(location).put(location, bytes);
  }

  async openWriter(location: string): Promise<FileWriter> {
    return await this.#storeOf(location).openWriter(location);
  }

  async delete(location: string): Promise<void> {
    await this.#storeOf(location).delete(location);
  }

  #storeOf(location: string): FileIo {
    const { scheme, path } = parseLocation(location);
    if (scheme === null && !path.startsWith("/")) {
      throw invalidLocation("it is a relative path, only absolute ones can be opened");
    }
    if (scheme === null || scheme === "file") {
      return this.#stores.local ??
        notConfigured("local disk", "the setting DRLS_STORAGE_ROOTS");
    }
    if (scheme === "s3") {
      return this.#stores.s3 ??
        notConfigured("S3", 'the catalog properties "s3.region" and "s3.access-key-id"');
    }
    throw new AppError(
      "unsupported",
      "storage_scheme_unsupported",
      `Storage scheme "${scheme}:" is not supported: use "s3:", "s3a:", "s3n:", "file:" or an ` +
        `absolute path`,
      { context: { location } },
    );
  }
}

function notConfigured(store: string, settings: string): never {
  throw new AppError(
    "unsupported",
    "storage_not_configured",
    `Storage on ${store} is not configured: to use it, set ${settings}`,
  );
}
