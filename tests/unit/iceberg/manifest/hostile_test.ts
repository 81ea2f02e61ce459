/**
 * Damaged and lying manifests: whatever the bytes, reading ends soon, in entries or in an AppError.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "../../../../lib/errors.ts";
import { readManifest } from "../../../../lib/iceberg/manifest/read_manifest.ts";
import { readManifestHeader } from "../../../../lib/iceberg/manifest/manifest_header.ts";
import { readManifestList } from "../../../../lib/iceberg/manifest/read_manifest_list.ts";
import { scanManifest } from "../../../../lib/iceberg/manifest/scan_manifest.ts";
import { writeManifestList } from "../../../../lib/iceberg/manifest/write_manifest_list.ts";
import { concat, container, long } from "../../../support/avro_bytes.ts";
import { committed, entry, partitionType, SNAPSHOT_ID, write } from "./_samples.ts";

/** No damage may make a file of a few kilobytes cost more than this. */
const MAX_READ_MS = 2_000;

const files = Array.from({ length: 20 }, (_, index) =>
  entry({}, {
    filePath: `s3://bucket/db/t/data/${index}.parquet`,
    partition: [index % 4, `p${index}`],
    columnSizes: new Map([[1, 100], [2, index]]),
    valueCounts: new Map([[1, 10]]),
    lowerBounds: new Map([[1, Uint8Array.of(1, 2, 3, 4)]]),
    upperBounds: new Map([[1, Uint8Array.of(5, 6, 7, 8)]]),
    splitOffsets: [4, 8],
  }));
const written = write(files, {
  formatVersion: 3,
  codec: "null",
  partitionType: partitionType({ kind: "int" }, { kind: "string" }),
});
const deflated = write(files, {
  formatVersion: 3,
  partitionType: partitionType({ kind: "int" }, { kind: "string" }),
});
const manifest = committed(written.manifest, { firstRowId: 0n });
const list = writeManifestList([written.manifest, manifest], {
  formatVersion: 3,
  snapshotId: SNAPSHOT_ID,
  parentSnapshotId: null,
  sequenceNumber: 1n,
  firstRowId: 0n,
  codec: "null",
});

/** Reads in every way; true where all went well. Anything but an AppError fails the test. */
function survives(bytes: Uint8Array): boolean {
  const start = performance.now();
  const location = "m.avro";
  const ways: (() => void)[] = [
    () => {
      for (const part of readManifest(bytes, { manifest })) {
        for (const { dataFile } of part) {
          dataFile.lowerBounds?.get(1);
          new Map(dataFile.columnSizes);
        }
      }
    },
    () => {
      for (const _ of scanManifest(bytes, () => {}, { location }));
    },
    () => readManifestHeader(bytes, { location }),
    () => readManifestList(bytes, { location }),
  ];
  let failures = 0;
  for (const read of ways) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      assert(["corrupt_data", "unsupported"].includes(error.kind), error.kind);
      failures++;
    }
  }
  assert(performance.now() - start < MAX_READ_MS, "reading took too long");
  return failures < ways.length;
}

const damaged = [written.bytes, deflated.bytes, list.bytes];

Deno.test("reading survives a file cut off anywhere", () => {
  for (const bytes of damaged) {
    assert(survives(bytes));
    for (let length = 0; length < bytes.length; length += 1 + (length >> 6)) {
      survives(bytes.subarray(0, length));
    }
  }
});

Deno.test("reading survives flipped bits", () => {
  const flip = fc.tuple(
    fc.constantFrom(...damaged),
    fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  );
  fc.assert(
    fc.property(flip, ([bytes, bits]) => {
      const copy = bytes.slice();
      for (const bit of bits) copy[(bit >>> 3) % copy.length]! ^= 1 << (bit & 7);
      survives(copy);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("reading survives runs of bytes put in place of others", () => {
  const splice = fc.tuple(
    fc.constantFrom(...damaged),
    fc.nat(),
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 16 }),
      fc.constantFrom(long(2n ** 40n), long(-(2n ** 40n)), long(2n ** 62n), long(-1)),
    ),
    fc.boolean(),
  );
  fc.assert(
    fc.property(splice, ([bytes, at, patch, replaces]) => {
      const start = at % bytes.length;
      const rest = bytes.subarray(start + (replaces ? patch.length : 0));
      survives(concat(bytes.subarray(0, start), patch, rest));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("reading survives lies in the blocks of a manifest", () => {
  const numbers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const parts = fc.array(fc.oneof(numbers.map(long), fc.uint8Array({ maxLength: 8 })));
  const metadata = { "schema": "{}", "partition-spec": "[]" };
  const schemaText = schemaOf(written.bytes);
  fc.assert(
    fc.property(parts, fc.nat(5), (data, count) => {
      survives(container(schemaText, [{ count, data: concat(...data) }], { metadata }));
    }),
    { numRuns: 1_000 },
  );
});

function schemaOf(bytes: Uint8Array): string {
  const text = new TextDecoder("latin1").decode(bytes);
  const start = text.indexOf('{"type":"record","name":"manifest_entry"');
  for (let end = text.indexOf("}", start); end > 0; end = text.indexOf("}", end + 1)) {
    try {
      JSON.parse(text.slice(start, end + 1));
      return text.slice(start, end + 1);
    } catch {
      continue;
    }
  }
  throw new TypeError("Cannot find the schema of the written manifest");
}

/** A manifest schema with one more field in front, which readers skip. */
function withField(type: unknown): unknown {
  const schema = JSON.parse(schemaOf(written.bytes));
  return { ...schema, fields: [{ name: "extra", type }, ...schema.fields] };
}

const EMPTY_RECORD = { type: "record", name: "e", fields: [] };
const METADATA = { "schema": "{}", "partition-spec": "[]" };

Deno.test("reading ends for arrays of values that take no bytes", () => {
  for (const items of ["null", EMPTY_RECORD, { type: "fixed", name: "z", size: 0 }]) {
    const data = concat(...Array.from({ length: 500 }, () => long(2n ** 52n)), 0);
    const bytes = container(withField({ type: "array", items }), [{ count: 1, data }], {
      metadata: METADATA,
    });
    assert.equal(survives(bytes), true, "only the header reads");
  }
});

Deno.test("reading ends for records that take no bytes, by the million", () => {
  let type: unknown = EMPTY_RECORD;
  for (let level = 0; level < 12; level++) {
    const fields = [{ name: "a", type }, { name: "b", type: level === 0 ? "e" : `d${level - 1}` }];
    type = { type: "record", name: `d${level}`, fields };
  }
  const schema = { ...Object(withField(type)) };
  const bytes = container(schema, [{ count: 10_000_000, data: new Uint8Array(64) }], {
    metadata: METADATA,
  });
  survives(bytes);
  const nulls = container('"null"', [{ count: 19_000_000, data: new Uint8Array(0) }], {
    metadata: METADATA,
  });
  survives(nulls);
});

Deno.test("reading ends for block counts and sizes beyond all measure", () => {
  const schemaText = schemaOf(written.bytes);
  for (const count of [2n ** 31n, 2n ** 40n, 2n ** 62n, -1n, -(2n ** 62n)]) {
    survives(container(schemaText, [{ count, data: new Uint8Array(32) }], { metadata: METADATA }));
  }
});

Deno.test("readManifestList() refuses a list of one manifest again and again", () => {
  const options = { formatVersion: 2, snapshotId: SNAPSHOT_ID, parentSnapshotId: null } as const;
  const listOf = (times: number) =>
    writeManifestList(Array.from({ length: times }, () => manifest), {
      ...options,
      sequenceNumber: 1n,
    }).bytes;
  assert.equal(readManifestList(listOf(17), { location: "l.avro" }).length, 17);
  assert.throws(
    () => readManifestList(listOf(18), { location: "l.avro" }),
    /it lists ".*" and others again and again/,
  );
});

Deno.test("readManifestList() refuses summaries that would fill the memory", () => {
  const summary = { containsNull: false, containsNan: null, lowerBound: null, upperBound: null };
  const partitions = Array.from({ length: 900_000 }, () => summary);
  const wide = Array.from({ length: 6 }, (_, i) => ({
    ...manifest,
    manifestPath: `m${i}.avro`,
    partitions,
  }));
  const { bytes } = writeManifestList(wide, {
    formatVersion: 2,
    snapshotId: SNAPSHOT_ID,
    parentSnapshotId: null,
    sequenceNumber: 1n,
  });
  assert.ok(bytes.length < 100_000, `${bytes.length} bytes`);
  assert.throws(
    () => readManifestList(bytes, { location: "l.avro" }),
    /its lists have more than 5000000 items in all/,
  );
});
