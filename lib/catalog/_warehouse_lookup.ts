/**
 * Finds the folder of a table whose dotted name is known.
 *
 * `a.b.t` means `a/b/t` first. Folder names may hold dots themselves (Hive calls its databases
 * `sales.db`), so where that is no table, the folders that exist are followed wherever their name
 * begins the rest of the dotted name, shorter names (more levels) first. The order is fixed, so a
 * name that fits two tables always finds the same one.
 */
import { AppError } from "../errors.ts";
import type { FileIo, TableIdentifier } from "../iceberg/ports.ts";
import { findCurrentMetadata } from "./_current_metadata.ts";
import { joinLocation } from "./_location.ts";
import { MAX_NAME_LEVELS } from "./_names.ts";
import { isVisible } from "./_warehouse_walk.ts";

/** Folders looked into for one name before it counts as unknown. */
const MAX_LOOKUP_FOLDERS = 256;

/** A table that exists. */
export interface FoundTable {
  readonly identifier: TableIdentifier;
  readonly folder: string;
  readonly metadataLocation: string;
}

/** Where to look. */
export interface LookupOptions {
  readonly io: FileIo;
  readonly warehouse: string;
  readonly signal?: AbortSignal | undefined;
}

/** Finds the table called `name` in dotted form, or null. */
export async function lookUpTable(
  name: string,
  options: LookupOptions,
): Promise<FoundTable | null> {
  const levels = name.split(".");
  if (levels.includes("") || levels.length > MAX_NAME_LEVELS) return null;
  const plain = await tableAt(levels, options);
  if (plain !== null || levels.length === 1) return plain;
  const pending: { levels: readonly string[]; rest: string }[] = [{ levels: [], rest: name }];
  for (let looked = 0; looked < MAX_LOOKUP_FOLDERS; looked++) {
    const next = pending.pop();
    if (next === undefined) return null;
    if (next.rest === "") {
      const found = await tableAt(next.levels, options);
      if (found !== null) return found;
      continue;
    }
    const folder = joinLocation(options.warehouse, ...next.levels);
    const entries = await options.io.listFolder(folder, options.signal);
    const steps = entries
      .filter((entry) => entry.kind === "folder" && begins(next.rest, entry.name))
      .map((entry) => entry.name)
      .sort((a, b) => b.length - a.length);
    // A stack: the longest goes on first, so that the shortest comes off first.
    for (const step of steps) {
      pending.push({ levels: [...next.levels, step], rest: next.rest.slice(step.length + 1) });
    }
  }
  throw new AppError(
    "unsupported",
    "table_name_ambiguous",
    `Cannot look up table "${name}": more than ${MAX_LOOKUP_FOLDERS} folders begin like it`,
  );
}

function begins(rest: string, folder: string): boolean {
  return isVisible(folder) && (rest === folder || rest.startsWith(`${folder}.`));
}

/** The table whose folder these levels name, or null. */
export async function tableAt(
  levels: readonly string[],
  options: LookupOptions,
): Promise<FoundTable | null> {
  // A hidden folder is no table, whatever it holds; this also turns away "..".
  if (!levels.every((level) => isVisible(level) && !level.includes("/"))) return null;
  const folder = joinLocation(options.warehouse, ...levels);
  const metadataLocation = await findCurrentMetadata(options.io, folder, options);
  if (metadataLocation === null) return null;
  const identifier = { namespace: levels.slice(0, -1), name: levels[levels.length - 1] ?? "" };
  return { identifier, folder, metadataLocation };
}
