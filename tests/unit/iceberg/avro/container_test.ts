import assert from "node:assert/strict";
import { crc32, deflateRawSync, zstdCompressSync } from "node:zlib";
import { AppError } from "../../../../lib/errors.ts";
import { compileValue } from "../../../../lib/iceberg/avro/compile_value.ts";
import {
  containerText,
  openContainer,
  readBlocks,
} from "../../../../lib/iceberg/avro/container.ts";
import { AvroCursor } from "../../../../lib/iceberg/avro/cursor.ts";
import {
  MAX_BLOCK_BYTES,
  MAX_HEADER_ENTRIES,
  MAX_RECORDS,
  MAX_SCHEMA_CHARS,
} from "../../../../lib/iceberg/avro/limits.ts";
import { parseAvroSchema } from "../../../../lib/iceberg/avro/parse_schema.ts";
import { writeContainer } from "../../../../lib/iceberg/avro/write_container.ts";
import type { IcebergValue } from "../../../../lib/iceberg/spec/types.ts";
import { concat, container, long, sized, SYNC } from "../../../support/avro_bytes.ts";

const LOCATION = "s3://bucket/db/t/metadata/x.avro";

function readAll(bytes: Uint8Array): IcebergValue[] {
  const file = openContainer(bytes, { location: LOCATION });
  const read = compileValue(parseAvroSchema(file.schemaText, { location: LOCATION }));
  const cursor = new AvroCursor(LOCATION);
  const values: IcebergValue[] = [];
  for (const count of readBlocks(file, cursor)) {
    for (let left = count; left > 0; left--) {
      values.push(read(cursor));
      cursor.checkEnd();
    }
  }
  return values;
}

function fails(bytes: Uint8Array, code: string, kind = "corrupt_data"): void {
  assert.throws(
    () => readAll(bytes),
    (error: unknown) => error instanceof AppError && error.kind === kind && error.code === code,
  );
}

const THREE = concat(long(1), long(2), long(3));

Deno.test("readBlocks() reads one block after another", () => {
  const file = container('"int"', [
    { count: 3, data: THREE },
    { count: 1, data: long(-4) },
  ]);
  assert.deepEqual(readAll(file), [1, 2, 3, -4]);
});

Deno.test("readBlocks() takes a file without blocks, and empty blocks", () => {
  assert.deepEqual(readAll(container('"int"', [])), []);
  assert.deepEqual(readAll(container('"int"', [{ count: 0, data: new Uint8Array(0) }])), []);
});

Deno.test("readBlocks() decompresses deflate and zstandard", () => {
  const blocks = (data: Uint8Array) => [{ count: 3, data }];
  const deflated = container('"int"', blocks(deflateRawSync(THREE)), { codec: "deflate" });
  assert.deepEqual(readAll(deflated), [1, 2, 3]);
  const zstd = container('"int"', blocks(zstdCompressSync(THREE)), { codec: "zstandard" });
  assert.deepEqual(readAll(zstd), [1, 2, 3]);
});

function snappy(data: Uint8Array, checksum: number): Uint8Array {
  const suffix = new Uint8Array(4);
  new DataView(suffix.buffer).setUint32(0, checksum);
  return concat(data.length, (data.length - 1) << 2, data, suffix);
}

Deno.test("readBlocks() decompresses snappy and checks its checksum", () => {
  const good = [{ count: 3, data: snappy(THREE, crc32(THREE)) }];
  assert.deepEqual(readAll(container('"int"', good, { codec: "snappy" })), [1, 2, 3]);
  const bad = [{ count: 3, data: snappy(THREE, crc32(THREE) ^ 1) }];
  fails(container('"int"', bad, { codec: "snappy" }), "avro_checksum_mismatch");
  fails(container('"int"', [{ count: 3, data: THREE }], { codec: "snappy" }), "avro_malformed");
});

Deno.test("openContainer() names an unknown codec and those that are read", () => {
  const file = container('"int"', [], { codec: "bzip2" });
  fails(file, "avro_codec_unsupported", "unsupported");
});

Deno.test("readBlocks() refuses damaged compressed data", () => {
  for (const codec of ["deflate", "zstandard", "snappy"]) {
    const file = container('"int"', [{ count: 3, data: Uint8Array.of(7, 7, 7, 7, 7, 7) }], {
      codec,
    });
    fails(file, "avro_malformed");
  }
});

Deno.test("readBlocks() refuses a zstandard frame that is cut off", () => {
  const data = zstdCompressSync(THREE);
  const file = container('"int"', [{ count: 3, data: data.subarray(0, -4) }], {
    codec: "zstandard",
  });
  assert.throws(() => readAll(file), AppError);
});

Deno.test("readBlocks() stops a block that decompresses beyond its bound", () => {
  const bomb = deflateRawSync(new Uint8Array(MAX_BLOCK_BYTES + 1), { level: 1 });
  fails(container('"null"', [{ count: 1, data: bomb }], { codec: "deflate" }), "avro_too_large");
});

Deno.test("openContainer() refuses what is no Avro file", () => {
  fails(new Uint8Array(0), "avro_malformed");
  fails(new TextEncoder().encode("PAR1 and more"), "avro_malformed");
  fails(Uint8Array.of(0x4f, 0x62, 0x6a, 2), "avro_malformed");
});

Deno.test("openContainer() refuses a header without a schema or with one that is not UTF-8", () => {
  const magic = Uint8Array.of(0x4f, 0x62, 0x6a, 1);
  fails(concat(magic, 0, SYNC), "avro_malformed");
  const badSchema = concat(
    magic,
    long(1),
    sized("avro.schema"),
    sized(Uint8Array.of(0xff)),
    0,
    SYNC,
  );
  fails(badSchema, "avro_malformed");
  fails(concat(magic, long(2n ** 40n)), "avro_truncated");
  fails(concat(magic, long(1), sized("k"), long(2n ** 40n)), "avro_truncated");
});

Deno.test("openContainer() refuses a header cut off at any byte", () => {
  const file = container('"int"', []);
  for (let length = 0; length < file.length; length++) {
    assert.throws(() => openContainer(file.subarray(0, length), { location: LOCATION }), AppError);
  }
});

Deno.test("openContainer() refuses headers with more entries or longer schemas than it keeps", () => {
  const metadata = Object.fromEntries(
    Array.from({ length: MAX_HEADER_ENTRIES }, (_, index) => [`k${index}`, ""]),
  );
  fails(container('"int"', [], { metadata }), "avro_too_large");
  fails(container(`"${"x".repeat(MAX_SCHEMA_CHARS)}"`, []), "avro_schema_invalid");
});

Deno.test("readBlocks() refuses more records than one file may hold", () => {
  const blocks = Array.from({ length: 3 }, () => ({
    count: Math.ceil(MAX_RECORDS / 2),
    data: new Uint8Array(0),
  }));
  const file = openContainer(container('"null"', blocks), { location: LOCATION });
  assert.throws(() => [...readBlocks(file, new AvroCursor(LOCATION))], { code: "avro_too_large" });
});

Deno.test("readBlocks() refuses blocks whose counts and sizes lie", () => {
  const block = (count: number | bigint, data = THREE) => container('"int"', [{ count, data }]);
  fails(block(4), "avro_truncated");
  fails(block(2), "avro_malformed");
  fails(block(-3), "avro_malformed");
  fails(block(2n ** 40n), "avro_too_large");
  const header = container('"int"', []);
  fails(concat(header, long(1), long(-1), SYNC), "avro_malformed");
  fails(concat(header, long(1), long(2n ** 40n), SYNC), "avro_truncated");
  fails(concat(header, long(1), sized(long(1)), SYNC.subarray(1)), "avro_truncated");
});

Deno.test("readBlocks() refuses a block that does not end in the sync marker", () => {
  const file = container('"int"', [{ count: 3, data: THREE }]);
  file[file.length - 1]! ^= 1;
  fails(file, "avro_malformed");
});

Deno.test("containerText() reads file metadata", () => {
  const file = container('"int"', [], { metadata: { "format-version": "2" } });
  const opened = openContainer(file, { location: LOCATION });
  assert.equal(containerText(opened, "format-version"), "2");
  assert.equal(containerText(opened, "content"), null);
});

Deno.test("writeContainer() starts a new block once one is full", () => {
  const values = Array.from({ length: 1_000 }, (_, index) => index);
  for (const codec of ["null", "deflate"] as const) {
    const bytes = writeContainer(values, { schemaText: '"int"', codec, blockBytes: 100 });
    assert.deepEqual(readAll(bytes), values);
    const file = openContainer(bytes, { location: LOCATION });
    const blocks = [...countBlocks(file)];
    assert(blocks.length > 10 && blocks.every((count) => count <= 100), String(blocks));
  }
});

function* countBlocks(file: ReturnType<typeof openContainer>): Generator<number> {
  const cursor = new AvroCursor(LOCATION);
  for (const count of readBlocks(file, cursor)) {
    cursor.skipVarints(count);
    yield count;
  }
}

Deno.test("writeContainer() writes values larger than its buffers", () => {
  const texts = ["x".repeat(500_000), "", "y".repeat(1_000_000)];
  for (const codec of ["null", "deflate"] as const) {
    assert.deepEqual(readAll(writeContainer(texts, { schemaText: '"string"', codec })), texts);
  }
});

Deno.test("writeContainer() writes metadata and the marker it is given", () => {
  const metadata = new Map([["schema-id", "3"]]);
  const bytes = writeContainer([1], { schemaText: '"int"', metadata, sync: SYNC });
  const file = openContainer(bytes, { location: LOCATION });
  assert.deepEqual(file.sync, SYNC);
  assert.equal(containerText(file, "schema-id"), "3");
  assert.equal(file.codec, "deflate");
  assert.throws(
    () => writeContainer([], { schemaText: '"int"', sync: SYNC.subarray(1) }),
    RangeError,
  );
});
