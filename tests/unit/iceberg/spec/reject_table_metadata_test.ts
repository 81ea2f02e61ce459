import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { type JsonOutput, stringifyJson } from "../../../../lib/json.ts";
import { parseTableMetadata } from "../../../../lib/iceberg/spec/parse_table_metadata.ts";
import {
  type Document,
  edit,
  field,
  pick,
  v1Document,
  v2Document,
  v3Document,
} from "./_metadata.ts";

function message(document: JsonOutput): string {
  const bytes = new TextEncoder().encode(stringifyJson(document));
  try {
    parseTableMetadata(bytes, { location: "m.json" });
  } catch (error) {
    assert(error instanceof AppError, `threw ${error}`);
    assert.equal(error.kind, "corrupt_data");
    assert.equal(error.code, "invalid_table_metadata");
    return error.message.replace('Cannot read table metadata "m.json": ', "");
  }
  assert.fail("the document was accepted");
}

/** What is wrong, where, what lies there (undefined: nothing), and how the message begins. */
type Case = readonly [string, string, JsonOutput | undefined, string];

const COPY = v2Document();
const PARTITION_FIELDS = "partition-specs.0.fields";

const CASES: readonly Case[] = [
  ["a version that is no integer", "format-version", "2", '"format-version" is the string "2"'],
  ["version 0", "format-version", 0, '"format-version" is 0, not at least 1'],
  ["no location", "location", undefined, '"location" is missing, expected a string'],
  ["an empty location", "location", "/", '"location" is empty'],
  ["no UUID", "table-uuid", undefined, '"table-uuid" is missing'],
  ["a UUID that is none", "table-uuid", "x", '"table-uuid" is not a UUID'],
  ["no schemas", "schemas", undefined, '"schemas" is missing, expected a list'],
  ["no partition specs", "partition-specs", undefined, '"partition-specs" is missing'],
  [
    "no last sequence number",
    "last-sequence-number",
    undefined,
    '"last-sequence-number" is missing',
  ],
  [
    "a fraction",
    "last-sequence-number",
    1.5,
    '"last-sequence-number" is 1.5, not a 64-bit integer',
  ],
  ["an id beyond 64 bits", "snapshots.0.snapshot-id", 2n ** 63n, '"snapshots[0].snapshot-id" is'],
  ["a time that is text", "last-updated-ms", "now", '"last-updated-ms" is the string "now"'],
  ["a current schema it lacks", "current-schema-id", 9, '"current-schema-id" is 9'],
  ["a default spec it lacks", "default-spec-id", 9, '"default-spec-id" is 9'],
  ["a default order it lacks", "default-sort-order-id", 9, '"default-sort-order-id" is 9'],
  ["a recycled schema id", "schemas.0.schema-id", 1, '"schemas[1].schema-id" is 1'],
  [
    "a recycled spec id",
    "partition-specs.1",
    pick(COPY, "partition-specs.0"),
    '"partition-specs[1].spec-id" is 0',
  ],
  [
    "a recycled order id",
    "sort-orders.1",
    pick(COPY, "sort-orders.0"),
    '"sort-orders[1].order-id" is 3',
  ],
  [
    "a recycled snapshot id",
    "snapshots.2",
    pick(COPY, "snapshots.1"),
    '"snapshots[2].snapshot-id" is',
  ],
  [
    "a recycled field id",
    "schemas.1.fields.3",
    field(1, "w", "int"),
    '"schemas[1].fields[3].id" is 1, which another field has too',
  ],
  [
    "a field name used twice",
    "schemas.1.fields.3",
    field(4, "x", "int"),
    '"schemas[1].fields[3].name" is the string "x"',
  ],
  [
    "a reserved field id",
    "schemas.0.fields.0.id",
    2147483546,
    '"schemas[0].fields[0].id" is 2147483546',
  ],
  [
    "a type that is none",
    "schemas.1.fields.1.type",
    "money",
    '"schemas[1].fields[1].type" is the string "money"',
  ],
  [
    "a schema that is a list",
    "schemas.1.type",
    "list",
    '"schemas[1].type" is the string "list", not "struct"',
  ],
  [
    "an identifier it lacks",
    "schemas.1.identifier-field-ids",
    [7],
    '"schemas[1].identifier-field-ids" names field 7',
  ],
  [
    "a partition name used twice",
    `${PARTITION_FIELDS}.1`,
    partitionField({ "field-id": 1001 }),
    '"partition-specs[0].fields[1].name" is the string "x"',
  ],
  [
    "a recycled partition field id",
    `${PARTITION_FIELDS}.1`,
    partitionField({ name: "w" }),
    '"partition-specs[0].fields[1].field-id" is 1000',
  ],
  [
    "partition field ids on some fields only",
    `${PARTITION_FIELDS}.1`,
    partitionField({ name: "w", "field-id": null }),
    '"partition-specs[0].fields" has 1 fields without a "field-id"',
  ],
  [
    "a bucket transform of no buckets",
    `${PARTITION_FIELDS}.0.transform`,
    "bucket[0]",
    '"partition-specs[0].fields[0].transform" is no transform',
  ],
  [
    "a sort direction that is none",
    "sort-orders.0.fields.0.direction",
    "up",
    '"sort-orders[0].fields[0].direction" is the string "up", not "asc" or "desc"',
  ],
  [
    "no source of a sort field",
    "sort-orders.0.fields.0.source-id",
    undefined,
    '"sort-orders[0].fields[0].source-id" is missing',
  ],
  [
    "an empty list of sources",
    "sort-orders.0.fields.0.source-ids",
    [],
    '"sort-orders[0].fields[0].source-ids" is empty',
  ],
  [
    "a current snapshot it lacks",
    "current-snapshot-id",
    5,
    '"current-snapshot-id" is 5, which is not in "snapshots"',
  ],
  [
    "a reference to a snapshot it lacks",
    "refs.old.snapshot-id",
    5,
    '"refs.old.snapshot-id" is 5, which is not in "snapshots"',
  ],
  [
    "main elsewhere than the current snapshot",
    "refs.main.snapshot-id",
    3051729675574597004n,
    '"current-snapshot-id" is 3055729675574597004, but "refs.main" is',
  ],
  [
    "main without a current snapshot",
    "current-snapshot-id",
    undefined,
    '"current-snapshot-id" is not set, but "refs.main" is',
  ],
  [
    "a reference of no kind",
    "refs.old.type",
    "twig",
    '"refs.old.type" is the string "twig", not "branch" or "tag"',
  ],
  [
    "a retention of nothing",
    "refs.main.min-snapshots-to-keep",
    0,
    '"refs.main.min-snapshots-to-keep" is 0, not at least 1',
  ],
  [
    "a snapshot that is its own parent",
    "snapshots.0.parent-snapshot-id",
    3051729675574597004n,
    '"snapshots[0].parent-snapshot-id" leads back',
  ],
  [
    "parents in a circle",
    "snapshots.0.parent-snapshot-id",
    3055729675574597004n,
    '"snapshots[0].parent-snapshot-id" leads back',
  ],
  [
    "a snapshot without manifests",
    "snapshots.0.manifest-list",
    undefined,
    '"snapshots[0].manifest-list" is missing',
  ],
  [
    "a sequence number beyond the last",
    "snapshots.0.sequence-number",
    35,
    '"snapshots[0].sequence-number" is 35',
  ],
  [
    "a summary that is a list",
    "snapshots.0.summary",
    [],
    '"snapshots[0].summary" is a list, not an object',
  ],
  ["a null property", "properties.a", null, '"properties.a" is null, not a string'],
  [
    "a snapshot that is text",
    "snapshots.0",
    "s",
    '"snapshots[0]" is the string "s", not an object',
  ],
  [
    "a negative file size",
    "statistics.0.file-size-in-bytes",
    -1,
    '"statistics[0].file-size-in-bytes" is -1',
  ],
  [
    "a log entry without a file",
    "metadata-log.0.metadata-file",
    undefined,
    '"metadata-log[0].metadata-file" is missing',
  ],
];

for (const [what, path, value, start] of CASES) {
  Deno.test(`parseTableMetadata() rejects ${what}`, () => {
    const text = message(edit(v2Document(), path, value));
    assert(text.startsWith(start), text);
  });
}

/** The document's only partition field, changed. */
function partitionField(changes: Document): JsonOutput {
  return { ...pick(v2Document(), `${PARTITION_FIELDS}.0`) as Document, ...changes };
}

Deno.test("parseTableMetadata() rejects a document that is no object", () => {
  assert.equal(message([]), "The document is a list, not an object");
});

Deno.test("parseTableMetadata() rejects v1 without any schema", () => {
  assert.equal(
    message(edit(v1Document(), "schema", undefined)),
    '"schema" is missing, not an object',
  );
});

Deno.test("parseTableMetadata() rejects v3 without a next row id, or a negative one", () => {
  const change = (value: JsonOutput | undefined) => edit(v3Document(), "next-row-id", value);
  assert.match(message(change(-1)), /"next-row-id" is -1/);
  assert.match(message(change(undefined)), /"next-row-id" is missing/);
});

Deno.test("parseTableMetadata() rejects a default that its column cannot hold", () => {
  const document = edit(v3Document(), "schemas.1.fields.3.write-default", { a: 1 });
  assert.match(message(document), /"schemas\[1\]\.fields\[3\]\.write-default" is no default/);
});

Deno.test("parseTableMetadata() cuts hostile keys short in its message", () => {
  const document = edit(v2Document(), `properties.${"k".repeat(10_000)}`, null);
  assert(message(document).length < 200);
});

Deno.test("parseTableMetadata() finds circles among many snapshots in linear time", () => {
  const count = 20_000;
  const snapshots = Array.from({ length: count }, (_, i) => ({
    "snapshot-id": i,
    "parent-snapshot-id": i + 1,
    "timestamp-ms": 1,
    "manifest-list": "l",
  }));
  const document = { ...v2Document(), snapshots, "current-snapshot-id": 0, refs: {} };
  const bytes = new TextEncoder().encode(stringifyJson(document));
  assert.equal(parseTableMetadata(bytes, { location: "m.json" }).snapshots.length, count);
  edit(document, `snapshots.${count - 1}.parent-snapshot-id`, 0);
  assert.match(message(document), /"snapshots\[0\]\.parent-snapshot-id" leads back to snapshot 0/);
});
