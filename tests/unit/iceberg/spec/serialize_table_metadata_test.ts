import assert from "node:assert/strict";
import { type JsonValue, parseJson, stringifyJson } from "../../../../lib/json.ts";
import { parseTableMetadata } from "../../../../lib/iceberg/spec/parse_table_metadata.ts";
import { serializeTableMetadata } from "../../../../lib/iceberg/spec/serialize_table_metadata.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import {
  type Document,
  edit,
  fixtureFiles,
  pick,
  v1Document,
  v2Document,
  v3Document,
} from "./_metadata.ts";

function parse(text: string): TableMetadata {
  return parseTableMetadata(new TextEncoder().encode(text), { location: "m.json" });
}

const parseDocument = (document: Document) => parse(stringifyJson(document));
/** What the metadata is written as, as a document again. */
const rewrite = (document: Document) =>
  parseJson(serializeTableMetadata(parseDocument(document))) as Document;

for (const { path, text } of fixtureFiles()) {
  Deno.test(`serializeTableMetadata() loses nothing of the fixture ${path}`, () => {
    const metadata = parse(text);
    const written = serializeTableMetadata(metadata);
    assert.deepEqual(parse(written), metadata);
    // Also compared as JSON, so that what the parser ignores would show.
    assert.deepEqual(canonical(parseJson(written)), canonical(parseJson(text)));
  });
}

for (const [version, document] of [[1, v1Document()], [2, v2Document()], [3, v3Document()]]) {
  Deno.test(`serializeTableMetadata() writes a complete v${version} document back`, () => {
    const metadata = parseDocument(document as Document);
    assert.deepEqual(parse(serializeTableMetadata(metadata)), metadata);
  });
}

Deno.test("serializeTableMetadata() keeps v1 readable for readers of the earliest v1", () => {
  const written = rewrite(v1Document());
  assert.deepEqual(pick(written, "partition-spec"), pick(written, "partition-specs.0.fields"));
  assert.deepEqual(pick(written, "schema"), pick(written, "schemas.0"));
  assert.equal(written["current-snapshot-id"], -1);
  assert(!("last-sequence-number" in written) && !("table-uuid" in written));
  const withSnapshot = edit(v1Document(), "snapshots.0", {
    "snapshot-id": 7,
    "timestamp-ms": 1,
    "sequence-number": null,
    manifests: ["s3://a/m.avro"],
  });
  assert.deepEqual(
    stringifyJson(pick(rewrite(withSnapshot), "snapshots")),
    '[{"snapshot-id":7,"timestamp-ms":1,"manifests":["s3://a/m.avro"]}]',
  );
});

Deno.test("serializeTableMetadata() leaves the deprecated v1 fields out of v2", () => {
  const document = edit(v2Document(), "schema", pick(v2Document(), "schemas.0"));
  assert(!("schema" in rewrite(document)) && !("partition-spec" in rewrite(document)));
});

Deno.test("serializeTableMetadata() writes no snapshot as v3 does, and as v2 does", () => {
  for (const [document, expected] of [[v3Document(), null], [v2Document(), -1]] as const) {
    const empty = { ...document, snapshots: [], refs: {}, "current-snapshot-id": null };
    assert.equal(rewrite(empty)["current-snapshot-id"], expected);
  }
});

Deno.test("serializeTableMetadata() writes one source as source-id, several as source-ids", () => {
  const written = rewrite(v3Document());
  assert.equal(pick(written, "partition-specs.0.fields.0.source-id"), 1);
  assert.deepEqual(pick(written, "partition-specs.1.fields.0.source-ids"), [1, 2]);
});

Deno.test("serializeTableMetadata() writes unknown members back where they were", () => {
  const paths = [
    "vendor",
    "schemas.0.vendor",
    "schemas.0.fields.0.vendor",
    "partition-specs.0.vendor",
    "partition-specs.0.fields.0.vendor",
    "sort-orders.0.vendor",
    "sort-orders.0.fields.1.vendor",
    "snapshots.1.vendor",
    "refs.old.vendor",
    "statistics.0.vendor",
    "statistics.0.blob-metadata.0.vendor",
    "partition-statistics.0.vendor",
    "encryption-keys.0.vendor",
  ];
  const document = v3Document();
  for (const path of paths) edit(document, path, { path, big: 2n ** 62n });
  const written = rewrite(document);
  for (const path of paths) {
    assert.equal(stringifyJson(pick(written, path)), `{"path":"${path}","big":${2n ** 62n}}`);
  }
});

Deno.test("serializeTableMetadata() never lets an unknown member replace a known one", () => {
  const metadata = parseDocument(v2Document());
  const written = serializeTableMetadata({ ...metadata, extra: { location: "elsewhere" } });
  assert.equal(parse(written).location, metadata.location);
});

/** A document with what a rewrite may change made alike: key order, and what says nothing. */
function canonical(json: JsonValue, key = ""): unknown {
  if (Array.isArray(json)) return json.map((item) => canonical(item));
  if (typeof json === "string") return key === "type" ? json.replaceAll(" ", "") : json;
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(
    Object.entries(json)
      .map(([name, value]) => [name, canonical(value, name)] as const)
      .filter(([name, value]) => !(saysNothing(name, value)))
      .sort(([a], [b]) => a < b ? -1 : 1),
  );
}

function saysNothing(name: string, value: unknown): boolean {
  if (name === "current-snapshot-id" && (value === -1 || value === null)) return true;
  const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return empty && name !== "schemas" && name !== "fields";
}
