/** Dotted table names: their order, and the error for one that nothing has. */
import { AppError } from "../errors.ts";
import { formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";

/** Most levels that a name is split into; what is longer names no table of any real catalog. */
export const MAX_NAME_LEVELS = 32;

/** Order of dotted names: by code unit, so that every catalog and every machine agrees. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The error of a name that no table has. */
export function tableNotFound(name: string): AppError {
  return new AppError("not_found", "table_not_found", `Cannot find table "${name}"`);
}

/** The error of a name that is taken. */
export function tableExists(identifier: TableIdentifier, cause?: unknown): AppError {
  const message = `Cannot create table "${formatIdentifier(identifier)}": it exists already; ` +
    "drop it first, or choose another name";
  return new AppError("already_exists", "table_exists", message, { cause });
}

/** The error of a change that came second; nothing was changed, and trying again may succeed. */
export function commitConflict(action: string, cause?: unknown): AppError {
  const message = `Cannot ${action}: another change came first; try again on the table as it is`;
  return new AppError("conflict", "commit_conflict", message, { retryable: true, cause });
}

/** Longest name of a folder, in bytes, on the file systems in use; sql catalogs keep as many. */
const MAX_LEVEL_BYTES = 255;

/** Refuses levels that cannot be a folder's name, or that no listing would show. */
export function requireFolderNames(
  identifier: TableIdentifier,
  levels: readonly string[],
): void {
  const isUsable = (level: string) =>
    // deno-lint-ignore no-control-regex -- they are what is refused
    !/^$|^[._]|[\x00-\x1f\x7f/\\]/.test(level) && level.isWellFormed() &&
    new TextEncoder().encode(level).length <= MAX_LEVEL_BYTES;
  if (levels.length <= MAX_NAME_LEVELS && levels.every(isUsable)) return;
  const message = `Cannot create table "${formatIdentifier(identifier).slice(0, 240)}": its name ` +
    `cannot be that of a folder; expected up to ${MAX_NAME_LEVELS} levels of 1 to ` +
    `${MAX_LEVEL_BYTES} bytes, without slashes and control characters, none beginning with ` +
    '"." or "_"';
  throw new AppError("invalid", "table_name_invalid", message);
}

/**
 * The ways to read a dotted name as namespace and table where levels may hold dots themselves:
 * the plain reading (every dot separates) first, then those with fewer levels. At least one
 * namespace level; at most `limit` readings.
 */
export function readings(
  name: string,
  limit: number,
): readonly { readonly namespace: readonly string[]; readonly name: string }[] {
  const levels = name.split(".");
  if (levels.length < 2 || levels.length > MAX_NAME_LEVELS || levels.includes("")) return [];
  const found: { namespace: readonly string[]; name: string }[] = [];
  // `mask` has a bit for each dot that does not separate; fewest such dots first, leftmost first.
  const dots = levels.length - 1;
  for (let joined = 0; joined < dots; joined++) {
    for (const merged of chooseDots(dots, joined)) {
      if (found.length === limit) return found;
      const parts = mergeLevels(levels, merged);
      found.push({ namespace: parts.slice(0, -1), name: parts[parts.length - 1] ?? "" });
    }
  }
  return found;
}

function* chooseDots(dots: number, count: number, from = 0): Generator<readonly number[]> {
  if (count === 0) return yield [];
  for (let dot = from; dot <= dots - count; dot++) {
    for (const rest of chooseDots(dots, count - 1, dot + 1)) yield [dot, ...rest];
  }
}

function mergeLevels(levels: readonly string[], merged: readonly number[]): readonly string[] {
  return levels.slice(1).reduce<string[]>((parts, level, dot) => {
    const last = parts.length - 1;
    if (merged.includes(dot)) parts[last] = `${parts[last]}.${level}`;
    else parts.push(level);
    return parts;
  }, [levels[0] ?? ""]);
}
