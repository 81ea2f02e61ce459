import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import { type JsonOutput, type JsonValue, parseJson, stringifyJson } from "../../../../lib/json.ts";
import {
  partitionFieldsFromJson,
  partitionFieldsToJson,
  partitionSpecFromJson,
  partitionSpecToJson,
  schemaFromJson,
  schemaToJson,
  snapshotFromJson,
  snapshotRefToJson,
  snapshotToJson,
  sortOrderFromJson,
  sortOrderToJson,
} from "../../../../lib/iceberg/spec/metadata_parts.ts";
import { pick, v3Document } from "./_metadata.ts";

/** A part of the v3 document as parsed JSON. */
const part = (path: string) => parseJson(stringifyJson(pick(v3Document(), path)));
const again = (json: JsonOutput) => parseJson(stringifyJson(json));

const PARTS: readonly (readonly [string, string, (json: JsonValue) => JsonOutput])[] = [
  ["schemas", "schemas.1", (json) => schemaToJson(schemaFromJson(json))],
  ["specs", "partition-specs.1", (json) => partitionSpecToJson(partitionSpecFromJson(json))],
  ["orders", "sort-orders.0", (json) => sortOrderToJson(sortOrderFromJson(json))],
  ["snapshots", "snapshots.1", (json) => snapshotToJson(snapshotFromJson(json, 3), 3)],
];

for (const [what, path, rewrite] of PARTS) {
  Deno.test(`the JSON of ${what} survives reading and writing`, () => {
    assert.deepEqual(again(rewrite(part(path))), part(path));
  });
}

Deno.test("partitionFieldsFromJson() reads a manifest's bare list", () => {
  const json = part("partition-specs.0.fields");
  const fields = partitionFieldsFromJson(json);
  assert.equal(fields[0]?.fieldId, 1000);
  assert.deepEqual(again(partitionFieldsToJson({ specId: 0, fields })), json);
});

Deno.test("snapshotToJson() leaves the sequence number out of v1", () => {
  const snapshot = snapshotFromJson(part("snapshots.0"), 2);
  assert("sequence-number" in (snapshotToJson(snapshot, 2) as object));
  assert(!("sequence-number" in (snapshotToJson(snapshot, 1) as object)));
});

Deno.test("snapshotRefToJson() leaves out the name and what is not set", () => {
  const json = snapshotRefToJson({
    name: "old",
    snapshotId: 2n ** 60n,
    type: "tag",
    minSnapshotsToKeep: null,
    maxSnapshotAgeMs: null,
    maxRefAgeMs: 5,
  });
  assert.equal(
    stringifyJson(json),
    `{"snapshot-id":${2n ** 60n},"type":"tag","max-ref-age-ms":5}`,
  );
});

Deno.test("schemaFromJson() names the path of what is wrong", () => {
  assert.throws(
    () => schemaFromJson(parseJson('{"type":"struct","fields":[{"id":"1"}]}')),
    (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "invalid_metadata_part");
      assert.match(error.message, /^Cannot read a schema: "fields\[0\]\.id" is the string "1"/);
      return true;
    },
  );
  assert.throws(() => partitionFieldsFromJson(null), /"fields" is null, not a list/);
});
