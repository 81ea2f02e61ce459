/**
 * S3 locations as buckets and keys, and these as URLs. Every byte of a key outside RFC 3986's
 * unreserved set is percent-encoded here, once: the signer decodes and encodes the path again, and
 * only fully encoded text comes out of that unchanged (`+` would become a space).
 */
import { invalidLocation, parseLocation } from "../location.ts";
import type { S3StorageSpec } from "../spec.ts";

/** Where an object is. A key may hold any character, `//` included. */
export interface S3Address {
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
}

/** Longest key that S3 takes, in UTF-8 bytes. */
export const MAX_KEY_BYTES = 1_024;

/** Covers today's rules and the older ones for buckets in us-east-1; nothing that alters a URL. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;

/** Reads `s3://bucket/key` (also `s3a`, `s3n`); rejects (`location_invalid`) what no URL carries. */
export function parseS3Location(location: string): S3Address {
  const { scheme, authority, path } = parseLocation(location);
  if (scheme !== "s3") {
    throw invalidLocation('it does not start with "s3://", "s3a://" or "s3n://"');
  }
  if (!BUCKET.test(authority)) throw invalidLocation("it does not name a bucket");
  const key = path.slice(1);
  if (key.split("/").some((segment) => segment === "." || segment === "..")) {
    // URLs resolve such segments away, also in percent form, and so would reach another object.
    throw invalidLocation('its key contains a "." or ".." segment');
  }
  if (new TextEncoder().encode(key).length > MAX_KEY_BYTES) {
    throw invalidLocation(`its key has more than ${MAX_KEY_BYTES} bytes`);
  }
  return { bucket: authority, key };
}

/** The address of a file: its key is not empty and does not end in a slash. */
export function fileAddress(location: string): S3Address {
  const address = parseS3Location(location);
  if (address.key === "") throw invalidLocation("it names a bucket, not a file");
  if (address.key.endsWith("/")) throw invalidLocation("it ends in a slash, so it names a folder");
  return address;
}

/** The bucket and key prefix under which a folder's files lie; `""` for the whole bucket. */
export function folderAddress(location: string): S3Address {
  const { bucket, key } = parseS3Location(location);
  const trimmed = key.replace(/\/+$/, "");
  return { bucket, key: trimmed === "" ? "" : `${trimmed}/` };
}

/** The URL of an object or, with an empty key, of a bucket. */
export function objectUrl(
  spec: Pick<S3StorageSpec, "endpoint" | "region" | "pathStyle">,
  target: S3Address & { readonly query?: Readonly<Record<string, string>> },
): URL {
  const { bucket, key, query = {} } = target;
  const base = new URL(spec.endpoint ?? `https://s3.${spec.region}.amazonaws.com`);
  // A dot in the bucket would make a host name that no wildcard certificate covers.
  const isVirtualHost = !spec.pathStyle && !(base.protocol === "https:" && bucket.includes("."));
  if (isVirtualHost) base.hostname = `${bucket}.${base.hostname}`;
  const path = isVirtualHost ? `/${encodePath(key)}` : `/${bucket}/${encodePath(key)}`;
  const search = Object.entries(query).map(([name, value]) =>
    `${encodeStrictly(name)}=${encodeStrictly(value)}`
  ).join("&");
  return new URL(`${base.origin}${path}${search === "" ? "" : `?${search}`}`);
}

/** Whether a region may become a part of AWS's host names: nothing in it can end the name. */
export function isRegion(region: string): boolean {
  return /^[\w-]{1,64}$/.test(region);
}

/** Checks a region once, when a store is opened: catalogs vend it, and requests are signed for it. */
export function checkRegion(region: string): void {
  if (!isRegion(region)) throw invalidLocation("the S3 region is not the name of a region");
}

/** Checks an endpoint once, when a store is opened. */
export function checkEndpoint(endpoint: string | null): void {
  if (endpoint === null) return;
  if (!URL.canParse(endpoint)) throw invalidLocation("the S3 endpoint is not a URL");
  const url = new URL(endpoint);
  const hasExtras = url.username !== "" || url.password !== "" || url.search !== "" ||
    url.hash !== "" || url.pathname !== "/";
  if (!["http:", "https:"].includes(url.protocol) || hasExtras) {
    throw invalidLocation(
      "the S3 endpoint must be of the form https://host:port, without path, query or credentials",
    );
  }
}

/** A key as a URL path: slashes stay, doubled ones too. */
function encodePath(key: string): string {
  return key.split("/").map(encodeStrictly).join("/");
}

function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
