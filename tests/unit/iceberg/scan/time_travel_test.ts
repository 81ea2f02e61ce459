import assert from "node:assert/strict";
import { resolveSnapshot, type SnapshotTarget } from "../../../../lib/iceberg/scan/time_travel.ts";
import { Schema } from "../../../../lib/iceberg/spec/schema.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { ref, SCHEMA, snapshot, table } from "./_files.ts";

const OLD = new Schema({ ...SCHEMA, schemaId: 0, fields: SCHEMA.fields.slice(0, 1) });
const NEW = new Schema({ ...SCHEMA, schemaId: 1, fields: SCHEMA.fields });

/** 1 <- 2 <- 3 (main), 2 <- 4 <- 5 (audit); tag v1 on 1. Snapshot n was committed at n seconds. */
const TABLE: TableMetadata = table({
  schemas: [OLD, NEW],
  currentSchemaId: 1,
  snapshots: [
    snapshot(1n),
    snapshot(2n, { parentSnapshotId: 1n }),
    snapshot(3n, { parentSnapshotId: 2n, schemaId: 1 }),
    snapshot(4n, { parentSnapshotId: 2n }),
    snapshot(5n, { parentSnapshotId: 4n, schemaId: null }),
  ],
  currentSnapshotId: 3n,
  snapshotLog: [1n, 2n, 3n].map((id) => ({ snapshotId: id, timestampMs: Number(id) * 1000 })),
  refs: new Map([
    ["main", ref("main", 3n)],
    ["audit", ref("audit", 5n)],
    ["v1", ref("v1", 1n, "tag")],
  ]),
});

function resolve(target: SnapshotTarget, metadata = TABLE): readonly [bigint | undefined, number] {
  const { snapshot, schema } = resolveSnapshot(metadata, target);
  return [snapshot?.snapshotId, schema.schemaId];
}

function at(timestampMs: number, branch?: string): SnapshotTarget {
  return { kind: "timestamp", timestampMs, ...(branch === undefined ? {} : { branch }) };
}

Deno.test("the current state is read through the current schema", () => {
  assert.deepEqual(resolve({ kind: "current" }), [3n, 1]);
  assert.deepEqual(resolve({ kind: "current" }, table()), [undefined, 0]);
});

Deno.test("an id is read through the snapshot's schema", () => {
  assert.deepEqual(resolve({ kind: "id", snapshotId: 2n }), [2n, 0]);
  assert.deepEqual(resolve({ kind: "id", snapshotId: 3n }), [3n, 1]);
  assert.deepEqual(resolve({ kind: "id", snapshotId: 5n }), [5n, 1]);
  assert.throws(() => resolve({ kind: "id", snapshotId: 9n }), { code: "snapshot_not_found" });
});

Deno.test("a branch is read through the current schema, a tag through its snapshot's", () => {
  assert.deepEqual(resolve({ kind: "ref", name: "audit" }), [5n, 1]);
  assert.deepEqual(resolve({ kind: "ref", name: "v1" }), [1n, 0]);
  assert.throws(() => resolve({ kind: "ref", name: "v2" }), {
    kind: "not_found",
    code: "ref_not_found",
  });
  assert.deepEqual(resolve({ kind: "ref", name: "main" }, table()), [undefined, 0]);
});

Deno.test("a time finds what was current then, the bound included", () => {
  assert.deepEqual(resolve(at(1000)), [1n, 0]);
  assert.deepEqual(resolve(at(2999)), [2n, 0]);
  assert.deepEqual(resolve(at(3000)), [3n, 1]);
  assert.deepEqual(resolve(at(1e15, "main")), [3n, 1]);
});

Deno.test("a time before the first snapshot is an error that says so", () => {
  assert.throws(() => resolve(at(999)), {
    kind: "not_found",
    code: "no_snapshot_at_time",
    message: /1970-01-01T00:00:00\.999Z/,
  });
  assert.throws(() => resolve(at(999), table()), { code: "no_snapshot_at_time" });
});

Deno.test("of log entries in one millisecond the first stands, as in Java", () => {
  const snapshotLog = [1n, 2n].map((snapshotId) => ({ snapshotId, timestampMs: 1000 }));
  assert.deepEqual(resolve(at(1000), { ...TABLE, snapshotLog }), [1n, 0]);
});

Deno.test("the log need not be in order", () => {
  const snapshotLog = TABLE.snapshotLog.toReversed();
  assert.deepEqual(resolve(at(2500), { ...TABLE, snapshotLog }), [2n, 0]);
});

Deno.test("a time whose snapshot has expired, or a table without a log, is an error of its own", () => {
  const expired = { ...TABLE, snapshots: TABLE.snapshots.slice(1) };
  assert.throws(() => resolve(at(1500), expired), { code: "snapshot_expired" });
  assert.throws(() => resolve(at(1500), { ...TABLE, snapshotLog: [] }), {
    code: "snapshot_log_missing",
  });
});

Deno.test("a time on a branch follows its lineage", () => {
  assert.deepEqual(resolve(at(4500, "audit")), [4n, 0]);
  assert.deepEqual(resolve(at(3500, "audit")), [2n, 0]);
  assert.throws(() => resolve(at(500, "audit")), { code: "no_snapshot_at_time" });
  const expired = { ...TABLE, snapshots: TABLE.snapshots.slice(3) };
  assert.throws(() => resolve(at(3500, "audit"), expired), { code: "snapshot_expired" });
  assert.throws(() => resolve(at(1000, "v1")), { kind: "invalid", code: "ref_not_branch" });
  assert.throws(() => resolve(at(1000, "nope")), { code: "ref_not_found" });
});

Deno.test("a snapshot whose schema is gone is corrupt", () => {
  const metadata = { ...TABLE, schemas: [NEW] };
  assert.throws(() => resolve({ kind: "id", snapshotId: 1n }, metadata), {
    kind: "corrupt_data",
    code: "schema_not_found",
  });
});
