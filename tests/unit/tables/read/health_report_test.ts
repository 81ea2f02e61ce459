import assert from "node:assert/strict";
import { createDirectReader } from "../../../../lib/tables/read/mod.ts";
import {
  dataFile,
  type MemoryTable,
  SNAPSHOT_TIME_MS,
  TABLE_LOCATION,
  writeMemoryTable,
} from "../../../support/memory_table.ts";
import { rejectsWith } from "../../../support/rejects.ts";

const DAY_MS = 86_400_000;

function readerOf({ io }: MemoryTable, options: { nowMs?: number; cacheBytes?: number } = {}) {
  const { nowMs = SNAPSHOT_TIME_MS + 3_600_000, cacheBytes = 1e6 } = options;
  return createDirectReader({ openStorage: () => io, cacheBytes, clock: { now: () => nowMs } });
}

Deno.test("health() of a table without snapshots is empty and healthy", async () => {
  const table = await writeMemoryTable([]);
  const report = await readerOf(table).health(table.location);
  assert.equal(report.severity, "healthy");
  assert.equal(report.data_file_count, 0);
  assert.equal(report.avg_file_size_bytes, 0);
  assert.equal(report.newest_snapshot, null);
  assert.ok(report.metadata_size_bytes > 0);
});

Deno.test("health() counts files, sizes, classes and partitions", async () => {
  const table = await writeMemoryTable([
    { files: [dataFile("a"), dataFile("b", { fileSizeInBytes: 9_000, recordCount: 7 })] },
    { files: [dataFile("c", { partition: [20_001, "us"], fileSizeInBytes: 100 })] },
  ]);
  const report = await readerOf(table).health(table.location);
  assert.equal(report.snapshot_count, 2);
  assert.equal(report.data_file_count, 3);
  assert.equal(report.total_size_bytes, 10_100);
  assert.equal(report.avg_file_size_bytes, 3_366);
  assert.equal(report.record_count, 207);
  assert.equal(report.small_file_count, 2);
  assert.equal(report.target_file_size_bytes, 10_000);
  assert.equal(report.partition_count, 2);
  assert.equal(report.manifest_count, 2);
  assert.deepEqual(report.size_classes.map((one) => [one.class, one.file_count]), [
    ["tiny", 1],
    ["small", 1],
    ["on_target", 1],
    ["large", 0],
  ]);
  assert.deepEqual(
    report.partitions_with_most_small_files.map((one) => one.partition),
    [
      "ts_day=2024-10-05/region=us",
      "ts_day=2024-10-04/region=eu",
    ].toReversed(),
  );
  assert.deepEqual(
    [report.oldest_snapshot?.timestamp, report.newest_snapshot?.timestamp],
    ["2026-01-01T00:00:00.000Z", "2026-01-01T00:01:00.000Z"],
  );
});

Deno.test("health() counts exactly the data files that deletes touch", async () => {
  const deletesOn = (name: string) =>
    dataFile(`delete-${name}`, {
      content: "position_deletes",
      recordCount: 5,
      referencedDataFile: `${TABLE_LOCATION}/data/${name}.parquet`,
    });
  const table = await writeMemoryTable([
    { files: [dataFile("a"), dataFile("b"), dataFile("c", { partition: [20_001, "us"] })] },
    { files: [deletesOn("a")] },
    {
      files: [
        dataFile("eq", {
          content: "equality_deletes",
          recordCount: 2,
          partition: [20_001, "us"],
          equalityIds: [1],
        }),
        // Of the same commit as the equality delete, which applies to older files only.
        dataFile("late", { partition: [20_001, "us"] }),
      ],
    },
  ]);
  const report = await readerOf(table).health(table.location);
  assert.equal(report.delete_file_count, 2);
  assert.deepEqual(report.delete_files, {
    position_delete_files: 1,
    equality_delete_files: 1,
    deletion_vectors: 0,
    position_deleted_rows: 5,
    equality_delete_rows: 2,
    total_size_bytes: 2_000,
    affected_data_files: 2,
    affected_rows: 200,
  });
  assert.equal(report.recommendations[0]?.code, "compact_deletes");
});

Deno.test("health() names what expiry would remove, as time passes", async () => {
  const table = await writeMemoryTable([{ files: [dataFile("a")] }, { files: [dataFile("b")] }]);
  const codesAt = async (nowMs: number) => {
    const { recommendations } = await readerOf(table, { nowMs }).health(table.location);
    return recommendations.map((one) => one.code);
  };
  assert.deepEqual(await codesAt(SNAPSHOT_TIME_MS + DAY_MS), []);
  assert.deepEqual(await codesAt(SNAPSHOT_TIME_MS + 6 * DAY_MS), ["expire_snapshots"]);
});

Deno.test("health() leaves out of an expiry what is pinned, and says who holds it", async () => {
  const table = await writeMemoryTable([{ files: [dataFile("a")] }, { files: [dataFile("b")] }]);
  const reader = readerOf(table, { nowMs: SNAPSHOT_TIME_MS + 6 * DAY_MS });
  const codes = async (tableUuid: string | null) => {
    const snapshotId = String(table.metadata.snapshots[0]?.snapshotId);
    const pins = [{ snapshotId, tableUuid, heldBy: "pipeline 1" }];
    const { recommendations } = await reader.health(table.location, { pins });
    return recommendations.map(({ code }) => code);
  };
  const unpinned = await reader.health(table.location);
  assert.deepEqual(unpinned.recommendations.map(({ code }) => code), ["expire_snapshots"]);
  assert.deepEqual(await codes(null), ["pinned_snapshots"]);
  // Another table that had the name.
  assert.deepEqual(await codes(crypto.randomUUID()), ["expire_snapshots"]);
  assert.deepEqual(await reader.health(table.location), unpinned);
});

Deno.test("health() reads each manifest once: a second report reuses them", async () => {
  const table = await writeMemoryTable([{ files: [dataFile("a")] }, { files: [dataFile("b")] }]);
  const reader = readerOf(table);
  const manifestReads = () => table.io.countReads((location) => location.endsWith("-data.avro"));
  await reader.health(table.location);
  assert.equal(manifestReads(), 2);
  await reader.health(table.location);
  assert.equal(manifestReads(), 2);
  assert.ok(reader.cacheStats().usedBytes > 0);
});

Deno.test("health() answers the same without any memory to cache in", async () => {
  const table = await writeMemoryTable([{ files: [dataFile("a")] }, { files: [dataFile("b")] }]);
  const cached = await readerOf(table).health(table.location);
  const uncached = readerOf(table, { cacheBytes: 0 });
  assert.deepEqual(await uncached.health(table.location), cached);
  assert.equal(uncached.cacheStats().usedBytes, 0);
});

Deno.test("health() of a table that was copied here says so and offers no requests", async () => {
  const table = await writeMemoryTable(
    Array.from({ length: 6 }, (_, i) => ({ files: [dataFile(`f${i}`)] })),
    { location: "s3://elsewhere/db/events" },
  );
  const relocated = { ...table.location, foundAt: TABLE_LOCATION };
  const report = await readerOf(table).health(relocated);
  assert.match(report.read_only ?? "", /copied/);
  assert.equal(report.recommendations[0]?.code, "compact_small_files");
  assert.equal(report.recommendations[0]?.request, null);
});

Deno.test("health() of a table whose manifest is gone names the file and nothing of the host", async () => {
  const table = await writeMemoryTable([{ files: [dataFile("a")] }]);
  await table.io.delete(`${TABLE_LOCATION}/metadata/9007199254740993-data.avro`);
  await assert.rejects(readerOf(table).health(table.location), (error: Error) => {
    assert.match(error.message, /9007199254740993-data\.avro/);
    assert.doesNotMatch(error.message, /warehouse/);
    return true;
  });
});

Deno.test("health() ends when its caller goes away", async () => {
  const table = await writeMemoryTable([{ files: [dataFile("a")] }]);
  const signal = AbortSignal.abort(new Error("gone"));
  await assert.rejects(readerOf(table).health(table.location, { signal }), { code: "cancelled" });
  await rejectsWith(
    readerOf(table).files(table.location, {
      limit: 1,
      cursor: "%%%",
      at: { snapshotId: null, ref: null, timestamp: null },
      content: null,
    }),
    { kind: "invalid", code: "invalid_cursor" },
  );
});
