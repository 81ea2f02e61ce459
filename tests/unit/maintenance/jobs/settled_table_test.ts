import assert from "node:assert/strict";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import { outcomeOf } from "../../../../lib/maintenance/jobs/sweep/settled_table.ts";
import { NOW_MS, tableWithSnapshots } from "../../../support/commit_fixture.ts";

const FILE = { kind: "file" } as const;
const REST = { kind: "rest" } as const;

/** A table at `m3`, which followed `m1` (at +1 ms) and `m2` (at +2 ms). */
function loaded(more: Partial<TableMetadata> = {}) {
  const metadata = tableWithSnapshots(3, {
    lastUpdatedMs: NOW_MS + 3,
    metadataLog: [
      { metadataFile: "m1", timestampMs: NOW_MS + 1 },
      { metadataFile: "m2", timestampMs: NOW_MS + 2 },
    ],
    ...more,
  });
  return { metadata, metadataLocation: "m3" };
}

function tried(base: string, lastUpdatedMs: number, ...snapshotIds: string[]) {
  return { base, lastUpdatedMs, snapshotIds };
}

Deno.test("outcomeOf() finds a commit by a snapshot of it, whatever came after", () => {
  for (const location of [FILE, REST]) {
    const commit = tried("long gone", NOW_MS, "2");
    assert.equal(outcomeOf(loaded(), { location, commit, isAnswered: false }), "landed");
  }
});

Deno.test("outcomeOf() finds an expired snapshot as the parent of another", () => {
  const { metadata, metadataLocation } = loaded();
  const snapshots = metadata.snapshots.filter(({ snapshotId }) => snapshotId !== 2n);
  const table = { metadata: { ...metadata, snapshots }, metadataLocation };
  const commit = tried("m1", NOW_MS + 2, "2");
  assert.equal(outcomeOf(table, { location: FILE, commit, isAnswered: false }), "landed");
});

Deno.test("outcomeOf() finds a commit without snapshots by the state that followed its base", () => {
  const at = (base: string, ms: number) =>
    outcomeOf(loaded(), { location: FILE, commit: tried(base, ms), isAnswered: false });
  assert.equal(at("m1", NOW_MS + 2), "landed");
  assert.equal(at("m2", NOW_MS + 3), "landed");
  assert.equal(at("m1", NOW_MS + 9), "not_landed");
});

Deno.test("outcomeOf() takes no rival of the same millisecond for a snapshot that is not there", () => {
  const commit = tried("m2", NOW_MS + 3, "77");
  assert.equal(outcomeOf(loaded(), { location: FILE, commit, isAnswered: true }), "unsure");
});

Deno.test("outcomeOf() is sure of a commit whose base another one has replaced, or nobody has", () => {
  for (const base of ["m1", "m2", "m3"]) {
    const commit = tried(base, NOW_MS + 9, "77");
    assert.equal(outcomeOf(loaded(), { location: FILE, commit, isAnswered: false }), "not_landed");
  }
});

Deno.test("outcomeOf() is unsure where the table has forgotten the base", () => {
  const commit = tried("m0", NOW_MS + 9, "77");
  assert.equal(outcomeOf(loaded(), { location: FILE, commit, isAnswered: false }), "unsure");
});

Deno.test("outcomeOf() is unsure where a server may have applied a change to a later state", () => {
  const commit = tried("m2", NOW_MS + 9, "77");
  const at = (isAnswered: boolean) => outcomeOf(loaded(), { location: REST, commit, isAnswered });
  assert.equal(at(false), "unsure");
  assert.equal(at(true), "not_landed");
  const onTop = { location: REST, commit: tried("m3", NOW_MS + 9, "77"), isAnswered: false };
  assert.equal(outcomeOf(loaded(), onTop), "not_landed");
});
