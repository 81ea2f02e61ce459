/**
 * A few facts of a metadata file, taken from its text. Metadata is not parsed in the main isolate:
 * it may be large or hostile. A string in JSON cannot contain the unescaped quotes that the patterns
 * ask for, yet keys of the same name may stand elsewhere in the document; nothing that matters to
 * another table is decided by these facts.
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/** Largest text that is looked into. */
const MAX_TEXT_BYTES = 128 * 1024 * 1024;

/** What was seen; null or nothing where the text does not say. */
export interface MetadataFacts {
  /** The first one of the document. */
  readonly lastUpdatedMs: bigint | null;
  /** One, unless keys of that name stand elsewhere too. */
  readonly everyLastUpdatedMs: ReadonlySet<bigint>;
  /** In lower case with hyphens; one, unless keys of that name stand elsewhere too. */
  readonly tableUuids: ReadonlySet<string>;
  /** Whether the metadata after this one is to be written with gzip. */
  readonly asksForGzip: boolean;
}

/** Options of {@linkcode peekMetadata}. */
export interface PeekOptions {
  /** Bound of the text after decompression. */
  readonly maxBytes?: number;
}

/** Looks into a metadata file, plain or gzip. */
export async function peekMetadata(
  bytes: Uint8Array,
  { maxBytes = MAX_TEXT_BYTES }: PeekOptions = {},
): Promise<MetadataFacts> {
  const text = new TextDecoder().decode(await inflateMetadata(bytes, maxBytes) ?? new Uint8Array());
  const times = [...text.matchAll(/"last-updated-ms"\s*:\s*(\d{1,19})/g)]
    .map(([, digits = ""]) => BigInt(digits));
  return {
    lastUpdatedMs: times[0] ?? null,
    everyLastUpdatedMs: new Set(times),
    tableUuids: peekTableUuids(text),
    asksForGzip: /"write\.metadata\.compression-codec"\s*:\s*"gzip"/i.test(text),
  };
}

/** Every table UUID that a text names, in lower case with hyphens. */
export function peekTableUuids(text: string): ReadonlySet<string> {
  const found = text.matchAll(/"table-uuid"\s*:\s*"([0-9a-fA-F-]{32,36})"/g);
  return new Set([...found].map(([, uuid = ""]) => canonicalUuid(uuid)));
}

function canonicalUuid(uuid: string): string {
  const hex = uuid.replaceAll("-", "").toLowerCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
}

const gunzipAside = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(gunzip);

/** The document of a metadata file; null where it is damaged or too large. Off this thread. */
export async function inflateMetadata(
  bytes: Uint8Array,
  maxBytes: number = MAX_TEXT_BYTES,
): Promise<Uint8Array | null> {
  if (!(bytes[0] === 0x1f && bytes[1] === 0x8b)) return bytes;
  try {
    return await gunzipAside(bytes, { maxOutputLength: maxBytes });
  } catch {
    return null; // Whoever loads it is told what ails it.
  }
}
