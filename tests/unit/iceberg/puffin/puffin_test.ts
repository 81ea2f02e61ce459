import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { encodeDeletionVector } from "../../../../lib/iceberg/puffin/encode_deletion_vector.ts";
import { readDeletionVector } from "../../../../lib/iceberg/puffin/read_deletion_vector.ts";
import {
  decodePuffinBlob,
  PUFFIN_TRAILER_BYTES,
  readPuffin,
  readPuffinFooter,
  readPuffinFooterLength,
} from "../../../../lib/iceberg/puffin/read_puffin.ts";
import {
  deletionVectorBlob,
  type NewPuffinBlob,
  writePuffin,
} from "../../../../lib/iceberg/puffin/write_puffin.ts";
import { concat } from "../../../support/avro_bytes.ts";

const LOCATION = "s3://bucket/db/t/metadata/stats.puffin";
const PROPERTIES = { "created-by": "drls test" };

const SKETCH: NewPuffinBlob = {
  type: "apache-datasketches-theta-v1",
  snapshotId: 5_512_390_481_202_741_117n,
  sequenceNumber: 12n,
  fields: [1, 7],
  properties: { ndv: "100" },
  bytes: Uint8Array.of(1, 2, 3),
};

function file(payload: string, options: { flags?: number; size?: number } = {}): Uint8Array {
  const json = new TextEncoder().encode(payload);
  const tail = new DataView(new ArrayBuffer(8));
  tail.setInt32(0, options.size ?? json.length, true);
  tail.setUint32(4, options.flags ?? 0, true);
  const magic = new TextEncoder().encode("PFA1");
  return concat(magic, 9, 9, 9, 9, magic, json, new Uint8Array(tail.buffer), magic);
}

function refuses(bytes: Uint8Array, code: string, message: RegExp): void {
  assert.throws(() => readPuffin(bytes, { location: LOCATION }), (error: unknown) => {
    assert(error instanceof AppError && error.code === code, String(error));
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("readPuffin() reads back what writePuffin() wrote", () => {
  const vector = encodeDeletionVector([1, 5]);
  const blob = deletionVectorBlob(vector, { referencedDataFile: "a.parquet", cardinality: 2 });
  const { bytes, blobs, footerSizeInBytes } = writePuffin([SKETCH, blob], {
    properties: PROPERTIES,
  });
  const footer = readPuffin(bytes, { location: LOCATION });
  assert.deepEqual(footer, { blobs, properties: PROPERTIES });
  const [sketch, deletes] = footer.blobs;
  const { bytes: _, ...described } = SKETCH;
  assert.deepEqual(sketch, { ...described, offset: 4, length: 3, compressionCodec: null });
  assert.deepEqual(deletes?.properties, {
    "referenced-data-file": "a.parquet",
    "cardinality": "2",
  });
  assert.deepEqual([deletes?.snapshotId, deletes?.sequenceNumber], [-1n, -1n]);
  const stored = bytes.subarray(7, 7 + (deletes?.length ?? 0));
  assert.deepEqual([...readDeletionVector(stored, { location: LOCATION })], [1, 5]);
  assert.equal(footerSizeInBytes, bytes.length - 7 - vector.length);
});

Deno.test("readPuffinFooter() needs nothing but the end of the file", () => {
  const { bytes, blobs, footerSizeInBytes } = writePuffin([SKETCH], { properties: {} });
  const options = { location: LOCATION, fileSizeInBytes: bytes.length };
  const length = readPuffinFooterLength(bytes.subarray(-PUFFIN_TRAILER_BYTES), options);
  assert.equal(length, footerSizeInBytes);
  const footer = readPuffinFooter(bytes.subarray(bytes.length - length), options);
  assert.deepEqual(footer, { blobs, properties: {} });
});

Deno.test("readPuffin() refuses a compressed footer and unknown flags", () => {
  refuses(file("{}", { flags: 1 }), "puffin_unsupported", /lz4/);
  refuses(file("{}", { flags: 2 }), "puffin_unsupported", /flags 2/);
});

Deno.test("readPuffin() refuses files without magic, and footers that lie about their size", () => {
  refuses(new Uint8Array(0), "puffin_malformed", /magic/);
  refuses(new TextEncoder().encode("PFA1"), "puffin_malformed", /short/);
  refuses(file('{"blobs":[]}').subarray(0, -1), "puffin_malformed", /magic/);
  refuses(file('{"blobs":[]}', { size: -1 }), "puffin_malformed", /claims -1/);
  refuses(file('{"blobs":[]}', { size: 2 ** 31 - 1 }), "puffin_malformed", /claims/);
  refuses(file('{"blobs":[]}', { size: 11 }), "puffin_malformed", /does not start/);
});

/** A Zstandard frame of one raw block (RFC 8878), with the content size that Puffin demands. */
function zstdFrame(contents: Uint8Array): Uint8Array {
  const { length } = contents;
  const head = new DataView(new ArrayBuffer(9));
  // Single segment; the size field has 1 byte below 256, 2 (less 256) below 65,792, else 4.
  const sizeBytes = length < 256 ? 1 : length < 65_792 ? 2 : 4;
  head.setUint32(0, 0xfd2fb528, true);
  head.setUint8(4, 0x20 | ((sizeBytes >> 1) << 6));
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, sizeBytes === 2 ? length - 256 : length, true);
  const block = (length << 3) | 1;
  return concat(
    new Uint8Array(head.buffer, 0, 5),
    size.subarray(0, sizeBytes),
    Uint8Array.of(block & 255, (block >> 8) & 255, block >> 16),
    contents,
  );
}

const BLOB = {
  "type": "t",
  "fields": [1],
  "snapshot-id": 1,
  "sequence-number": 1,
  "offset": 4,
  "length": 4,
};

Deno.test("readPuffin() refuses blobs that are incomplete or lie outside of the file", () => {
  const blob = (changes: Record<string, unknown>) =>
    file(JSON.stringify({ blobs: [{ ...BLOB, ...changes }] }));
  assert.equal(readPuffin(blob({}), { location: LOCATION }).blobs.length, 1);
  refuses(blob({ offset: 3 }), "puffin_malformed", /outside/);
  refuses(blob({ length: 5 }), "puffin_malformed", /outside/);
  refuses(blob({ offset: 2 ** 52 }), "puffin_malformed", /outside/);
  refuses(blob({ length: -1 }), "puffin_malformed", /-1/);
  refuses(blob({ length: 1.5 }), "puffin_malformed", /integer/);
  refuses(blob({ type: 1 }), "puffin_malformed", /type/);
  refuses(blob({ fields: "1" }), "puffin_malformed", /fields/);
  refuses(blob({ "snapshot-id": "1" }), "puffin_malformed", /integer/);
  refuses(blob({ properties: { a: 1 } }), "puffin_malformed", /"a"/);
  refuses(file('{"blobs":{}}'), "puffin_malformed", /no blobs/);
  refuses(file("[]"), "puffin_malformed", /object/);
  refuses(file("{"), "puffin_malformed", /not JSON/);
});

Deno.test("readPuffin() keeps snapshot ids that a double cannot hold", () => {
  const text = JSON.stringify({ blobs: [BLOB] }).replace(
    '"snapshot-id":1',
    '"snapshot-id":9223372036854775807',
  );
  const [blob] = readPuffin(file(text), { location: LOCATION }).blobs;
  assert.equal(blob?.snapshotId, 9_223_372_036_854_775_807n);
});

Deno.test("decodePuffinBlob() decompresses zstd and refuses lz4", () => {
  const stored = zstdFrame(Uint8Array.of(1, 2, 3));
  const blob = {
    ...SKETCH,
    offset: 4,
    length: stored.length,
    compressionCodec: "zstd" as string | null,
  };
  const options = { location: LOCATION, fileSizeInBytes: 1_000 };
  assert.deepEqual(decodePuffinBlob(blob, stored, options), Uint8Array.of(1, 2, 3));
  assert.equal(decodePuffinBlob({ ...blob, compressionCodec: null }, stored, options), stored);
  assert.throws(() => decodePuffinBlob({ ...blob, compressionCodec: "lz4" }, stored, options), {
    code: "puffin_unsupported",
  });
  const garbage = new Uint8Array(stored.length).fill(7);
  assert.throws(() => decodePuffinBlob(blob, garbage, options), { code: "puffin_malformed" });
  assert.throws(() => decodePuffinBlob(blob, stored.subarray(1), options), RangeError);
});

Deno.test("decodePuffinBlob() refuses a zstd frame that is cut off or tells no size", () => {
  const options = { location: LOCATION, fileSizeInBytes: 1_000_000 };
  for (const size of [1, 255, 256, 300, 65_791, 65_792, 100_000]) {
    const contents = Uint8Array.from({ length: size }, (_, index) => index % 97);
    const stored = zstdFrame(contents);
    const blob = { ...SKETCH, offset: 4, length: stored.length, compressionCodec: "zstd" };
    assert.deepEqual(decodePuffinBlob(blob, stored, options), contents);
    for (const cut of [stored.subarray(0, -1), stored.subarray(0, 5), zstdCompressSync(contents)]) {
      assert.throws(() => decodePuffinBlob({ ...blob, length: cut.length }, cut, options), {
        code: "puffin_malformed",
      });
    }
  }
});

Deno.test("readPuffin() ends in an AppError or a footer on any damaged file", () => {
  const { bytes } = writePuffin([SKETCH, SKETCH], { properties: PROPERTIES });
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(edits, fc.nat(), (changes, cut) => {
      const copy = bytes.slice(0, cut % 2 === 0 ? bytes.length : cut % bytes.length);
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      try {
        readPuffin(copy, { location: LOCATION });
      } catch (error) {
        assert(error instanceof AppError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
