/** Writes Puffin files (Puffin spec), uncompressed: deletion vectors must be, statistics are small. */
import { stringifyJson } from "../../json.ts";
import type { BlobMetadata } from "../spec/statistics.ts";
import { PUFFIN_MAGIC, PUFFIN_TRAILER_BYTES, type PuffinBlob } from "./read_puffin.ts";

/** A blob to write. */
export interface NewPuffinBlob extends BlobMetadata {
  readonly bytes: Uint8Array;
}

/** Options of {@linkcode writePuffin}. */
export interface WritePuffinOptions {
  /** File properties; `created-by` should name the writer and its version. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A file in bytes, with what table metadata and manifests say about it. */
export interface WrittenPuffin {
  readonly bytes: Uint8Array;
  /** The blobs with their places, in the order given. */
  readonly blobs: readonly PuffinBlob[];
  readonly footerSizeInBytes: number;
}

/**
 * Type of deletion vector blobs. They are written before their commit is known, so their snapshot id
 * and sequence number are -1.
 */
export const DELETION_VECTOR_BLOB_TYPE = "deletion-vector-v1";

/** Description of a deletion vector, with the properties that the Puffin spec requires. */
export function deletionVectorBlob(
  bytes: Uint8Array,
  vector: { readonly referencedDataFile: string; readonly cardinality: number },
): NewPuffinBlob {
  return {
    type: DELETION_VECTOR_BLOB_TYPE,
    snapshotId: -1n,
    sequenceNumber: -1n,
    // The reserved id of row positions (`_pos`), as the Java implementation writes.
    fields: [2_147_483_645],
    properties: {
      "referenced-data-file": vector.referencedDataFile,
      "cardinality": String(vector.cardinality),
    },
    bytes,
  };
}

/** Encodes `blobs` as one file. */
export function writePuffin(
  blobs: readonly NewPuffinBlob[],
  options: WritePuffinOptions,
): WrittenPuffin {
  let offset = PUFFIN_MAGIC.length;
  const placed = blobs.map(({ bytes, ...blob }): PuffinBlob => {
    const own = { ...blob, offset, length: bytes.length, compressionCodec: null };
    offset += bytes.length;
    return own;
  });
  const payload = new TextEncoder().encode(stringifyJson({
    blobs: placed.map((blob) => ({
      "type": blob.type,
      "fields": blob.fields,
      "snapshot-id": blob.snapshotId,
      "sequence-number": blob.sequenceNumber,
      "offset": blob.offset,
      "length": blob.length,
      "properties": blob.properties,
    })),
    properties: options.properties,
  }));
  const footerSizeInBytes = PUFFIN_MAGIC.length + payload.length + PUFFIN_TRAILER_BYTES;
  const file = new Uint8Array(offset + footerSizeInBytes);
  file.set(PUFFIN_MAGIC);
  blobs.forEach(({ bytes }, index) => file.set(bytes, placed[index]?.offset));
  file.set(PUFFIN_MAGIC, offset);
  file.set(payload, offset + PUFFIN_MAGIC.length);
  new DataView(file.buffer).setInt32(file.length - PUFFIN_TRAILER_BYTES, payload.length, true);
  file.set(PUFFIN_MAGIC, file.length - PUFFIN_MAGIC.length);
  return { bytes: file, blobs: placed, footerSizeInBytes };
}
