/** What a table may cost: pages end, sums stay exact, lies are the table's fault. */
import assert from "node:assert/strict";
import { createDirectReader } from "../../../../lib/tables/read/mod.ts";
import { fillPage, MAX_PAGE_BYTES, PageBudget } from "../../../../lib/tables/read/page_budget.ts";
import {
  dataFile,
  type MemoryTable,
  SNAPSHOT_TIME_MS,
  TABLE_LOCATION,
  writeMemoryTable,
} from "../../../support/memory_table.ts";
import { rejectsWith } from "../../../support/rejects.ts";

const ALL = { limit: 10_000, cursor: null };
const CURRENT = { snapshotId: null, ref: null, timestamp: null };

function readerOf({ io }: MemoryTable) {
  return createDirectReader({
    openStorage: () => io,
    cacheBytes: 1e8,
    clock: { now: () => SNAPSHOT_TIME_MS },
  });
}

Deno.test("PageBudget takes at least one entry, and none beyond its bytes or its limit", () => {
  const huge = "x".repeat(MAX_PAGE_BYTES);
  assert.equal(fillPage([huge, huge], (one) => one, { limit: 10 }).length, 1);
  assert.equal(fillPage([1, 2, 3], (one) => ({ one }), { limit: 2 }).length, 2);
  assert.deepEqual(fillPage([], (one) => one, { limit: 2 }), []);
  const budget = new PageBudget({ limit: 3 });
  assert.deepEqual([budget.takes("a"), budget.takes(huge), budget.takes("b")], [true, false, true]);
});

Deno.test("snapshots() ends a page early where summaries are huge, and goes on after it", async () => {
  const commits = Array.from({ length: 5 }, (_, i) => ({ files: [dataFile(`f${i}`)] }));
  const { metadata } = await writeMemoryTable(commits);
  const summary = { operation: "append", note: "x".repeat(3 * 1024 * 1024) };
  const snapshots = metadata.snapshots.map((one) => ({ ...one, summary }));
  const table = await writeMemoryTable(commits, { snapshots });
  const reader = readerOf(table);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await reader.snapshots(table.location, { ...ALL, cursor });
    assert.ok(page.snapshots.length > 0 && page.snapshots.length < 5);
    seen.push(...page.snapshots.map((one) => one.snapshot_id));
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  assert.deepEqual(seen, metadata.snapshots.map((one) => String(one.snapshotId)).toReversed());
});

Deno.test("files() ends a page early where paths are huge, and goes on after it", async () => {
  const files = Array.from({ length: 4 }, (_, i) => dataFile(`${i}${"x".repeat(3_000_000)}`));
  const table = await writeMemoryTable([{ files }]);
  const reader = readerOf(table);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query = { ...ALL, cursor, at: CURRENT, content: null };
    const page = await reader.files(table.location, query);
    assert.ok(page.files.length > 0 && page.files.length < 4);
    seen.push(...page.files.map((one) => one.file_path));
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  assert.deepEqual(seen, files.map((one) => one.filePath));
});

Deno.test("health() refuses sizes that no sum can hold", async () => {
  const lie = { fileSizeInBytes: Number.MAX_SAFE_INTEGER };
  const table = await writeMemoryTable([{ files: [dataFile("a", lie), dataFile("b", lie)] }]);
  await rejectsWith(readerOf(table).health(table.location), {
    kind: "corrupt_data",
    code: "table_figures_impossible",
  });
});

Deno.test("health() takes no target size at its word whose multiples are beyond 2^53", async () => {
  const target = { "write.target-file-size-bytes": String(Number.MAX_SAFE_INTEGER) };
  const table = await writeMemoryTable([{ files: [dataFile("a")] }], { properties: target });
  const report = await readerOf(table).health(table.location);
  assert.equal(report.target_file_size_bytes, 536_870_912);
});

Deno.test("health() calls a manifest that is gone a fault of the table, not of the caller", async () => {
  const table = await writeMemoryTable([{ files: [dataFile("a")] }]);
  await table.io.delete(`${TABLE_LOCATION}/metadata/9007199254740993-data.avro`);
  await rejectsWith(readerOf(table).health(table.location), {
    kind: "corrupt_data",
    code: "file_not_found",
  });
});

Deno.test("metadata counts in the cache as what it unpacks to", async () => {
  const properties = { note: "x".repeat(500_000) };
  const table = await writeMemoryTable([{ files: [] }], { properties });
  const reader = readerOf(table);
  await reader.schema(table.location);
  assert.ok(reader.cacheStats().usedBytes > 1_000_000);
});

Deno.test("refs() pages through names too long for a cursor without losing or repeating one", async () => {
  const commits = [{ files: [dataFile("a")] }];
  const { metadata } = await writeMemoryTable(commits);
  const main = metadata.refs.get("main") ?? assert.fail("no main");
  const long = "\u{1f9ca}".repeat(1_900);
  const names = ["a", `a${long}`, `a${long}1`, `a${long}2`, `b${long}`, "c", "main", `z${long}`];
  const refs = new Map(names.map((name) => [name, { ...main, name }]));
  const table = await writeMemoryTable(commits, { refs });
  const reader = readerOf(table);
  for (const limit of [1, 2, 3]) {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await reader.refs(table.location, { limit, cursor });
      seen.push(...page.refs.map((ref) => ref.name));
      cursor = page.next_cursor ?? null;
      assert.ok((cursor ?? "").length < 4096);
    } while (cursor !== null);
    assert.deepEqual(seen, names);
  }
});
