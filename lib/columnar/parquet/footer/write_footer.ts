/** What follows the last page of a Parquet file: footer, its length, magic. */
import { encodeThrift } from "../thrift/encode.ts";
import { type Bytes, type FileMetaData, fileMetaDataCodec } from "./file_metadata.ts";
import { MAGIC, TRAILER_BYTES } from "./read_footer.ts";

/** The footer and the trailer behind it. */
export function encodeFooter(metaData: FileMetaData): Bytes {
  const footer = encodeThrift(fileMetaDataCodec, metaData);
  const bytes = new Uint8Array(footer.length + TRAILER_BYTES);
  bytes.set(footer);
  new DataView(bytes.buffer).setUint32(footer.length, footer.length, true);
  bytes.set(MAGIC, footer.length + 4);
  return bytes;
}
