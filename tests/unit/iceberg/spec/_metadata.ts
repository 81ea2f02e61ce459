/** Metadata documents to test with: real ones, and a small one to take apart. */
import { globSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { JsonOutput } from "../../../../lib/json.ts";
import { FIXTURES } from "../../../support/fixtures.ts";

/** A metadata file of a real table. */
export interface FixtureFile {
  /** Path below the fixtures. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The JSON text, decompressed. */
  readonly text: string;
}

/** Every metadata file of the fixtures, except the one that is bad on purpose. */
export function fixtureFiles(): FixtureFile[] {
  const paths = globSync("**/*.metadata.json", { cwd: FIXTURES }).sort();
  return paths.map((path) => {
    const bytes = new Uint8Array(readFileSync(`${FIXTURES}/${path}`));
    const plain = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
    return { path, bytes, text: new TextDecoder().decode(plain) };
  });
}

/** The bytes of the metadata file that is no JSON document. */
export function badFixture(): Uint8Array {
  return new Uint8Array(readFileSync(`${FIXTURES}/bad_data/bad_iceberg_metadata.json`));
}

/** A JSON document under construction. */
export type Document = Record<string, JsonOutput>;

/** Sets what lies at a dotted path, `snapshots.0.summary`; undefined removes it. */
export function edit(document: Document, path: string, value: JsonOutput | undefined): Document {
  const steps = path.split(".");
  const last = steps.pop() ?? "";
  const parent = steps.length === 0 ? document : pick(document, steps.join("."));
  if (value === undefined) Reflect.deleteProperty(parent as object, last);
  else Reflect.set(parent as object, last, value);
  return document;
}

/** What lies at a dotted path. */
export function pick(document: Document, path: string): JsonOutput {
  return path.split(".").reduce<JsonOutput>(
    (value, step) => Reflect.get(value as object, step),
    document,
  );
}

/** A complete v2 document with two snapshots, as any writer could have made it. */
export function v2Document(): Document {
  return {
    "format-version": 2,
    "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
    location: "s3://bucket/test/location",
    "last-sequence-number": 34,
    "last-updated-ms": 1602638573590,
    "last-column-id": 3,
    "current-schema-id": 1,
    schemas: [
      { type: "struct", "schema-id": 0, fields: [field(1, "x", "long")] },
      {
        type: "struct",
        "schema-id": 1,
        "identifier-field-ids": [1],
        fields: [
          field(1, "x", "long"),
          { ...field(2, "y", "decimal(9, 2)"), doc: "comment" },
          field(3, "z", "timestamptz"),
        ],
      },
    ],
    "default-spec-id": 0,
    "partition-specs": [{
      "spec-id": 0,
      fields: [{ name: "x", transform: "bucket[16]", "source-id": 1, "field-id": 1000 }],
    }],
    "last-partition-id": 1000,
    "default-sort-order-id": 3,
    "sort-orders": [{
      "order-id": 3,
      fields: [
        { transform: "identity", "source-id": 2, direction: "asc", "null-order": "nulls-first" },
        { transform: "bucket[4]", "source-id": 3, direction: "desc", "null-order": "nulls-last" },
      ],
    }],
    properties: { "read.split.target.size": "134217728" },
    "current-snapshot-id": 3055729675574597004n,
    snapshots: v2Snapshots(),
    "snapshot-log": [
      { "snapshot-id": 3051729675574597004n, "timestamp-ms": 1515100955770 },
      { "snapshot-id": 3055729675574597004n, "timestamp-ms": 1555100955770 },
    ],
    "metadata-log": [{ "metadata-file": "s3://bucket/.../v1.json", "timestamp-ms": 1515100 }],
    refs: {
      main: { "snapshot-id": 3055729675574597004n, type: "branch" },
      old: {
        "snapshot-id": 3051729675574597004n,
        type: "tag",
        "max-ref-age-ms": 10000000,
      },
    },
    statistics: v2Statistics(),
    "partition-statistics": [{
      "snapshot-id": 3055729675574597004n,
      "statistics-path": "s3://a/b/partition-stats.parquet",
      "file-size-in-bytes": 43,
    }],
  };
}

function v2Snapshots(): JsonOutput {
  return [
    {
      "snapshot-id": 3051729675574597004n,
      "timestamp-ms": 1515100955770,
      "sequence-number": 0,
      summary: { operation: "append" },
      "manifest-list": "s3://a/b/1.avro",
    },
    {
      "snapshot-id": 3055729675574597004n,
      "parent-snapshot-id": 3051729675574597004n,
      "timestamp-ms": 1555100955770,
      "sequence-number": 1,
      summary: { operation: "append" },
      "manifest-list": "s3://a/b/2.avro",
      "schema-id": 1,
    },
  ];
}

function v2Statistics(): JsonOutput {
  return [{
    "snapshot-id": 3055729675574597004n,
    "statistics-path": "s3://a/b/stats.puffin",
    "file-size-in-bytes": 413,
    "file-footer-size-in-bytes": 42,
    "blob-metadata": [{
      type: "apache-datasketches-theta-v1",
      "snapshot-id": 3055729675574597004n,
      "sequence-number": 1,
      fields: [1],
      properties: { ndv: "100" },
    }],
  }];
}

/** A field as metadata writes it. */
export function field(id: number, name: string, type: string): Document {
  return { id, name, required: true, type };
}

/** The earliest v1 document: no lists, no UUID, no ids of partition fields. */
export function v1Document(): Document {
  return {
    "format-version": 1,
    location: "s3://bucket/test/location",
    "last-updated-ms": 1602638573874,
    "last-column-id": 3,
    schema: {
      type: "struct",
      fields: [field(1, "x", "long"), field(2, "y", "long"), field(3, "z", "long")],
    },
    "partition-spec": [
      { name: "x", transform: "identity", "source-id": 1 },
      { name: "y_bucket", transform: "bucket[4]", "source-id": 2 },
    ],
    properties: {},
    "current-snapshot-id": -1,
    snapshots: [],
  };
}

/** {@linkcode v2Document} after an upgrade to v3, with what v3 adds. */
export function v3Document(): Document {
  const document = v2Document();
  const edits: readonly (readonly [string, JsonOutput])[] = [
    ["format-version", 3],
    ["next-row-id", 9007199254740995n],
    ["last-column-id", 4],
    ["schemas.1.fields.0.initial-default", 5],
    ["schemas.1.fields.0.write-default", 9007199254740993n],
    ["schemas.1.fields.3", { ...field(4, "v", "variant"), required: false }],
    ["snapshots.1.first-row-id", 0],
    ["snapshots.1.added-rows", 10],
    ["snapshots.1.key-id", "k1"],
    ["encryption-keys", [{
      "key-id": "k1",
      "encrypted-key-metadata": "aWNlYmVyZwo=",
      "encrypted-by-id": "kms",
      properties: { a: "b" },
    }]],
    ["partition-specs.1", {
      "spec-id": 1,
      fields: [{ name: "many", transform: "zorder", "source-ids": [1, 2], "field-id": 1001 }],
    }],
  ];
  for (const [path, value] of edits) edit(document, path, value);
  return document;
}
