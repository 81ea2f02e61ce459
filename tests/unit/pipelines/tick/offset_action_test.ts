import assert from "node:assert/strict";
import { AppError } from "../../../../lib/errors.ts";
import type { Snapshot } from "../../../../lib/iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../../../lib/iceberg/spec/table_metadata.ts";
import {
  NO_TOTALS,
  offsetProperty,
  type StreamOffset,
} from "../../../../lib/pipelines/contract/offset.ts";
import { formatOffset, readOffset } from "../../../../lib/pipelines/tick/offset_action.ts";
import { tableWithSnapshots } from "../../../support/commit_fixture.ts";

const KEY = "0123456789abcdef01234567";
const NAME = offsetProperty(KEY);

Deno.test("readOffset() takes the property, whichever snapshots are left", () => {
  const sink = sinkOf({ batches: [null, 1n, 2n, null], property: 2 });
  assert.equal(readOffset(sink, KEY)?.batch_id, 2);
  for (const left of [3, 2, 1]) {
    assert.equal(readOffset(newest(sink, left), KEY)?.batch_id, 2, `${left} snapshots`);
  }
});

Deno.test("readOffset() takes the newest snapshot's word where the property was removed", () => {
  const sink = sinkOf({ batches: [1n, 2n, null], property: null });
  assert.equal(readOffset(sink, KEY)?.batch_id, 2);
  assert.equal(readOffset(newest(sink, 1), KEY), null);
});

Deno.test("readOffset() knows of each stream by itself", () => {
  const sink = sinkOf({ batches: [1n, 2n], property: 2 });
  assert.equal(readOffset(sink, "another"), null);
});

Deno.test("readOffset() refuses a sink that was rolled back behind its last batch", () => {
  const sink = sinkOf({ batches: [1n, 2n, 3n], property: 3 });
  const error = rejection(() => readOffset(rolledBack(sink, 1n), KEY));
  assert.equal(error.code, "sink_rolled_back");
  assert.equal(error.retryable, false);
  assert.match(error.message, /behind batch 3 .* up to batch 1, .* snapshot 101 of the source/);
});

Deno.test("readOffset() refuses a sink that was rolled back behind its first batch", () => {
  const sink = sinkOf({ batches: [null, 1n, 2n], property: 2 });
  const error = rejection(() => readOffset(rolledBack(sink, 1n), KEY));
  assert.equal(error.code, "sink_rolled_back");
  assert.match(error.message, /has none of its rows/);
});

Deno.test("readOffset() refuses a sink that was rolled back and written to since", () => {
  const sink = sinkOf({ batches: [1n, 2n, null], property: 2 });
  const snapshots = sink.snapshots.map((one) =>
    one.snapshotId === 3n ? { ...one, parentSnapshotId: 1n } : one
  );
  assert.equal(rejection(() => readOffset({ ...sink, snapshots }, KEY)).code, "sink_rolled_back");
});

Deno.test("readOffset() believes the property of a copied sink, whose history is another one", () => {
  const sink = sinkOf({ batches: [null, null], property: 7 });
  assert.equal(readOffset(sink, KEY)?.batch_id, 7);
});

Deno.test("readOffset() is not confused by a tag on an old batch", () => {
  // Snapshots 2 and 3 have been expired; 1 was kept by its tag, and 4 is all that main has.
  const sink = sinkOf({ batches: [1n, 2n, null, null], property: 2 });
  const snapshots = sink.snapshots.filter(({ snapshotId }) => [1n, 4n].includes(snapshotId));
  assert.equal(readOffset({ ...sink, snapshots }, KEY)?.batch_id, 2);
});

/** Batches by snapshot, null for a snapshot of somebody else; and what the property says. */
function sinkOf({ batches, property }: {
  readonly batches: readonly (bigint | null)[];
  readonly property: number | null;
}): TableMetadata {
  const table = tableWithSnapshots(batches.length);
  const snapshots = table.snapshots.map((snapshot, at): Snapshot => {
    const batch = batches[at] ?? null;
    if (batch === null) return snapshot;
    const summary = { ...snapshot.summary, [NAME]: formatOffset(offsetOf(Number(batch))) };
    return { ...snapshot, summary };
  });
  const properties: Record<string, string> = property === null
    ? {}
    : { [NAME]: formatOffset(offsetOf(property)) };
  return { ...table, snapshots, properties };
}

function offsetOf(batchId: number): StreamOffset {
  return {
    version: 1,
    checkpoint: "/checkpoints/a",
    source: "db.source",
    source_uuid: "7d3a1c80-5a5e-4f0e-9d0c-0d8f3c1b2a10",
    source_schema_id: 0,
    rows: "",
    position: { snapshot_id: String(100 + batchId), files_read: null, scan_all_files: false },
    batch_id: batchId,
    epoch: 1,
    totals: NO_TOTALS,
  };
}

function newest(table: TableMetadata, count: number): TableMetadata {
  return { ...table, snapshots: table.snapshots.slice(-count) };
}

function rolledBack(table: TableMetadata, to: bigint): TableMetadata {
  return { ...table, currentSnapshotId: to };
}

function rejection(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("Nothing was refused");
}
