/** The key-value metadata of a manifest (spec: "Manifests"). */
import { AppError, corruptData, displayPath } from "../../errors.ts";
import { type JsonValue, parseJson } from "../../json.ts";
import { type AvroContainer, containerText, openContainer } from "../avro/container.ts";

/** What a manifest says about itself. JSON texts are as written; the codecs of `spec/` parse them. */
export interface ManifestHeader {
  readonly formatVersion: number;
  readonly content: "data" | "deletes";
  /** 0 where a v1 writer left it out: the table's first spec. */
  readonly partitionSpecId: number;
  /** Null where the writer left it out, as Java does. */
  readonly schemaId: number | null;
  /** The table schema at the time of writing. */
  readonly schemaJson: string;
  /** The fields array of the partition spec. */
  readonly partitionSpecJson: string;
}

/** Options of {@linkcode readManifestHeader}. */
export interface ReadManifestHeaderOptions {
  readonly location: string;
}

/** Newest manifest format that drls reads. */
export const MAX_MANIFEST_FORMAT_VERSION = 3;

/** First id that v1 writers gave to partition fields, one after the other, without writing it. */
const FIRST_PARTITION_FIELD_ID = 1_000;

/** Reads the header of a manifest; throws `corrupt_data`, or `unsupported` for a newer format. */
export function readManifestHeader(
  bytes: Uint8Array,
  options: ReadManifestHeaderOptions,
): ManifestHeader {
  return parseManifestHeader(openContainer(bytes, options));
}

/** The header of a container file that is a manifest. */
export function parseManifestHeader(container: AvroContainer): ManifestHeader {
  const content = containerText(container, "content") ?? "data";
  if (content !== "data" && content !== "deletes") {
    throw headerError(container, `its content is "${content.slice(0, 40)}"`);
  }
  return {
    formatVersion: checkFormatVersion(container),
    content,
    partitionSpecId: parseId(container, "partition-spec-id") ?? 0,
    schemaId: parseId(container, "schema-id"),
    schemaJson: requireText(container, "schema"),
    partitionSpecJson: requireText(container, "partition-spec"),
  };
}

/** The format version of a manifest or manifest list, 1 where it names none. */
export function checkFormatVersion(container: AvroContainer): number {
  const version = parseId(container, "format-version") ?? 1;
  if (version < 1 || version > MAX_MANIFEST_FORMAT_VERSION) {
    throw new AppError(
      "unsupported",
      "manifest_version_unsupported",
      `Cannot read "${
        displayPath(container.location)
      }": its format version is ${version}, wanted 1 to ${MAX_MANIFEST_FORMAT_VERSION}`,
      { context: { location: container.location } },
    );
  }
  return version;
}

/** Ids of the partition fields that the header's `partition-spec` lists, in its order. */
export function headerPartitionFieldIds(container: AvroContainer): readonly number[] {
  let fields: JsonValue;
  try {
    fields = parseJson(requireText(container, "partition-spec"));
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.kind === "corrupt_data") throw cause;
    throw headerError(container, `its partition spec is not JSON`);
  }
  if (!Array.isArray(fields)) throw headerError(container, "its partition spec is not a list");
  return fields.map((field: JsonValue, index) => {
    const id = typeof field === "object" && field !== null && "field-id" in field
      ? field["field-id"]
      : FIRST_PARTITION_FIELD_ID + index;
    if (typeof id !== "number" || !Number.isSafeInteger(id)) {
      throw headerError(container, "a field of its partition spec has an invalid id");
    }
    return id;
  });
}

function requireText(container: AvroContainer, key: string): string {
  const text = containerText(container, key);
  if (text === null) throw headerError(container, `its header has no "${key}"`);
  return text;
}

function parseId(container: AvroContainer, key: string): number | null {
  const text = containerText(container, key);
  if (text === null) return null;
  if (!/^\d{1,9}$/.test(text)) {
    throw headerError(container, `its header has "${key}" of "${text.slice(0, 40)}"`);
  }
  return Number(text);
}

function headerError(container: AvroContainer, detail: string): AppError {
  const { location } = container;
  return corruptData(
    "manifest_malformed",
    `Cannot read manifest "${displayPath(location)}": ${detail}`,
    { context: { location } },
  );
}
