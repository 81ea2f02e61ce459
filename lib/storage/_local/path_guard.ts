/**
 * From a location to a path that may be touched: absolute, without `..`, with every symbolic link
 * resolved, and below a configured root. File calls then use the resolved path only.
 *
 * This matters although isolates have Deno permissions: Deno checks the path as given, and a
 * symbolic link inside an allowed folder leads out of it (measured on 2.9.6). What remains is a
 * rival with write access to the warehouse who swaps a folder for a link between check and use;
 * closing that takes openat(2), which the runtime does not offer.
 */
import { basename, dirname, isAbsolute, join, resolve } from "node:path/posix";
import { outsideWarehouse, type StorageAction } from "../_failures.ts";
import { invalidLocation, parseLocation } from "../location.ts";
import { isAbsence, localFailure } from "./failure.ts";

/** Options of {@linkcode PathGuard.resolve}. */
export interface ResolveOptions {
  readonly action: StorageAction;
  /**
   * Whether the last segment is followed if it is a link. Reads follow. Creating, replacing and
   * deleting act on the name itself, as link(2), rename(2) and unlink(2) do.
   */
  readonly followLast: boolean;
}

/** A file to open, and what is there. */
export interface ResolvedFile {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/**
 * How long the real path of a folder is remembered for reading files in it, in milliseconds. A table's
 * manifests lie in one folder: looking that up for each of a thousand is half of what reading costs.
 */
const FOLDER_FRESH_MS = 1_000;
/** Folders remembered at most. */
const MAX_FOLDERS = 1_000;

interface KnownFolder {
  readonly realPath: string;
  readonly untilMs: number;
}

/** Keeps local locations below the roots it is built with. */
export class PathGuard {
  readonly #roots: readonly string[];
  /** Real paths of the roots; a root that does not exist yet is looked up again each time. */
  readonly #realRoots = new Map<string, string>();
  readonly #folders = new Map<string, KnownFolder>();

  constructor(roots: readonly string[]) {
    this.#roots = roots.map((root) => resolve(localPath(root)));
  }

  /** The real path of a location, or `forbidden`/`location_outside_warehouse`. */
  async resolve(location: string, options: ResolveOptions): Promise<string> {
    const { action, followLast } = options;
    const path = resolve(localPath(location));
    try {
      // The plain text first: a path that does not even claim to lie below a root is refused
      // before the disk is touched, so a caller cannot learn what exists elsewhere.
      if (!this.#roots.some((root) => isAtOrBelow(path, root))) {
        const realRoots = await this.#resolveRoots();
        if (!realRoots.some((root) => isAtOrBelow(path, root))) {
          throw outsideWarehouse(action, location);
        }
      }
      const real = followLast
        ? await realPathOfExisting(path)
        : join(await realPathOfExisting(dirname(path)), basename(path));
      const realRoots = await this.#resolveRoots();
      if (!realRoots.some((root) => isAtOrBelow(real, root))) {
        throw outsideWarehouse(action, location);
      }
      return real;
    } catch (error) {
      throw localFailure(error, { action, location });
    }
  }

  /**
   * What {@linkcode PathGuard.resolve} finds for reading, with the file's own facts. One system call
   * for a plain file in a folder seen a moment ago; a file that is a link is resolved afresh.
   */
  async resolveFile(location: string): Promise<ResolvedFile> {
    const path = resolve(localPath(location));
    const folder = await this.#realFolder(dirname(path));
    if (folder !== null) {
      const inFolder = join(folder, basename(path));
      const info = await Deno.lstat(inFolder);
      if (!info.isSymlink) return { path: inFolder, info };
    }
    const real = await this.resolve(location, { action: "read", followLast: true });
    return { path: real, info: await Deno.stat(real) };
  }

  /** The real path of a folder below a root; null for any other, about which `resolve` knows more. */
  async #realFolder(folder: string): Promise<string | null> {
    const known = this.#folders.get(folder);
    if (known !== undefined && performance.now() < known.untilMs) return known.realPath;
    if (!this.#roots.some((root) => isAtOrBelow(folder, root))) return null;
    const realPath = await this.#realPathInside(folder);
    if (realPath === null) return null;
    if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear();
    this.#folders.set(folder, { realPath, untilMs: performance.now() + FOLDER_FRESH_MS });
    return realPath;
  }

  /** Whether what a link points to lies below a root. A link that leads nowhere does not. */
  async isInside(path: string): Promise<boolean> {
    return await this.#realPathInside(path) !== null;
  }

  async #realPathInside(path: string): Promise<string | null> {
    try {
      const real = await Deno.realPath(path);
      const roots = await this.#resolveRoots();
      return roots.some((root) => isAtOrBelow(real, root)) ? real : null;
    } catch (error) {
      if (isAbsence(error) || error instanceof Deno.errors.FilesystemLoop) return null;
      throw error;
    }
  }

  async #resolveRoots(): Promise<readonly string[]> {
    return await Promise.all(this.#roots.map(async (root) => {
      const known = this.#realRoots.get(root);
      if (known !== undefined) return known;
      try {
        const real = await Deno.realPath(root);
        this.#realRoots.set(root, real);
        return real;
      } catch (error) {
        if (!isAbsence(error)) throw error;
        return await realPathOfExisting(root);
      }
    }));
  }
}

/**
 * The path of a local location: absolute and plain, `file:/path`, `file:///path` or
 * `file://localhost/path`. Percent signs are part of the name and stay.
 */
export function localPath(location: string): string {
  const { scheme, authority, path } = parseLocation(location);
  if (scheme !== null && scheme !== "file") {
    throw invalidLocation(`"${scheme}:" is not a local path`);
  }
  if (authority !== "" && authority !== "localhost") {
    throw invalidLocation(
      `"file://${authority}/..." names another host; a local file is written "file:///path"`,
    );
  }
  if (!isAbsolute(path)) {
    throw invalidLocation("it is a relative path, only absolute ones can be opened");
  }
  return path;
}

/** The real path of the deepest ancestor that exists, with the missing rest put back. */
async function realPathOfExisting(path: string): Promise<string> {
  let existing = path;
  const missing: string[] = [];
  for (;;) {
    try {
      return join(await Deno.realPath(existing), ...missing);
    } catch (error) {
      // Without permission above a root that is yet to be made, its text must do.
      if (error instanceof Deno.errors.NotCapable && missing.length > 0) return path;
      if (!isAbsence(error) || existing === "/") throw error;
      missing.unshift(basename(existing));
      existing = dirname(existing);
    }
  }
}

function isAtOrBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root === "/" ? root : `${root}/`);
}
