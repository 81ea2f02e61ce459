/**
 * Whether another server on this machine has died. Each holds a lock on a file in the data directory,
 * which the system takes away with the process; so a successor need not wait until heartbeats are
 * missed. Where there is no such file, on another machine, only heartbeats tell.
 */
import { join } from "node:path";
import type { Log } from "../log.ts";

/** Locks of servers that were killed are removed when they are older than this, in milliseconds. */
const SWEEP_AFTER_MS = 24 * 3_600_000;
/** What a server calls its lock; nothing else in the folder is looked at. */
const LOCK_FILE = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.lock$/;

/** Options of {@linkcode InstanceLock.take}. */
export interface InstanceLockOptions {
  /** The server's id, which it has just got. */
  readonly instance: string;
  readonly log: Log;
}

/** Held while the server runs. */
export class InstanceLock {
  readonly #folder: string;
  readonly #path: string;
  readonly #file: Deno.FsFile;

  private constructor(folder: string, path: string, file: Deno.FsFile) {
    this.#folder = folder;
    this.#path = path;
    this.#file = file;
  }

  /** Takes the lock of a server. */
  static async take(
    dataDir: string,
    { instance, log }: InstanceLockOptions,
  ): Promise<InstanceLock> {
    const folder = join(dataDir, "instances");
    await Deno.mkdir(folder, { recursive: true });
    const path = join(folder, `${instance}.lock`);
    const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
    await file.lock(true);
    await sweep(folder, log);
    return new InstanceLock(folder, path, file);
  }

  /**
   * Whether a server is certainly not there any more. Its file stays: it may have left several
   * pipelines, and other servers ask too.
   */
  async isDead(instance: string): Promise<boolean> {
    return await isFree(join(this.#folder, `${instance}.lock`));
  }

  /** Lets go. */
  async release(): Promise<void> {
    await removeIfThere(this.#path);
    this.#file.close();
  }
}

/** Whether a lock is there that nobody holds. */
async function isFree(path: string): Promise<boolean> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    return await file.tryLock(true);
  } finally {
    file.close();
  }
}

/** Removes what servers left that died long ago; a new one may not have locked its file yet. */
async function sweep(folder: string, log: Log): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!LOCK_FILE.test(name)) continue;
    const path = join(folder, name);
    try {
      if (await isOld(path) && await isFree(path)) await removeIfThere(path);
    } catch (error) {
      // Nothing depends on it, least of all whether this server starts.
      log.warn("Cannot look at the lock of an earlier server", { name, error });
    }
  }
}

async function isOld(path: string): Promise<boolean> {
  try {
    const { mtime } = await Deno.stat(path);
    return mtime !== null && mtime.getTime() < Date.now() - SWEEP_AFTER_MS;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Two servers may sweep at a time. */
async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
