import assert from "node:assert/strict";
import {
  dataFolder,
  FileLocations,
} from "../../../../../lib/columnar/table/write/file_locations.ts";
import { Schema } from "../../../../../lib/iceberg/spec/schema.ts";
import { field } from "../../arrow/_columns.ts";

const SCHEMA = new Schema({
  schemaId: 0,
  fields: [field(1, "region", { kind: "string" })],
  identifierFieldIds: [],
});
const UNPARTITIONED = { specId: 0, fields: [] };
const BY_REGION = {
  specId: 1,
  fields: [{
    sourceIds: [1],
    fieldId: 1000,
    name: "a region",
    transform: { kind: "identity" },
  }],
} as const;

/** Makes locations of one task, in partitions of a region or in none. */
function locations(
  properties: Record<string, string>,
  taskId = 3,
): (region: string | null, suffix?: string) => string {
  const metadata = { location: "s3://b/db/t", properties };
  const own = new FileLocations({ metadata, operationId: "op", taskId });
  return (region, suffix = ".parquet") =>
    region === null
      ? own.next({ spec: UNPARTITIONED, schema: SCHEMA, partition: [] }, suffix)
      : own.next({ spec: BY_REGION, schema: SCHEMA, partition: [region] }, suffix);
}

Deno.test("next() numbers files of a task and names their partitions", () => {
  const next = locations({});
  assert.equal(next(null), "s3://b/db/t/data/00003-op-00001.parquet");
  assert.equal(next(null, ".puffin"), "s3://b/db/t/data/00003-op-00002.puffin");
  assert.equal(
    next("é/ &"),
    "s3://b/db/t/data/a+region=%C3%A9%2F+%26/00003-op-00003.parquet",
  );
});

Deno.test("dataFolder() follows the table's properties, the newest first", () => {
  const at = (properties: Record<string, string>) => dataFolder({ location: "/t", properties });
  assert.equal(at({}), "/t/data");
  assert.equal(at({ "write.folder-storage.path": "/f" }), "/f");
  // The folder of the hashed layout counts only where that layout is on.
  assert.equal(at({ "write.object-storage.path": "/o" }), "/t/data");
  const spread = { "write.object-storage.enabled": "TRUE" };
  assert.equal(at({ ...spread, "write.object-storage.path": "/o" }), "/o");
  assert.equal(at({ "write.folder-storage.path": "/f", "write.data.path": "/d//" }), "/d");
});

Deno.test("names are spread by the hash that other writers use", () => {
  const on = { "write.object-storage.enabled": "true" };
  const hash = /[01]{4}\/[01]{4}\/[01]{4}\/[01]{8}/;
  // As ObjectStoreLocationProvider of PyIceberg 0.12 has it for this name.
  assert.equal(
    locations(on, 0)(null),
    "s3://b/db/t/data/1110/1110/0010/10100101/00000-op-00001.parquet",
  );
  assert.match(
    locations(on)("eu"),
    new RegExp(`^s3://b/db/t/data/${hash.source}/a\\+region=eu/00003-op-`),
  );
  const without = { ...on, "write.object-storage.partitioned-paths": "false" };
  assert.match(
    locations(without)("eu"),
    new RegExp(`^s3://b/db/t/data/${hash.source}-00003-op-00001`),
  );
  // Tables in one folder are told apart by where they lie.
  const shared = { ...on, "write.data.path": "s3://b/shared" };
  assert.match(
    locations(shared)(null),
    new RegExp(`^s3://b/shared/${hash.source}/db/t/00003-op-00001`),
  );
});
