/**
 * Whether another server on this machine has died. Each holds a lock on a file in the data directory,
 * which the system takes away with the process; so a successor need not wait until heartbeats are
 * missed. Where there is no such file, on another machine, only heartbeats tell.
 */
import { join } from "node:path";

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
    return new InstanceLock(folder, path, file);
  }

  /** Whether a server is certainly not there any more; its lock is removed then. */
  async isDead(instance: string): Promise<boolean> {
    const path = join(this.#folder, `${instance}.lock`);
    let file: Deno.FsFile;
    try {
      file = await Deno.open(path, { write: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
    try {
      if (!await file.tryLock(true)) return false;
      await Deno.remove(path);
      return true;
    } finally {
      file.close();
    }
  }

  /** Lets go. */
  async release(): Promise<void> {
    await Deno.remove(this.#path);
    this.#file.close();
  }
}
