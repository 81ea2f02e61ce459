/** A local file being written under a hidden name, published by the same rule as every create. */
import { dirname } from "node:path/posix";
import type { FileStat, FileWriter } from "../../iceberg/ports.ts";
import { AppError } from "../../errors.ts";
import { failedTo } from "../_failures.ts";
import { errorCode, localFailure } from "./failure.ts";
import {
  type LinkFile,
  makeFolders,
  openTemporary,
  publishNoReplace,
  removeIfPresent,
  syncFolder,
  writeAll,
} from "./publish.ts";

/** What {@linkcode openLocalWriter} needs. */
export interface LocalWriterOptions {
  readonly location: string;
  /** The resolved final path. */
  readonly path: string;
  readonly link: LinkFile;
}

/** Starts a file. Its folder is made if missing; nothing is visible at `path` before `close`. */
export async function openLocalWriter(options: LocalWriterOptions): Promise<FileWriter> {
  const { location, path } = options;
  try {
    await makeFolders(dirname(path));
    return new LocalWriter(options, await openTemporary(path));
  } catch (error) {
    throw localFailure(error, { action: "create", location });
  }
}

class LocalWriter implements FileWriter {
  readonly location: string;
  readonly #path: string;
  readonly #link: LinkFile;
  readonly #temporary: string;
  /** Null once published or dropped. */
  #file: Deno.FsFile | null;
  #sizeBytes = 0;

  constructor(options: LocalWriterOptions, opened: { path: string; file: Deno.FsFile }) {
    this.location = options.location;
    this.#path = options.path;
    this.#link = options.link;
    this.#temporary = opened.path;
    this.#file = opened.file;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#file === null) throw new TypeError("Cannot write: writer is done");
    try {
      await writeAll(this.#file, chunk);
      this.#sizeBytes += chunk.length;
    } catch (error) {
      throw localFailure(error, { action: "write", location: this.location });
    }
  }

  async close(): Promise<FileStat> {
    const file = this.#file;
    if (file === null) throw new TypeError("Cannot close: writer is done");
    this.#file = null;
    let modifiedAtMs: number | null;
    try {
      try {
        await file.sync();
        modifiedAtMs = (await file.stat()).mtime?.getTime() ?? null;
      } finally {
        file.close();
      }
      await publishNoReplace({ temporary: this.#temporary, final: this.#path }, this.#link);
    } catch (error) {
      await this.#removeTemporary();
      throw localFailure(error, { action: "create", location: this.location });
    }
    await this.#removeTemporary();
    try {
      await syncFolder(dirname(this.#path));
    } catch (error) {
      // Readers see the file, yet a power cut could still take its name away.
      throw new AppError(
        "commit_state_unknown",
        "create_state_unknown",
        `${failedTo("create", this.location)}: its folder could not be made durable`,
        { context: { location: this.location }, cause: error },
      );
    }
    return { location: this.location, sizeBytes: this.#sizeBytes, modifiedAtMs };
  }

  async abort(): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    this.#file = null;
    file.close();
    await this.#removeTemporary();
  }

  async #removeTemporary(): Promise<void> {
    try {
      await removeIfPresent(this.#temporary);
    } catch (error) {
      // The outcome is decided without this file, and its name marks it as a leftover: the disk's
      // failure to remove it must not turn a success into an error or hide the error under way.
      if (errorCode(error) === null) throw error;
    }
  }
}
