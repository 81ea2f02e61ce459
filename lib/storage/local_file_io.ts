/**
 * Files on local disk, below configured roots. Creates are atomic and durable: hidden file, fsync,
 * hard link to the real name (which fails where the name is taken), fsync of the folder.
 */
import { dirname } from "node:path/posix";
import type { FileIo, FileStat, FileWriter, FolderEntry, ReadOptions } from "../iceberg/ports.ts";
import { AppError } from "../errors.ts";
import { throwIfAborted } from "../abort.ts";
import { failedTo, fileNotFound, type StorageAction } from "./_failures.ts";
import { checkReadOptions } from "./_limits.ts";
import { isAbsence, localFailure } from "./_local/failure.ts";
import { listLocalFolder, type LocalListOptions, walkLocalFolder } from "./_local/list.ts";
import { PathGuard } from "./_local/path_guard.ts";
import {
  type LinkFile,
  makeFolders,
  openTemporary,
  removeIfPresent,
  syncFolder,
  writeAll,
} from "./_local/publish.ts";
import { readOpenFile } from "./_local/read.ts";
import { openLocalWriter } from "./_local/writer.ts";
import { withoutTrailingSlashes } from "./location.ts";
import type { LocalStorageSpec } from "./spec.ts";

/** Options of {@linkcode LocalFileIo}. */
export interface LocalFileIoOptions {
  /** Stands in for `Deno.link` where a test needs a file system without links. */
  readonly link?: LinkFile;
}

/** Local disk. Takes absolute paths, `file:/path` and `file:///path`. */
export class LocalFileIo implements FileIo {
  readonly #guard: PathGuard;
  readonly #link: LinkFile;

  constructor(spec: LocalStorageSpec, options: LocalFileIoOptions = {}) {
    this.#guard = new PathGuard(spec.roots);
    this.#link = options.link ?? Deno.link;
  }

  async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const limitBytes = checkReadOptions(options);
    throwIfAborted(options.signal);
    return await this.#attempt("read", location, async () => {
      const { path, info } = await this.#guard.resolveFile(location);
      // Looked at before it is opened: opening a pipe would wait for a writer for ever.
      refuseOddFile(location, info);
      using file = await Deno.open(path, { read: true });
      return await readOpenFile(file, { location, limitBytes, ...options });
    });
  }

  async stat(location: string, signal?: AbortSignal): Promise<FileStat | null> {
    throwIfAborted(signal);
    return await this.#attempt("stat", location, async () => {
      const path = await this.#resolve("stat", location);
      try {
        const info = await Deno.stat(path);
        if (!info.isFile) return null;
        return { location, sizeBytes: info.size, modifiedAtMs: info.mtime?.getTime() ?? null };
      } catch (error) {
        if (isAbsence(error)) return null;
        throw error;
      }
    });
  }

  async listFolder(location: string, signal?: AbortSignal): Promise<readonly FolderEntry[]> {
    return await this.#attempt("list", location, async () => {
      const path = await this.#resolve("list", location);
      return await listLocalFolder(path, { guard: this.#guard, location, signal });
    });
  }

  listRecursive(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    return this.#walk({ guard: this.#guard, location, signal });
  }

  listEverything(location: string, signal?: AbortSignal): AsyncIterable<FileStat> {
    return this.#walk({ guard: this.#guard, location, signal, temporaries: true });
  }

  async *#walk(options: LocalListOptions): AsyncIterable<FileStat> {
    const { location } = options;
    const folder = withoutTrailingSlashes(location);
    try {
      const path = await this.#resolve("list", location);
      for await (const found of walkLocalFolder(path, options)) {
        const { relativePath, sizeBytes, modifiedAtMs } = found;
        const prefix = folder === "/" ? "" : folder;
        yield { location: `${prefix}/${relativePath}`, sizeBytes, modifiedAtMs };
      }
    } catch (error) {
      throw localFailure(error, { action: "list", location });
    }
  }

  async createIfAbsent(location: string, bytes: Uint8Array): Promise<void> {
    const writer = await this.openWriter(location);
    try {
      await writer.write(bytes);
    } catch (error) {
      await writer.abort();
      throw error;
    }
    await writer.close();
  }

  async put(location: string, bytes: Uint8Array): Promise<void> {
    await this.#attempt("replace", location, async () => {
      const path = await this.#guard.resolve(location, { action: "replace", followLast: false });
      await makeFolders(dirname(path));
      const temporary = await openTemporary(path);
      try {
        try {
          await writeAll(temporary.file, bytes);
          await temporary.file.sync();
        } finally {
          temporary.file.close();
        }
        await Deno.rename(temporary.path, path);
      } catch (error) {
        await removeIfPresent(temporary.path);
        throw error;
      }
      await syncFolder(dirname(path));
    });
  }

  async openWriter(location: string): Promise<FileWriter> {
    const path = await this.#guard.resolve(location, { action: "create", followLast: false });
    return await openLocalWriter({ location, path, link: this.#link });
  }

  async delete(location: string): Promise<void> {
    await this.#attempt("delete", location, async () => {
      const path = await this.#guard.resolve(location, { action: "delete", followLast: false });
      try {
        // Deno.remove would take an empty folder away as well; a folder is no file.
        if ((await Deno.lstat(path)).isDirectory) return;
      } catch (error) {
        if (isAbsence(error)) return;
        throw error;
      }
      await removeIfPresent(path);
    });
  }

  async #resolve(action: StorageAction, location: string): Promise<string> {
    return await this.#guard.resolve(location, { action, followLast: true });
  }

  async #attempt<T>(
    action: StorageAction,
    location: string,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw localFailure(error, { action, location });
    }
  }
}

function refuseOddFile(location: string, info: Deno.FileInfo): void {
  if (info.isFile) return;
  if (info.isDirectory) throw fileNotFound(location);
  throw new AppError(
    "forbidden",
    "not_a_regular_file",
    `${failedTo("read", location)}: it is a pipe, socket or device, not a regular file`,
    { context: { location } },
  );
}
