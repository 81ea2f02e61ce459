/**
 * Whether another server on this machine has died. Each holds a lock on a file in the data directory,
 * which the system takes away with the process; so a successor need not wait until heartbeats are
 * missed. Where there is no such file, on another machine, only heartbeats tell.
 */
import { join } from "node:path";

/** Locks of servers that were killed are removed when they are older than this, in milliseconds. */
const SWEEP_AFTER_MS = 24 * 3_600_000;

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

  /** Takes the lock of a server that has just got its id. */
  static async take(dataDir: string, instance: string): Promise<InstanceLock> {
    const folder = join(dataDir, "instances");
    await Deno.mkdir(folder, { recursive: true });
    const path = join(folder, `${instance}.lock`);
    const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
    await file.lock(true);
    await sweep(folder);
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
async function sweep(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (await isOld(path) && await isFree(path)) await removeIfThere(path);
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
