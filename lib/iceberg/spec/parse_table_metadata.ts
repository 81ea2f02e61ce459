/** Table metadata from the bytes of a metadata file (spec "Table Metadata", Appendix C). */
import { gunzipSync } from "node:zlib";
import { AppError, corruptData, displayPath } from "../../errors.ts";
import { type JsonValue, parseJson } from "../../json.ts";
import { MAX_METADATA_BYTES } from "./_wire/limits.ts";
import { readWire, WireObject } from "./_wire/reader.ts";
import { readV1 } from "./_wire/v1.ts";
import { readV2 } from "./_wire/v2.ts";
import { readV3 } from "./_wire/v3.ts";
import { validate } from "./_wire/validate.ts";
import type { TableMetadata } from "./table_metadata.ts";

/** The newest format version that is read. */
const NEWEST_VERSION = 3;

/** Options of {@linkcode parseTableMetadata}. */
export interface ParseTableMetadataOptions {
  /** Where the metadata comes from; errors show its last two segments. */
  readonly location: string;
  /** Bytes of JSON allowed, after decompression; 128 MiB unless given. */
  readonly maxBytes?: number;
}

/**
 * Parses and validates a metadata file, plain or gzip (told by its magic bytes, not its name). Takes
 * what Java and PyIceberg take: v1 without lists, ids or UUID, the sentinel -1, references without
 * `main`. `lastPartitionId` is never below an id in use.
 *
 * Throws `unsupported` (code `unsupported_format_version`) for versions above 3, otherwise
 * `corrupt_data` (code `invalid_table_metadata`) that names the path of the first problem.
 */
export function parseTableMetadata(
  bytes: Uint8Array,
  options: ParseTableMetadataOptions,
): TableMetadata {
  const { location, maxBytes = MAX_METADATA_BYTES } = options;
  const json = metadataDocument(bytes, options);
  return read(() => parseJson(json, { maxBytes }), location);
}

/**
 * The JSON document of a metadata file: its bytes, unpacked where they are gzip. Parsed metadata
 * keeps the text alive, so whoever counts memory wants to know its size.
 */
export function metadataDocument(
  bytes: Uint8Array,
  options: ParseTableMetadataOptions,
): Uint8Array {
  const { location, maxBytes = MAX_METADATA_BYTES } = options;
  return isGzip(bytes) ? inflate(bytes, { location, maxBytes }) : bytes;
}

/** As {@linkcode parseTableMetadata}, from JSON that a REST catalog sent inside its answer. */
export function tableMetadataFromJson(
  json: JsonValue,
  options: Pick<ParseTableMetadataOptions, "location">,
): TableMetadata {
  return read(() => json, options.location);
}

function read(parse: () => JsonValue, location: string): TableMetadata {
  return readWire(() => {
    const wire = new WireObject(parse());
    const metadata = readVersion(wire, location);
    validate(metadata);
    return metadata;
  }, {
    code: "invalid_table_metadata",
    what: `table metadata "${displayPath(location)}"`,
    context: { location },
  });
}

function readVersion(wire: WireObject, location: string): TableMetadata {
  const version = wire.int("format-version");
  switch (version) {
    case 1:
      return readV1(wire);
    case 2:
      return readV2(wire);
    case 3:
      return readV3(wire);
  }
  if (version < 1) throw wire.problem("format-version", `is ${version}, not at least 1`);
  throw new AppError(
    "unsupported",
    "unsupported_format_version",
    `Cannot read table metadata "${displayPath(location)}": its format version is ${version}, ` +
      `at most ${NEWEST_VERSION} is supported`,
    { context: { location } },
  );
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Stops at `maxBytes`, so that a small file cannot fill the memory. */
function inflate(
  bytes: Uint8Array,
  { location, maxBytes }: Required<ParseTableMetadataOptions>,
): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    const problem = cause instanceof RangeError
      ? `it has more than ${maxBytes} bytes when decompressed`
      : "its gzip data is damaged";
    throw corruptData(
      "invalid_table_metadata",
      `Cannot read table metadata "${displayPath(location)}": ${problem}`,
      { context: { location }, cause },
    );
  }
}
