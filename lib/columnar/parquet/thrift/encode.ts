/** One Thrift value as bytes. */
import type { Codec } from "./codec.ts";
import { CompactWriter } from "./compact_writer.ts";

/** Encodes a value. */
export function encodeThrift<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  const writer = new CompactWriter();
  codec.write(writer, value);
  return writer.toBytes();
}
