import assert from "node:assert/strict";
import { containerText, openContainer } from "../../../../lib/iceberg/avro/container.ts";
import { compatibleName } from "../../../../lib/iceberg/manifest/avro_schema_json.ts";
import { readManifestEntries } from "../../../../lib/iceberg/manifest/read_manifest.ts";
import { UNASSIGNED_SEQUENCE_NUMBER } from "../../../../lib/iceberg/manifest/write_manifest.ts";
import { decodeValue } from "../../../../lib/iceberg/spec/values.ts";
import { entry, partitionType, SNAPSHOT_ID, write } from "./_samples.ts";

const old = { snapshotId: 5n, sequenceNumber: 2n, fileSequenceNumber: 3n };

function header(bytes: Uint8Array): Record<string, string | null> {
  const file = openContainer(bytes, { location: "m.avro" });
  const keys = [...file.metadata.keys()].filter((key) => !key.startsWith("avro."));
  return Object.fromEntries(keys.map((key) => [key, containerText(file, key)]));
}

interface AvroFieldJson {
  readonly name: string;
  readonly "field-id": number;
  readonly type: unknown;
}

/** Names and ids of a record's fields, in order. */
function outline(fields: readonly AvroFieldJson[]): string {
  return fields.map((field) => `${field["field-id"]}:${field.name}`).join(" ");
}

function schemaOutline(formatVersion: 1 | 2 | 3): readonly string[] {
  const { bytes } = write([], { formatVersion });
  const schema = JSON.parse(openContainer(bytes, { location: "m.avro" }).schemaText);
  const dataFile = schema.fields.at(-1).type;
  assert.deepEqual([schema.name, dataFile.name], ["manifest_entry", "r2"]);
  return [outline(schema.fields), outline(dataFile.fields)];
}

// Order and names as in V1Metadata, V2Metadata and V3Metadata of Apache Iceberg (Java), August 2026.
Deno.test("writeManifest() writes the fields of each version in Java's order", () => {
  const metrics = "108:column_sizes 109:value_counts 110:null_value_counts 137:nan_value_counts " +
    "125:lower_bounds 128:upper_bounds 131:key_metadata 132:split_offsets";
  const start =
    "100:file_path 101:file_format 102:partition 103:record_count 104:file_size_in_bytes";
  assert.deepEqual(schemaOutline(1), [
    "0:status 1:snapshot_id 2:data_file",
    `${start} 105:block_size_in_bytes ${metrics} 140:sort_order_id`,
  ]);
  const entryFields = "0:status 1:snapshot_id 3:sequence_number 4:file_sequence_number 2:data_file";
  const v2 = `134:content ${start} ${metrics} 135:equality_ids 140:sort_order_id`;
  assert.deepEqual(schemaOutline(2), [entryFields, `${v2} 143:referenced_data_file`]);
  assert.deepEqual(schemaOutline(3), [
    entryFields,
    `${v2} 142:first_row_id 143:referenced_data_file 144:content_offset 145:content_size_in_bytes`,
  ]);
});

Deno.test("writeManifest() writes the header that the specification requires", () => {
  const expected = {
    "schema": '{"type":"struct","schema-id":3,"fields":[]}',
    "schema-id": "3",
    "partition-spec": "[]",
    "partition-spec-id": "0",
  };
  assert.deepEqual(header(write([], { formatVersion: 1 }).bytes), {
    ...expected,
    "format-version": "1",
  });
  assert.deepEqual(header(write([], { formatVersion: 3, content: "deletes" }).bytes), {
    ...expected,
    "format-version": "3",
    "content": "deletes",
  });
});

Deno.test("writeManifest() sums up files and rows by status", () => {
  const { bytes, manifest } = write([
    entry({}, { recordCount: 1 }),
    entry({}, { recordCount: 2 }),
    entry({ status: "existing", ...old }, { recordCount: 10 }),
    entry({ status: "deleted", ...old, sequenceNumber: 1n }, { recordCount: 100 }),
  ]);
  assert.deepEqual(manifest, {
    manifestPath: "s3://bucket/db/t/metadata/m0.avro",
    manifestLength: bytes.length,
    partitionSpecId: 0,
    content: "data",
    sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER,
    // Deleted entries do not count: the lowest number is of live files.
    minSequenceNumber: 2n,
    addedSnapshotId: SNAPSHOT_ID,
    addedFilesCount: 2,
    existingFilesCount: 1,
    deletedFilesCount: 1,
    addedRowsCount: 3,
    existingRowsCount: 10,
    deletedRowsCount: 100,
    partitions: [],
    keyMetadata: null,
    firstRowId: null,
  });
});

Deno.test("writeManifest() leaves both sequence numbers open where no live entry has one", () => {
  const { manifest } = write([entry(), entry({ status: "deleted", ...old })]);
  assert.equal(manifest.minSequenceNumber, UNASSIGNED_SEQUENCE_NUMBER);
  assert.equal(write([entry()], { formatVersion: 1 }).manifest.sequenceNumber, 0n);
});

Deno.test("writeManifest() bounds partition values, nulls and NaN apart", () => {
  const type = partitionType({ kind: "double" }, { kind: "string" }, { kind: "int" });
  const { manifest } = write([
    entry({}, { partition: [1.5, "b", null] }),
    entry({}, { partition: [NaN, "\u{1F600}", null] }),
    entry({}, { partition: [-0.5, "\uFFFD", null] }),
  ], { partitionType: type });
  const [double, text, int] = manifest.partitions ?? [];
  assert.deepEqual([double?.containsNull, double?.containsNan], [false, true]);
  assert.equal(decodeValue({ kind: "double" }, double?.lowerBound ?? new Uint8Array(0)), -0.5);
  assert.equal(decodeValue({ kind: "double" }, double?.upperBound ?? new Uint8Array(0)), 1.5);
  // By code point, not by UTF-16 unit: U+1F600 sorts after U+FFFD.
  const upper = decodeValue({ kind: "string" }, text?.upperBound ?? new Uint8Array(0));
  assert.equal(upper, "\u{1F600}");
  assert.deepEqual(int, {
    containsNull: true,
    containsNan: false,
    lowerBound: null,
    upperBound: null,
  });
});

Deno.test("writeManifest() refuses entries that may not stand in the manifest", () => {
  const cases: [Parameters<typeof write>[0], Parameters<typeof write>[1]][] = [
    [[entry({}, { content: "equality_deletes" })], {}],
    [[entry()], { content: "deletes" }],
    [[entry({}, { specId: 1 })], {}],
    [[entry({ status: "existing" })], {}],
    [[entry({ status: "deleted", ...old, fileSequenceNumber: null })], {}],
    [[entry({ status: "existing", ...old, snapshotId: null })], {}],
    [[entry({}, { partition: [1] })], {}],
    [[entry({}, { partition: ["x"] })], { partitionType: partitionType({ kind: "int" }) }],
    [[], { formatVersion: 1, content: "deletes" }],
  ];
  for (const [entries, options] of cases) assert.throws(() => write(entries, options), TypeError);
});

Deno.test("writeManifest() gives v1 entries the snapshot id that they cannot inherit", () => {
  const { bytes, manifest } = write([entry()], { formatVersion: 1 });
  const [read] = readManifestEntries(bytes, { manifest: { ...manifest, addedSnapshotId: 1n } });
  assert.equal(read?.snapshotId, SNAPSHOT_ID);
});

// AvroSchemaUtil.sanitize of Apache Iceberg (Java).
Deno.test("compatibleName() makes names that Avro accepts, as Java does", () => {
  assert.equal(compatibleName("plain_1"), "plain_1");
  assert.equal(compatibleName("9lives"), "_9lives");
  assert.equal(compatibleName("a-b.c"), "a_x2Db_x2Ec");
  assert.equal(compatibleName("x☃"), "x_x2603");
});
