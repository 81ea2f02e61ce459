/** Container files that lie, made fast enough for megabytes. */
import { long, sized, SYNC } from "../avro_bytes.ts";

/** Byte arrays one after another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `part`, again and again. */
export function repeated(part: Uint8Array, times: number): Uint8Array {
  const bytes = new Uint8Array(part.length * times);
  bytes.set(part);
  for (let filled = part.length; filled < bytes.length; filled *= 2) {
    bytes.copyWithin(filled, 0, Math.min(filled, bytes.length - filled));
  }
  return bytes;
}

/** A block: what it claims, and what it holds. */
export interface Block {
  readonly count: number | bigint;
  readonly data: Uint8Array;
  /** Claimed instead of the length of `data`. */
  readonly size?: bigint;
  readonly sync?: Uint8Array;
}

/** Parts of a container file. */
export interface AvroFile {
  /** As text where it is no JSON that a test would want to build. */
  readonly schema: unknown;
  readonly codec?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly blocks: readonly Block[];
}

/** The bytes of a container file. */
export function avroFile({ schema, codec, metadata, blocks }: AvroFile): Uint8Array {
  const entries = Object.entries({
    "avro.schema": typeof schema === "string" ? schema : JSON.stringify(schema),
    "avro.codec": codec ?? "null",
    "format-version": "2",
    "partition-spec-id": "0",
    "partition-spec": "[]",
    schema: '{"type":"struct","fields":[]}',
    ...metadata,
  });
  const texts = new TextEncoder();
  const text = (value: string) => {
    const bytes = texts.encode(value);
    return [long(bytes.length), bytes];
  };
  return joined([
    texts.encode("Obj\x01"),
    long(entries.length),
    ...entries.flatMap(([key, value]) => [...text(key), ...text(value)]),
    Uint8Array.of(0),
    SYNC,
    ...blocks.flatMap(({ count, data, size, sync }) => [
      long(count),
      long(size ?? data.length),
      data,
      sync ?? SYNC,
    ]),
  ]);
}

/** A field of a writer schema. */
export function field(name: string, id: number, type: unknown): unknown {
  return { name, type, "field-id": id };
}

/** The writer schema of the smallest manifest list; `more` fields come last. */
export function listSchema(more: readonly unknown[] = []): unknown {
  return {
    type: "record",
    name: "manifest_file",
    fields: [
      field("manifest_path", 500, "string"),
      field("manifest_length", 501, "long"),
      field("partition_spec_id", 502, "int"),
      field("content", 517, "int"),
      field("sequence_number", 515, "long"),
      ...more,
    ],
  };
}

/** One line of a manifest list. */
export interface Line {
  readonly path: string;
  readonly length?: number;
  readonly content?: "data" | "deletes";
}

/** Lines as {@linkcode listSchema} has them. */
export function listLines(lines: readonly Line[]): Uint8Array {
  return joined(lines.flatMap(({ path, length = 1, content = "data" }) => [
    sized(path),
    long(length),
    long(0),
    long(content === "data" ? 0 : 1),
    long(5),
  ]));
}

/** A manifest list of these lines. */
export function manifestList(lines: readonly Line[]): Uint8Array {
  return avroFile({
    schema: listSchema(),
    blocks: [{ count: lines.length, data: listLines(lines) }],
  });
}

/** The writer schema of the smallest manifest; `partition` are the fields of its tuple. */
export function entrySchema(
  partition: readonly unknown[] = [],
  more: readonly unknown[] = [],
): unknown {
  return {
    type: "record",
    name: "manifest_entry",
    fields: [
      field("status", 0, "int"),
      field("data_file", 2, {
        type: "record",
        name: "r2",
        fields: [
          field("content", 134, "int"),
          field("file_path", 100, "string"),
          field("file_format", 101, "string"),
          field("partition", 102, { type: "record", name: "r102", fields: partition }),
          field("record_count", 103, "long"),
          field("file_size_in_bytes", 104, "long"),
          ...more,
        ],
      }),
    ],
  };
}

/** One entry of a manifest with {@linkcode entrySchema}. */
export interface Entry {
  /** 0 data, 1 position deletes, 2 equality deletes. */
  readonly content?: number;
  readonly path?: string;
  readonly format?: string;
  readonly partition?: Uint8Array;
  readonly records?: number | bigint;
  readonly bytes?: number | bigint;
  readonly more?: Uint8Array;
}

/** The encoding of one added entry. */
export function entryBytes(entry: Entry): Uint8Array {
  const { content = 0, path = "", format = "", records = 1, bytes = 1 } = entry;
  return joined([
    long(1),
    long(content),
    sized(path),
    sized(format),
    entry.partition ?? new Uint8Array(),
    long(records),
    long(bytes),
    entry.more ?? new Uint8Array(),
  ]);
}

/** A block that holds `data`, or nothing. */
export function block(
  count: number | bigint,
  data: Uint8Array = new Uint8Array(),
  more: Partial<Block> = {},
): Block {
  return { count, data, ...more };
}

/** A writer schema of arrays in arrays, as text: printing it would overflow the stack. */
export function nestedSchema(depth: number): string {
  return '{"type":"array","items":'.repeat(depth) + '"int"' + "}".repeat(depth);
}
