/**
 * How a file comes into being on local disk: written under a hidden name, made durable, and only
 * then given its real name, in one step that fails if the name is taken. A crash at any point
 * leaves either nothing or the whole file under the real name.
 */
import { basename, dirname, join } from "node:path/posix";
import { temporaryName } from "../_temporary_name.ts";
import { errorCode, isAbsence } from "./failure.ts";

/** What link(2) answers where the file system (FAT, some FUSE and network mounts) has no links. */
const NO_LINK_CODES: ReadonlySet<string | null> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
  "EXDEV",
]);

/** What fsync(2) answers where folders cannot be synced; such file systems sync names themselves. */
const NO_FOLDER_SYNC_CODES: ReadonlySet<string | null> = new Set(["EINVAL", "ENOTSUP", "EISDIR"]);

/** The call behind {@linkcode publishNoReplace}, open to replacement in tests. */
export type LinkFile = (from: string, to: string) => Promise<void>;

/** Creates missing folders down to `folder`, each made durable in its parent. */
export async function makeFolders(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let current = folder; !(await exists(current)); current = dirname(current)) {
    missing.push(current);
  }
  for (const path of missing.reverse()) {
    try {
      await Deno.mkdir(path);
    } catch (error) {
      // A rival made it first, which is as good. If it is no folder, the next step says so.
      if (errorCode(error) !== "EEXIST") throw error;
    }
    await syncFolder(dirname(path));
  }
}

/** A new hidden file beside the final path, open for writing. */
export async function openTemporary(path: string): Promise<{ path: string; file: Deno.FsFile }> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  return { path: temporary, file: await Deno.open(temporary, { write: true, createNew: true }) };
}

/** Writes all of `bytes`; a single write may be short. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/**
 * Gives a finished temporary file its final name if that is free, else throws `EEXIST`. The commit
 * point of every create on local disk is the `link` here. The temporary name remains: the caller
 * removes it.
 */
export async function publishNoReplace(
  paths: { readonly temporary: string; readonly final: string },
  link: LinkFile,
): Promise<void> {
  const { temporary, final } = paths;
  try {
    await link(temporary, final);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EEXIST") {
      // NFS may repeat a request whose reply was lost and then report our own link as a rival's.
      // A second name on our file can only have come from this call.
      if ((await Deno.lstat(temporary)).nlink === 2) return;
      throw error;
    }
    if (!NO_LINK_CODES.has(code)) throw error;
    await publishByClaim(temporary, final);
  }
}

/**
 * Without links: claim the name with an exclusive, empty file, then rename over the claim. One
 * rival wins as before; for the moment between, a reader may see an empty file.
 */
async function publishByClaim(temporary: string, final: string): Promise<void> {
  (await Deno.open(final, { write: true, createNew: true })).close();
  try {
    await Deno.rename(temporary, final);
  } catch (error) {
    await removeIfPresent(final);
    throw error;
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  using handle = await Deno.open(folder, { read: true });
  try {
    await handle.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC_CODES.has(errorCode(error))) throw error;
  }
}

/** Removes a file that may be gone already. */
export async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

/** Whether anything is at a path. Below a file nothing can be, which the next call reports. */
async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return false;
    if (code === "ENOTDIR") return true;
    throw error;
  }
}
