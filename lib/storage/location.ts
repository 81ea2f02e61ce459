/**
 * Locations as pure text: split, join, compare. A location is what Iceberg metadata records: an
 * absolute URI, a plain absolute path or, from careless writers, a relative path.
 *
 * Nothing here decodes `%xx`. Iceberg writers name a folder `ts=09%3A15` literally so, on disk and
 * in object keys alike, and decoding would look for another file.
 */
import { AppError } from "../errors.ts";

/** Longest location accepted: Linux's PATH_MAX; S3 keys end at 1,024 bytes. */
export const MAX_LOCATION_CHARS = 4_096;

/** A location's parts. `s3://bucket/a/b`: scheme `s3`, authority `bucket`, path `/a/b`. */
export interface ParsedLocation {
  /** Lower case, with `s3a` and `s3n` as `s3`; null for a plain path. */
  readonly scheme: string | null;
  readonly authority: string;
  /** As written, leading slash included. */
  readonly path: string;
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s;

/** Splits a location; rejects (`location_invalid`) what no store could hold. */
export function parseLocation(location: string): ParsedLocation {
  if (location === "") throw invalidLocation("it is empty");
  if (location.length > MAX_LOCATION_CHARS) {
    throw invalidLocation(
      `it has ${location.length} characters, at most ${MAX_LOCATION_CHARS} are allowed`,
    );
  }
  if (location.includes("\0")) throw invalidLocation("it contains a null byte");
  // A lone surrogate has no UTF-8 form: two such locations would silently become one file.
  if (!location.isWellFormed()) throw invalidLocation("it is not valid Unicode");
  const [, scheme, rest = ""] = SCHEME.exec(location) ?? [];
  if (scheme === undefined) return { scheme: null, authority: "", path: location };
  if (!rest.startsWith("//")) return { scheme: canonicalScheme(scheme), authority: "", path: rest };
  const slash = rest.indexOf("/", 2);
  return {
    scheme: canonicalScheme(scheme),
    authority: slash === -1 ? rest.slice(2) : rest.slice(2, slash),
    path: slash === -1 ? "" : rest.slice(slash),
  };
}

/** The scheme as compared: lower case, Hadoop's names for S3 folded into `s3`. */
export function canonicalScheme(scheme: string): string {
  const lower = scheme.toLowerCase();
  return lower === "s3a" || lower === "s3n" ? "s3" : lower;
}

/** A location's error: kind `invalid`, code `location_invalid`. Names the reason, not the text. */
export function invalidLocation(reason: string): AppError {
  return new AppError("invalid", "location_invalid", `Location is not usable: ${reason}`);
}

/** `folder` and a relative path below it, with exactly one slash between. */
export function joinLocation(folder: string, relativePath: string): string {
  const child = relativePath.replace(/^\/+/, "");
  if (child === "") throw new TypeError("Cannot join an empty path to a location");
  if (hasDotSegment(child)) {
    throw invalidLocation(`${JSON.stringify(child)} contains a "." or ".." segment`);
  }
  const trimmed = withoutTrailingSlashes(folder);
  return trimmed === "/" ? `/${child}` : `${trimmed}/${child}`;
}

/** The folder a location lies in, or null at the top (`/`, `s3://bucket`, a bare relative name). */
export function parentLocation(location: string): string | null {
  const { scheme, path } = parseLocation(withoutTrailingSlashes(location));
  const slash = path.lastIndexOf("/");
  if (path === "" || path === "/" || slash === -1) return null;
  const trimmed = withoutTrailingSlashes(location);
  const parent = trimmed.slice(0, trimmed.length - (path.length - slash));
  if (slash > 0) return parent;
  return scheme === null || scheme === "file" ? `${parent}/` : parent;
}

/** The last segment of a location; empty for a root. */
export function baseName(location: string): string {
  const { path } = parseLocation(withoutTrailingSlashes(location));
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * A location's one form for comparison: `s3a://b/k` is `s3://b/k`; `file:/p`, `file:///p` and `/p`
 * are `/p`; `./t` is `t`; a `file://` put before a relative path (`file://data/t`) is dropped.
 * Local paths lose `.`, `..` and doubled slashes; object keys keep them, because there they count.
 */
export function normalizeLocation(location: string): string {
  const { scheme, authority, path } = parseLocation(location);
  if (scheme !== null && scheme !== "file") {
    return `${scheme}://${authority}${withoutTrailingSlashes(path)}`;
  }
  const isRemoteAuthority = authority !== "" && authority !== "localhost";
  return resolveDots(isRemoteAuthority ? `${authority}${path}` : path);
}

/** Whether two locations name the same place, whatever form each is written in. */
export function isSameLocation(a: string, b: string): boolean {
  return normalizeLocation(a) === normalizeLocation(b);
}

/** The path from `folder` down to `location` (`""` for the same place), or null if not below it. */
export function relativeLocation(location: string, folder: string): string | null {
  const from = normalizeLocation(folder);
  const to = normalizeLocation(location);
  if (to === from) return "";
  // The empty form is a relative root ("./"): every relative path without ".." lies below it.
  if (from === "") return /^(\/|\.\.(\/|$))/.test(to) || SCHEME.test(to) ? null : to;
  const prefix = from.endsWith("/") ? from : `${from}/`;
  return to.startsWith(prefix) ? to.slice(prefix.length) : null;
}

/** True where a `/`-separated path has a segment that URLs and file systems resolve away. */
export function hasDotSegment(path: string): boolean {
  return path.split("/").some((segment) => segment === "." || segment === "..");
}

/** The text without slashes at its end; those that belong to `/` and `scheme://` stay. */
export function withoutTrailingSlashes(location: string): string {
  let end = location.length;
  while (end > 0 && location[end - 1] === "/") end--;
  const slashes = location.length - end;
  if (end === 0) return slashes === 0 ? "" : "/";
  return location.slice(0, end) + (location[end - 1] === ":" && slashes >= 2 ? "//" : "");
}

function resolveDots(path: string): string {
  const isAbsolute = path.startsWith("/");
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!isAbsolute) kept.push("..");
  }
  return (isAbsolute ? "/" : "") + kept.join("/");
}
