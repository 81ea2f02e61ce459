/** Writes Avro object container files (Avro specification: "Object Container Files"). */
import { ByteSink } from "./byte_sink.ts";
import { type AvroWriteCodec, compressBlock } from "./codec.ts";
import { compileWrite } from "./compile_write.ts";
import type { WritableValue } from "./encoded_items.ts";
import { AVRO_MAGIC, SYNC_MARKER_BYTES } from "./container.ts";
import { parseAvroSchema } from "./parse_schema.ts";

/** Encoded bytes after which a block is closed: 64 kB, the block size of Avro's Java writer. */
export const DEFAULT_BLOCK_BYTES = 64_000;

/** Options of {@linkcode writeContainer}. */
export interface WriteContainerOptions {
  /** The writer schema, as JSON text. */
  readonly schemaText: string;
  /** Further file metadata; `avro.schema` and `avro.codec` are set here. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** `deflate` by default. */
  readonly codec?: AvroWriteCodec;
  readonly blockBytes?: number;
  /** The file's sync marker, 16 bytes; random by default, as Avro asks. */
  readonly sync?: Uint8Array;
}

/** Encodes `records`, each in the memory form of the schema's type, as one file. */
export function writeContainer(
  records: Iterable<WritableValue>,
  options: WriteContainerOptions,
): Uint8Array {
  const { schemaText, codec = "deflate", blockBytes = DEFAULT_BLOCK_BYTES } = options;
  const sync = options.sync ?? crypto.getRandomValues(new Uint8Array(SYNC_MARKER_BYTES));
  if (sync.length !== SYNC_MARKER_BYTES) {
    throw new RangeError(`Cannot use a sync marker of ${sync.length} bytes, wanted 16`);
  }
  const write = compileWrite(parseAvroSchema(schemaText, { location: "the schema to write" }));
  const file = new ByteSink();
  writeHeader(file, { schemaText, codec, sync, metadata: options.metadata ?? new Map() });
  const block = new ByteSink();
  let count = 0;
  const closeBlock = () => {
    if (count === 0) return;
    file.writeLong(count);
    file.writeBytes(compressBlock(codec, block.toBytes()));
    file.writeRaw(sync);
    block.clear();
    count = 0;
  };
  for (const record of records) {
    write(block, record);
    count++;
    if (block.length >= blockBytes) closeBlock();
  }
  closeBlock();
  return file.toBytes();
}

function writeHeader(
  file: ByteSink,
  header: {
    readonly schemaText: string;
    readonly codec: AvroWriteCodec;
    readonly sync: Uint8Array;
    readonly metadata: ReadonlyMap<string, string>;
  },
): void {
  const entries = new Map(header.metadata);
  entries.set("avro.schema", header.schemaText);
  entries.set("avro.codec", header.codec);
  file.writeRaw(AVRO_MAGIC);
  file.writeLong(entries.size);
  for (const [key, value] of entries) {
    file.writeString(key);
    file.writeString(value);
  }
  file.writeLong(0);
  file.writeRaw(header.sync);
}
