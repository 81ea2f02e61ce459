/**
 * Listing local folders. Links are shown as what they lead to, if that lies below a root, and are
 * otherwise left out; a walk does not descend through a link to a folder, so it cannot run in
 * circles. Hidden files in the making, pipes, sockets and devices are left out.
 */
import { join } from "node:path/posix";
import type { FolderEntry } from "../../iceberg/ports.ts";
import { AppError } from "../../errors.ts";
import { throwIfAborted } from "../../abort.ts";
import { failedTo } from "../_failures.ts";
import { compareNames, MAX_FOLDER_ENTRIES } from "../_limits.ts";
import { isTemporaryName } from "../_temporary_name.ts";
import { isAbsence } from "./failure.ts";
import type { PathGuard } from "./path_guard.ts";

/** How many files a walk looks at side by side. */
const STAT_BATCH = 64;

/** Options of {@linkcode listLocalFolder} and {@linkcode walkLocalFolder}. */
export interface LocalListOptions {
  readonly guard: PathGuard;
  /** As the caller named the folder; for messages. */
  readonly location: string;
  readonly signal: AbortSignal | undefined;
  /** Whether files in the making show; they do not by default. */
  readonly temporaries?: boolean;
}

/** A file below the folder walked. */
export interface WalkedFile {
  readonly relativePath: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number | null;
}

/** Names directly in a folder, sorted; none where there is no such folder. */
export async function listLocalFolder(
  path: string,
  options: LocalListOptions,
): Promise<readonly FolderEntry[]> {
  const entries: FolderEntry[] = [];
  for (const entry of await readFolder(path, options)) {
    throwIfAborted(options.signal);
    const kind = entry.isSymlink
      ? await kindBehindLink(join(path, entry.name), options.guard)
      : kindOf(entry);
    if (kind !== null) entries.push({ name: entry.name, kind });
  }
  return entries.sort(compareNames);
}

/** Every regular file below a folder. Files that vanish meanwhile are left out. */
export async function* walkLocalFolder(
  path: string,
  options: LocalListOptions,
): AsyncIterable<WalkedFile> {
  const pending: string[] = [""];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const files: string[] = [];
    for (const entry of await readFolder(join(path, folder), options)) {
      const relativePath = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory) pending.push(relativePath);
      else if (entry.isFile || entry.isSymlink) files.push(relativePath);
    }
    for (let start = 0; start < files.length; start += STAT_BATCH) {
      throwIfAborted(options.signal);
      const batch = files.slice(start, start + STAT_BATCH);
      const found = await Promise.all(batch.map((file) => statFile(path, file, options.guard)));
      yield* found.filter((file) => file !== null);
    }
  }
}

async function readFolder(path: string, options: LocalListOptions): Promise<Deno.DirEntry[]> {
  const { location, signal, temporaries = false } = options;
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(path)) {
      throwIfAborted(signal);
      if (!temporaries && isTemporaryName(entry.name)) continue;
      entries.push(entry);
      if (entries.length > MAX_FOLDER_ENTRIES) {
        throw new AppError(
          "too_large",
          "folder_too_large",
          `${failedTo("list", location)}: it holds more than ${MAX_FOLDER_ENTRIES} names`,
          { context: { location } },
        );
      }
    }
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  return entries;
}

async function statFile(
  root: string,
  relativePath: string,
  guard: PathGuard,
): Promise<WalkedFile | null> {
  const path = join(root, relativePath);
  try {
    let info = await Deno.lstat(path);
    if (info.isSymlink) {
      if (!(await guard.isInside(path))) return null;
      info = await Deno.stat(path);
    }
    if (!info.isFile) return null;
    return { relativePath, sizeBytes: info.size, modifiedAtMs: info.mtime?.getTime() ?? null };
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

async function kindBehindLink(
  path: string,
  guard: PathGuard,
): Promise<FolderEntry["kind"] | null> {
  try {
    return (await guard.isInside(path)) ? kindOf(await Deno.stat(path)) : null;
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

function kindOf(info: { isFile: boolean; isDirectory: boolean }): FolderEntry["kind"] | null {
  return info.isFile ? "file" : info.isDirectory ? "folder" : null;
}
