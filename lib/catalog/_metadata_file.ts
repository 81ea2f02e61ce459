/** Metadata as the bytes and the name ending that a table's properties ask for. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { AppError } from "../errors.ts";
import { serializeTableMetadata } from "../iceberg/spec/serialize_table_metadata.ts";
import type { TableMetadata } from "../iceberg/spec/table_metadata.ts";
import { joinLocation, stripTrailingSlashes } from "./_location.ts";

/** Compressions of metadata files that the specification's implementations share. */
export type MetadataCodec = "none" | "gzip";

const CODEC_PROPERTY = "write.metadata.compression-codec";
/** Where a table keeps its metadata files, if not below its location. */
export const METADATA_PATH_PROPERTY = "write.metadata.path";

type Properties = Readonly<Record<string, string>>;

/** The codec that `write.metadata.compression-codec` names; `none` where it is not set. */
export function metadataCodec(properties: Properties): MetadataCodec {
  const codec = (properties[CODEC_PROPERTY] ?? "none").toLowerCase();
  if (codec === "none" || codec === "gzip") return codec;
  const message = `Cannot write table metadata: the table property "${CODEC_PROPERTY}" is ` +
    `${JSON.stringify(codec.slice(0, 40))}; set it to "none" or "gzip"`;
  throw new AppError("unsupported", "metadata_codec_unsupported", message);
}

/** The folder of a table's metadata files: `write.metadata.path`, or `metadata` below its location. */
export function metadataFolder(metadata: TableMetadata): string {
  const configured = metadata.properties[METADATA_PATH_PROPERTY] ?? "";
  return configured === ""
    ? joinLocation(metadata.location, "metadata")
    : stripTrailingSlashes(configured);
}

/** What follows the stem in a metadata file's name. */
export function metadataEnding(codec: MetadataCodec): string {
  return codec === "gzip" ? ".gz.metadata.json" : ".metadata.json";
}

const gzipAside = promisify<Uint8Array, Uint8Array>(gzip);

/** The metadata as file contents. */
export async function encodeMetadata(
  metadata: TableMetadata,
  codec: MetadataCodec,
): Promise<Uint8Array> {
  return await packMetadata(new TextEncoder().encode(serializeTableMetadata(metadata)), codec);
}

/** A document as file contents. */
export async function packMetadata(
  document: Uint8Array,
  codec: MetadataCodec,
): Promise<Uint8Array> {
  return codec === "gzip" ? await gzipAside(document) : document;
}
