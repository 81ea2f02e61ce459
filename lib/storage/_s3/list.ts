/** Listing a bucket by pages (ListObjectsV2). */
import { AppError } from "../../errors.ts";
import { failedTo } from "../_failures.ts";
import type { S3Client } from "./client.ts";
import { childrenOf, childText, parseXml, type XmlElement } from "./xml.ts";

/** Longest page read: 1,000 keys of 1,024 bytes, three characters a byte when encoded, and more. */
const MAX_PAGE_BYTES = 16 * 1_024 * 1_024;

/** Options of {@linkcode listPages}. */
export interface ListPagesOptions {
  readonly location: string;
  readonly bucket: string;
  /** Empty, or ending in a slash. */
  readonly prefix: string;
  /** `"/"` to stop at the next level; null to go all the way down. */
  readonly delimiter: "/" | null;
  readonly signal: AbortSignal | undefined;
}

/** An object of a listing. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number | null;
}

/** A part of a listing. */
export interface ListPage {
  readonly objects: readonly ListedObject[];
  /** Keys cut off after the delimiter. */
  readonly prefixes: readonly string[];
}

/** Every page below a prefix. Object keys equal to the prefix (folder markers) are left out. */
export async function* listPages(
  client: S3Client,
  options: ListPagesOptions,
): AsyncIterable<ListPage> {
  const { location, bucket, prefix, delimiter, signal } = options;
  let token: string | null = null;
  do {
    const query: Record<string, string> = {
      "list-type": "2",
      // XML 1.0 has no form for some characters that keys may hold.
      "encoding-type": "url",
      prefix,
      ...(delimiter === null ? {} : { delimiter }),
      ...(token === null ? {} : { "continuation-token": token }),
    };
    const answer = await client.send({
      action: "list",
      location,
      method: "GET",
      bucket,
      key: "",
      query,
      maxBodyBytes: MAX_PAGE_BYTES,
      signal,
    });
    const page = readPage(answer.body, options);
    yield { objects: page.objects.filter(({ key }) => key !== prefix), prefixes: page.prefixes };
    if (page.nextToken !== null && page.nextToken === token) {
      throw badListing(location, "the store repeats a page for ever");
    }
    token = page.nextToken;
  } while (token !== null);
}

function readPage(
  body: Uint8Array,
  options: ListPagesOptions,
): ListPage & { readonly nextToken: string | null } {
  const { location, prefix } = options;
  let root: XmlElement;
  try {
    root = parseXml(new TextDecoder().decode(body));
  } catch (error) {
    if (error instanceof SyntaxError) throw badListing(location, "its XML is broken", error);
    throw error;
  }
  if (root.name !== "ListBucketResult") throw badListing(location, `it is a "${root.name}"`);
  const decode = childText(root, "EncodingType") === "url" ? decodeForm : (text: string) => text;
  const text = (element: XmlElement, name: string) => {
    const value = childText(element, name);
    if (value === null) throw badListing(location, `an entry has no "${name}"`);
    return value;
  };
  const nextToken = childText(root, "NextContinuationToken");
  const isTruncated = childText(root, "IsTruncated") === "true";
  if (isTruncated && nextToken === null) throw badListing(location, "the next page has no token");
  const objects = childrenOf(root, "Contents").map((element) => ({
    key: decode(text(element, "Key")),
    sizeBytes: readSize(text(element, "Size"), location),
    modifiedAtMs: readTime(childText(element, "LastModified")),
  }));
  const prefixes = childrenOf(root, "CommonPrefixes").map((element) =>
    decode(text(element, "Prefix"))
  );
  // A store that answers for another prefix must not make files elsewhere look like this folder's.
  for (const key of [...objects.map((object) => object.key), ...prefixes]) {
    if (!key.startsWith(prefix)) throw badListing(location, "it names keys of another folder");
  }
  return { objects, prefixes, nextToken: isTruncated ? nextToken : null };
}

/** `encoding-type=url` is form encoding: a space may come as `+`, a plus always as `%2B`. */
function decodeForm(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

function readSize(text: string, location: string): number {
  const size = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(size)) {
    throw badListing(location, "an entry has no valid size");
  }
  return size;
}

function readTime(text: string | null): number | null {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? null : time;
}

function badListing(location: string, reason: string, cause?: unknown): AppError {
  return new AppError(
    "unavailable",
    "storage_listing_invalid",
    `${failedTo("list", location)}: the store's listing is not usable, ${reason}`,
    { context: { location }, cause },
  );
}
