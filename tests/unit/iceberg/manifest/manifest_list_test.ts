import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { containerText, openContainer } from "../../../../lib/iceberg/avro/container.ts";
import type { ManifestFile } from "../../../../lib/iceberg/manifest/manifest_file.ts";
import { readManifestList } from "../../../../lib/iceberg/manifest/read_manifest_list.ts";
import { UNASSIGNED_SEQUENCE_NUMBER } from "../../../../lib/iceberg/manifest/write_manifest.ts";
import {
  writeManifestList,
  type WriteManifestListOptions,
} from "../../../../lib/iceberg/manifest/write_manifest_list.ts";
import { concat, container, long, sized } from "../../../support/avro_bytes.ts";
import { SNAPSHOT_ID } from "./_samples.ts";

const MANIFEST: ManifestFile = {
  manifestPath: "s3://bucket/db/t/metadata/m0.avro",
  manifestLength: 2 ** 33,
  partitionSpecId: 3,
  content: "data",
  sequenceNumber: 5n,
  minSequenceNumber: 2n,
  addedSnapshotId: SNAPSHOT_ID,
  addedFilesCount: 1,
  existingFilesCount: 2,
  deletedFilesCount: 3,
  addedRowsCount: 10,
  existingRowsCount: 20,
  deletedRowsCount: 2 ** 40,
  partitions: [
    { containsNull: true, containsNan: null, lowerBound: null, upperBound: null },
    {
      containsNull: false,
      containsNan: true,
      lowerBound: Uint8Array.of(1, 0),
      upperBound: new Uint8Array(0),
    },
  ],
  keyMetadata: Uint8Array.of(1, 2, 3),
  firstRowId: null,
};

const DELETES: ManifestFile = { ...MANIFEST, content: "deletes", manifestPath: "d.avro" };

function write(manifests: ManifestFile[], overrides: Partial<WriteManifestListOptions> = {}) {
  return writeManifestList(manifests, {
    formatVersion: 2,
    snapshotId: SNAPSHOT_ID,
    parentSnapshotId: null,
    sequenceNumber: 9n,
    firstRowId: 1_000n,
    ...overrides,
  });
}

function read(bytes: Uint8Array): readonly ManifestFile[] {
  return readManifestList(bytes, { location: "snap-1.avro" });
}

Deno.test("readManifestList() reads back every field, in each version and codec", () => {
  for (const codec of ["null", "deflate"] as const) {
    assert.deepEqual(read(write([MANIFEST, DELETES], { codec }).bytes), [MANIFEST, DELETES]);
    const v1 = { ...MANIFEST, sequenceNumber: 0n, minSequenceNumber: 0n };
    assert.deepEqual(read(write([v1], { codec, formatVersion: 1 }).bytes), [v1]);
    const v3 = write([{ ...MANIFEST, firstRowId: 2n ** 62n }, DELETES], {
      codec,
      formatVersion: 3,
    });
    assert.deepEqual(read(v3.bytes), [{ ...MANIFEST, firstRowId: 2n ** 62n }, DELETES]);
  }
});

Deno.test("readManifestList() reads counts that v1 writers leave null", () => {
  const counts = {
    addedFilesCount: null,
    existingFilesCount: null,
    deletedFilesCount: null,
    addedRowsCount: null,
    existingRowsCount: null,
    deletedRowsCount: null,
    partitions: null,
    keyMetadata: null,
  };
  const v1 = { ...MANIFEST, ...counts, sequenceNumber: 0n, minSequenceNumber: 0n };
  assert.deepEqual(read(write([v1], { formatVersion: 1 }).bytes), [v1]);
});

Deno.test("readManifestList() goes by field id, and takes defaults for missing fields", () => {
  const fields = [
    { name: "added_data_files_count", type: ["null", "int"], "field-id": 504 },
    { name: "somewhere", type: "string", "field-id": 500 },
    { name: "unknown_to_us", type: { type: "map", values: "string" }, "field-id": 999 },
    { name: "size", type: "int", "field-id": 501 },
    { name: "manifest_path", type: "string" },
    { name: "spec", type: "int", "field-id": 502 },
  ];
  const schema = { type: "record", name: "manifest_file", fields };
  const data = concat(
    long(1),
    long(8),
    sized("a.avro"),
    long(1),
    sized("k"),
    sized("v"),
    0,
    long(77),
    sized("not this one"),
    long(4),
  );
  assert.deepEqual(read(container(schema, [{ count: 1, data }])), [{
    manifestPath: "a.avro",
    manifestLength: 77,
    partitionSpecId: 4,
    content: "data",
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: null,
    addedFilesCount: 8,
    existingFilesCount: null,
    deletedFilesCount: null,
    addedRowsCount: null,
    existingRowsCount: null,
    deletedRowsCount: null,
    partitions: null,
    keyMetadata: null,
    firstRowId: null,
  }]);
});

function refuses(schema: unknown, data: Uint8Array, code: string): void {
  assert.throws(
    () => read(container(schema, [{ count: 1, data }])),
    (error: unknown) =>
      error instanceof AppError && error.kind === "corrupt_data" && error.code === code,
  );
}

Deno.test("readManifestList() refuses schemas and values that are not a manifest list's", () => {
  const fields = (...types: [number, unknown][]) => ({
    type: "record",
    name: "manifest_file",
    fields: types.map(([id, type]) => ({ name: `f${id}`, type, "field-id": id })),
  });
  const empty = new Uint8Array(0);
  refuses("int", empty, "avro_schema_invalid");
  refuses(fields([500, "string"], [501, "long"]), empty, "manifest_list_malformed");
  refuses(fields([500, "int"], [501, "long"], [502, "int"]), empty, "manifest_list_malformed");
  const required: [number, unknown][] = [[500, "string"], [501, "long"], [502, "int"]];
  refuses(fields(...required), concat(sized("p"), long(-1), 0), "manifest_list_malformed");
  const withContent = fields(...required, [517, "int"]);
  refuses(withContent, concat(sized("p"), 0, 0, long(2)), "manifest_list_malformed");
  const nullable = fields([500, ["null", "string"]], [501, "long"], [502, "int"]);
  refuses(nullable, concat(0, 0, 0), "manifest_list_malformed");
});

Deno.test("readManifestList() refuses a manifest list of a later format", () => {
  const bytes = container('"int"', [], { metadata: { "format-version": "4" } });
  assert.throws(() => read(bytes), { code: "manifest_version_unsupported" });
});

Deno.test("writeManifestList() gives new manifests the commit's sequence number", () => {
  const unassigned = {
    ...MANIFEST,
    sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER,
    minSequenceNumber: UNASSIGNED_SEQUENCE_NUMBER,
  };
  const rewritten = { ...unassigned, minSequenceNumber: 4n };
  const { bytes, manifests } = write([unassigned, rewritten, MANIFEST]);
  const numbers = manifests.map((each) => [each.sequenceNumber, each.minSequenceNumber]);
  assert.deepEqual(numbers, [[9n, 9n], [9n, 4n], [5n, 2n]]);
  assert.deepEqual(read(bytes), manifests);
});

Deno.test("writeManifestList() gives no number to a manifest of another snapshot", () => {
  const stray = { ...MANIFEST, sequenceNumber: -1n, addedSnapshotId: 1n };
  assert.throws(() => write([stray]), TypeError);
});

// The table of the specification's "Row lineage example".
Deno.test("writeManifestList() assigns first row ids as in the specification's example", () => {
  const rows = (addedRowsCount: number, existingRowsCount: number, firstRowId: bigint | null) => ({
    ...MANIFEST,
    addedRowsCount,
    existingRowsCount,
    firstRowId,
  });
  const { manifests, nextRowId } = write(
    [rows(75, 0, 925n), rows(100, 25, null), DELETES, rows(0, 100, null), rows(125, 25, null)],
    { formatVersion: 3 },
  );
  const ids = manifests.map((each) => each.firstRowId);
  assert.deepEqual(ids, [925n, 1_000n, null, 1_125n, 1_225n]);
  assert.equal(nextRowId, 1_375n);
  assert.equal(write([MANIFEST]).nextRowId, null);
});

Deno.test("writeManifestList() writes the header that Java writes", () => {
  const header = (overrides: Partial<WriteManifestListOptions>) => {
    const { bytes } = write([], overrides);
    const file = openContainer(bytes, { location: "snap-1.avro" });
    return Object.fromEntries(
      [...file.metadata.keys()]
        .filter((key) => !key.startsWith("avro."))
        .map((key) => [key, containerText(file, key)]),
    );
  };
  assert.deepEqual(header({ formatVersion: 3, parentSnapshotId: 4n }), {
    "snapshot-id": String(SNAPSHOT_ID),
    "parent-snapshot-id": "4",
    "sequence-number": "9",
    "first-row-id": "1000",
    "format-version": "3",
  });
  assert.deepEqual(header({ formatVersion: 1 }), {
    "snapshot-id": String(SNAPSHOT_ID),
    "parent-snapshot-id": "null",
    "format-version": "1",
  });
});

Deno.test("writeManifestList() refuses what a version cannot hold", () => {
  assert.throws(() => write([DELETES], { formatVersion: 1 }), TypeError);
  assert.throws(() => write([{ ...MANIFEST, addedRowsCount: null }]), {
    name: "AppError",
    code: "manifest_counts_missing",
  });
  const { firstRowId: _, ...rest } = {
    formatVersion: 3 as const,
    snapshotId: 1n,
    parentSnapshotId: null,
    sequenceNumber: 1n,
    firstRowId: 0n,
  };
  assert.throws(() => writeManifestList([], rest), TypeError);
});
