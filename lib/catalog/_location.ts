/** Warehouse locations as text; everything general about locations is in `lib/storage`. */

/** `base` and the segments below it. Segments come from listings, so they are taken as they are. */
export function joinLocation(base: string, ...segments: readonly string[]): string {
  const stripped = stripTrailingSlashes(base);
  return [stripped === "/" ? "" : stripped, ...segments].join("/");
}

/** A location without slashes at its end; the root of a disk stays `/`. */
export function stripTrailingSlashes(location: string): string {
  let end = location.length;
  while (end > 1 && location[end - 1] === "/") end--;
  return location.slice(0, end);
}

/** The scheme in lower case, or null for a plain path. */
export function locationScheme(location: string): string | null {
  return /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase() ?? null;
}

/** The absolute path of a local location (plain or `file:`), or null for any other. */
export function localPath(location: string): string | null {
  const path = /^(?:file:(?:\/\/(?:localhost)?)?)?(\/(?!\/).*)$/is.exec(location)?.[1];
  return path === undefined ? null : stripTrailingSlashes(path);
}
