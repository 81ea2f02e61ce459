/** What a reader isolate may touch: the places that tables may lie in, and nothing else. */
import { parseLocation } from "../lib/storage/mod.ts";
import { GIVE_WAY_PERMISSION } from "./_give_way.ts";

/** Where the tables of the configured catalog may lie. */
export interface ReadablePlaces {
  /** `rest` catalogs name stores that nobody can know before. */
  readonly catalogType: "hadoop" | "sql" | "rest" | null;
  readonly warehouse: string | null;
  /** Further folders and `s3://` prefixes. */
  readonly storageRoots: readonly string[];
}

/**
 * Reads below local places only, and the network only where a store needs it. A folder that is
 * behind a symbolic link counts under both names.
 */
export function readerPermissions(places: ReadablePlaces): Deno.PermissionOptionsObject {
  const all = [...places.storageRoots, ...(places.warehouse === null ? [] : [places.warehouse])]
    .map(parseLocation);
  const folders = all
    .filter(({ scheme, path }) => (scheme === null || scheme === "file") && path.startsWith("/"))
    .flatMap(({ path }) => [path, ...realPath(path)]);
  const remote = places.catalogType === "rest" || all.some(({ scheme }) => scheme === "s3");
  return {
    // An empty list is not a refusal; false is.
    read: folders.length === 0 ? false : [...new Set(folders)],
    net: remote,
    write: false,
    env: false,
    run: false,
    ffi: false,
    sys: false,
  };
}

/** As {@linkcode readerPermissions}, and writing where it may read: what isolates that change tables may do. */
export function tablePermissions(places: ReadablePlaces): Deno.PermissionOptionsObject {
  const permissions = readerPermissions(places);
  return { ...permissions, write: permissions.read ?? false, sys: [GIVE_WAY_PERMISSION] };
}

/** As {@linkcode readerPermissions}; the engine's package asks for the processors while it loads. */
export function queryPermissions(places: ReadablePlaces): Deno.PermissionOptionsObject {
  return { ...readerPermissions(places), sys: ["cpus", GIVE_WAY_PERMISSION] };
}

/** As {@linkcode tablePermissions}, with an engine. */
export function pipelinePermissions(places: ReadablePlaces): Deno.PermissionOptionsObject {
  return { ...tablePermissions(places), sys: ["cpus", GIVE_WAY_PERMISSION] };
}

function realPath(path: string): string[] {
  try {
    return [Deno.realPathSync(path)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // It may be created later.
    throw error;
  }
}
