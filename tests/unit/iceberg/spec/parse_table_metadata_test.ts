import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { AppError } from "../../../../lib/errors.ts";
import { type JsonOutput, stringifyJson } from "../../../../lib/json.ts";
import { parseTableMetadata } from "../../../../lib/iceberg/spec/parse_table_metadata.ts";
import {
  currentSchema,
  currentSnapshot,
  defaultSortOrder,
  defaultSpec,
  type TableMetadata,
} from "../../../../lib/iceberg/spec/table_metadata.ts";
import {
  badFixture,
  type Document,
  edit,
  fixtureFiles,
  pick,
  v1Document,
  v2Document,
  v3Document,
} from "./_metadata.ts";
import { fixtureTest } from "../../../support/fixtures.ts";

const LOCATION = "s3://bucket/db/t/metadata/v1.metadata.json";

function parse(document: Document, options = {}): TableMetadata {
  const bytes = new TextEncoder().encode(stringifyJson(document));
  return parseTableMetadata(bytes, { location: LOCATION, ...options });
}

for (const { path, bytes } of fixtureFiles()) {
  Deno.test(`parseTableMetadata() reads the fixture ${path}`, () => {
    const metadata = parseTableMetadata(bytes, { location: path });
    assert.equal(metadata.refs.get("main")?.snapshotId ?? null, metadata.currentSnapshotId);
    assert(currentSchema(metadata).fields.length > 0);
    assert(defaultSpec(metadata) !== undefined && defaultSortOrder(metadata) !== undefined);
    assert.deepEqual(metadata.extra, Object.create(null));
  });
}

fixtureTest("the fixtures hold every metadata file that they are known to hold", () => {
  // A glob that finds nothing must not let this file pass.
  assert.equal(fixtureFiles().length, 70);
});

Deno.test("parseTableMetadata() reads every part of a v2 document", () => {
  const metadata = parse(v2Document());
  assert.equal(metadata.formatVersion, 2);
  assert.equal(metadata.tableUuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
  assert.equal(metadata.lastSequenceNumber, 34n);
  assert.equal(metadata.currentSnapshotId, 3055729675574597004n);
  assert.equal(currentSchema(metadata).findByName("y")?.field.doc, "comment");
  assert.deepEqual(currentSchema(metadata).identifierFieldIds, [1]);
  assert.deepEqual(defaultSpec(metadata).fields[0], {
    sourceIds: [1],
    fieldId: 1000,
    name: "x",
    transform: { kind: "bucket", numBuckets: 16 },
  });
  assert.equal(defaultSortOrder(metadata).fields[1]?.nullOrder, "nulls-last");
  assert.equal(currentSnapshot(metadata)?.parentSnapshotId, 3051729675574597004n);
  assert.equal(currentSnapshot(metadata)?.summary["operation"], "append");
  assert.equal(currentSnapshot(metadata)?.manifests, null);
  assert.deepEqual(metadata.refs.get("old"), {
    name: "old",
    snapshotId: 3051729675574597004n,
    type: "tag",
    minSnapshotsToKeep: null,
    maxSnapshotAgeMs: null,
    maxRefAgeMs: 10000000,
  });
  assert.equal(metadata.statistics[0]?.blobMetadata[0]?.properties["ndv"], "100");
  assert.equal(metadata.partitionStatistics[0]?.fileSizeInBytes, 43);
  assert.equal(metadata.nextRowId, null);
});

Deno.test("parseTableMetadata() reads what v3 adds", () => {
  const metadata = parse(v3Document());
  assert.equal(metadata.nextRowId, 9007199254740995n);
  const [x] = currentSchema(metadata).fields;
  assert.equal(x?.initialDefault, 5n);
  assert.equal(x?.writeDefault, 9007199254740993n);
  assert.equal(currentSnapshot(metadata)?.addedRows, 10n);
  assert.equal(currentSnapshot(metadata)?.keyId, "k1");
  assert.equal(metadata.encryptionKeys[0]?.encryptedById, "kms");
  assert.deepEqual(metadata.partitionSpecs[1]?.fields[0]?.sourceIds, [1, 2]);
  assert.deepEqual(metadata.partitionSpecs[1]?.fields[0]?.transform, {
    kind: "unknown",
    text: "zorder",
  });
});

Deno.test("parseTableMetadata() fills in what early v1 writers left out", () => {
  const metadata = parse(v1Document());
  assert.equal(metadata.tableUuid, null);
  assert.equal(metadata.lastSequenceNumber, 0n);
  assert.equal(metadata.currentSchemaId, 0);
  assert.deepEqual(defaultSpec(metadata).fields.map((field) => field.fieldId), [1000, 1001]);
  assert.equal(metadata.lastPartitionId, 1001);
  assert.deepEqual(metadata.sortOrders, [{ orderId: 0, fields: [] }]);
  assert.equal(metadata.currentSnapshotId, null);
  assert.equal(metadata.refs.size, 0);
});

Deno.test("parseTableMetadata() prefers v1's lists to the fields they replaced", () => {
  const metadata = parse({
    ...v1Document(),
    schemas: pick(v2Document(), "schemas"),
    "current-schema-id": 1,
    "partition-specs": [{ "spec-id": 4, fields: [] }],
    "default-spec-id": 4,
  });
  assert.equal(metadata.schemas.length, 2);
  assert.equal(defaultSpec(metadata).specId, 4);
  assert.equal(metadata.lastPartitionId, 999);
});

Deno.test("parseTableMetadata() reads v1 snapshots that list their manifests", () => {
  const snapshot = { "snapshot-id": 7, "timestamp-ms": 1, manifests: ["s3://a/m.avro"] };
  const document = { ...v1Document(), "current-snapshot-id": 7, snapshots: [snapshot] };
  const [read] = parse(document).snapshots;
  assert.deepEqual(read?.manifests, ["s3://a/m.avro"]);
  assert.equal(read?.manifestList, null);
  assert.deepEqual(Object.keys(read?.summary ?? { a: 1 }), []);
});

Deno.test("parseTableMetadata() makes up a main branch where there is none", () => {
  for (const refs of [undefined, null, {}]) {
    const metadata = parse(edit(v2Document(), "refs", refs));
    assert.equal(metadata.refs.get("main")?.snapshotId, metadata.currentSnapshotId);
    assert.equal(metadata.refs.get("main")?.type, "branch");
  }
});

const TOLERATED: readonly (readonly [string, string, JsonOutput | undefined])[] = [
  ["a parent that has expired", "snapshots.0.parent-snapshot-id", 5],
  ["a parent that is the sentinel -1", "snapshots.0.parent-snapshot-id", -1],
  ["log entries of expired snapshots", "snapshot-log.0.snapshot-id", 5],
  ["source columns that were dropped", "partition-specs.0.fields.0.source-id", 99],
  ["partition field ids below 1000", "partition-specs.0.fields.0.field-id", 3],
  ["numbers as property values", "properties.a", 5],
  ["null statistics", "statistics", null],
  ["null partition statistics", "partition-statistics", null],
  ["a null metadata log", "metadata-log", null],
  ["a null snapshot log", "snapshot-log", null],
  ["a sort order 0 that is not listed", "default-sort-order-id", 0],
  ["no last-partition-id", "last-partition-id", undefined],
  ["upper-case words", "sort-orders.0.fields.0.direction", "ASC"],
  ["a UUID without dashes", "table-uuid", "9C12D44103FE46939A96A0705DDF69C1"],
  ["a snapshot without a summary", "snapshots.0.summary", undefined],
  ["an age of for ever", "refs.old.max-ref-age-ms", 2n ** 63n - 1n],
  ["a schema without its kind", "schemas.0.type", undefined],
];

for (const [what, path, value] of TOLERATED) {
  Deno.test(`parseTableMetadata() tolerates ${what}`, () => {
    const document = edit(v2Document(), path, value);
    assert.equal(parse(document).tableUuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
  });
}

Deno.test("parseTableMetadata() never puts the last partition id below one in use", () => {
  assert.equal(parse({ ...v2Document(), "last-partition-id": 5 }).lastPartitionId, 1000);
});

Deno.test("parseTableMetadata() strips trailing slashes from the location", () => {
  assert.equal(parse({ ...v2Document(), location: "s3://b/t//" }).location, "s3://b/t");
});

Deno.test("parseTableMetadata() keeps members that no version of the spec names", () => {
  const document = v2Document();
  edit(document, "vendor", { id: 2n ** 60n });
  for (const part of ["schemas.0", "schemas.0.fields.0", "snapshots.0"]) {
    edit(document, `${part}.vendor`, 1);
  }
  const metadata = parse(document);
  assert.equal(stringifyJson(metadata.extra), `{"vendor":{"id":${2n ** 60n}}}`);
  assert.equal(metadata.schemas[0]?.extra?.["vendor"], 1);
  assert.equal(metadata.schemas[0]?.fields[0]?.extra?.["vendor"], 1);
  assert.equal(metadata.snapshots[0]?.extra?.["vendor"], 1);
});

Deno.test("parseTableMetadata() tells gzip by its bytes", () => {
  const plain = new TextEncoder().encode(stringifyJson(v2Document()));
  const packed = new Uint8Array(gzipSync(plain));
  assert.deepEqual(parseTableMetadata(packed, { location: LOCATION }), parse(v2Document()));
});

function failure(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    assert(error instanceof AppError, `threw ${error}`);
    return error;
  }
  assert.fail("nothing was thrown");
}

Deno.test("parseTableMetadata() refuses newer versions as unsupported", () => {
  const error = failure(() => parse({ ...v2Document(), "format-version": 4 }));
  assert.equal(error.kind, "unsupported");
  assert.equal(error.code, "unsupported_format_version");
  assert.match(error.message, /its format version is 4, at most 3 is supported/);
});

Deno.test("parseTableMetadata() names the file by its last two segments only", () => {
  const error = failure(() => parse({}));
  assert.equal(
    error.message,
    'Cannot read table metadata "metadata/v1.metadata.json": "format-version" is missing, ' +
      "expected a 32-bit integer",
  );
  assert.equal(error.context["location"], LOCATION);
});

fixtureTest("parseTableMetadata() refuses the bad fixture as corrupt", () => {
  const error = failure(() => parseTableMetadata(badFixture(), { location: "bad.json" }));
  assert.equal(error.kind, "corrupt_data");
  assert.equal(error.code, "invalid_table_metadata");
});

Deno.test("parseTableMetadata() refuses damaged gzip and gzip bombs as corrupt", () => {
  const packed = new Uint8Array(gzipSync(stringifyJson(v2Document())));
  const damaged = failure(() => parseTableMetadata(packed.subarray(0, 50), { location: LOCATION }));
  assert.match(damaged.message, /its gzip data is damaged/);
  const bomb = new Uint8Array(gzipSync(new Uint8Array(20_000_000)));
  const error = failure(() =>
    parseTableMetadata(bomb, { location: LOCATION, maxBytes: 1_000_000 })
  );
  assert.match(error.message, /more than 1000000 bytes when decompressed/);
  assert.equal(error.code, "invalid_table_metadata");
});

Deno.test("parseTableMetadata() refuses a document beyond its bound as corrupt", () => {
  const error = failure(() => parse(v2Document(), { maxBytes: 100 }));
  assert.equal(error.code, "invalid_table_metadata");
  assert.match(error.message, /at most 100 are allowed/);
});
