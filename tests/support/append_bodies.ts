/** Bodies of appends, in each format, as streams that arrive in pieces. */
import { type RecordBatch, RecordBatchStreamWriter } from "apache-arrow";
import { encodeRowGroup, ParquetAssembler, writeSettings } from "../../lib/columnar/parquet/mod.ts";
import { Schema } from "../../lib/iceberg/spec/schema.ts";
import type { NestedField } from "../../lib/iceberg/spec/types.ts";
import { MemoryFileIo } from "../../lib/storage/mod.ts";

/** Bytes or text as a body that arrives in pieces of `size` bytes. */
export function bodyOf(content: string | Uint8Array, size = 4_096): ReadableStream<Uint8Array> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += size));
    },
  });
}

/** An Arrow stream. */
export function arrowStream(...batches: readonly RecordBatch[]): Uint8Array {
  return RecordBatchStreamWriter.writeAll(batches).toUint8Array(true);
}

/** A Parquet file with a row group for each batch. */
export async function parquetFile(
  fields: readonly NestedField[],
  ...batches: readonly RecordBatch[]
): Promise<Uint8Array> {
  const io = new MemoryFileIo();
  const schema = new Schema({ schemaId: 0, fields, identifierFieldIds: [] });
  const assembler = new ParquetAssembler(await io.openWriter("/f.parquet"), { schema });
  for (const batch of batches) {
    const options = { schema, settings: writeSettings({}), metrics: new Map() };
    await assembler.append(encodeRowGroup([batch], options));
  }
  await assembler.finish();
  return await io.read("/f.parquet");
}
