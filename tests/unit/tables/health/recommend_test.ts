import assert from "node:assert/strict";
import { NO_PINS } from "../../../../lib/iceberg/retention/pinned_snapshots.ts";
import { compactionCandidates, FileTally } from "../../../../lib/tables/health/file_tally.ts";
import {
  type HealthFigures,
  recommend,
  worstSeverity,
} from "../../../../lib/tables/health/recommend.ts";

function figures(
  fill: (tally: FileTally) => void,
  overrides: Partial<HealthFigures> = {},
): HealthFigures {
  const tally = new FileTally(1_000);
  fill(tally);
  return {
    table: "drls.db.events",
    tally,
    candidates: compactionCandidates(tally),
    expirableSnapshots: 0,
    pinned: NO_PINS,
    snapshots: 1,
    manifests: 1,
    manifestBytes: 1_000,
    readOnly: false,
    ...overrides,
  };
}

function addFiles(count: number, sizeBytes: number, affected = false) {
  return (tally: FileTally) => {
    for (let i = 0; i < count; i++) {
      tally.addDataFile({
        partitionKey: "",
        sizeBytes,
        currentSpec: true,
        recordCount: 10,
        affected,
      });
    }
  };
}

Deno.test("recommend() has nothing to say about a healthy table", () => {
  const recommendations = recommend(figures(addFiles(10, 1_000)));
  assert.deepEqual(recommendations, []);
  assert.equal(worstSeverity(recommendations), "healthy");
});

Deno.test("recommend() names the request that compacts small files, with its evidence", () => {
  const [first] = recommend(figures(addFiles(30, 100)));
  assert.equal(first?.code, "compact_small_files");
  assert.equal(first?.severity, "warning");
  assert.equal(first?.summary, "Consider compaction: 30 small files could become about 3");
  assert.equal(first?.evidence["small_file_bytes"], 3_000);
  assert.deepEqual(first?.request, {
    method: "POST",
    path: "/api/compact",
    body: { table: "drls.db.events", strategy: "binpack", options: {} },
  });
});

Deno.test("recommend() turns critical at 1,000 rewritable small files", () => {
  assert.equal(recommend(figures(addFiles(999, 10)))[0]?.severity, "warning");
  assert.equal(recommend(figures(addFiles(1_000, 10)))[0]?.severity, "critical");
});

Deno.test("recommend() grades deletes by the share of rows they hide", () => {
  const withDeletes = (rows: number) =>
    figures((tally) => {
      addFiles(10, 1_000, true)(tally);
      tally.addDeleteFile({ kind: "position", recordCount: rows, sizeBytes: 1 });
    });
  const severityAt = (rows: number) => recommend(withDeletes(rows))[0]?.severity;
  assert.deepEqual([9, 10, 29, 30].map(severityAt), ["info", "warning", "warning", "critical"]);
});

Deno.test("recommend() asks for expiry and manifest rewriting by their own requests", () => {
  const codes = recommend(figures(addFiles(1, 1_000), {
    expirableSnapshots: 60,
    snapshots: 61,
    manifests: 100,
    manifestBytes: 100_000,
  })).map((one) => [one.code, one.request?.path, one.severity]);
  assert.deepEqual(codes, [
    ["expire_snapshots", "/api/expire", "warning"],
    ["rewrite_manifests", "/api/rewrite-manifests", "warning"],
  ]);
});

Deno.test("recommend() names who holds snapshots past their retention, and offers no request", () => {
  const pinned = (snapshots: number, ...holders: string[]) =>
    new Map(Array.from({ length: snapshots }, (_, i) => [BigInt(i), holders]));
  const one = (found: HealthFigures["pinned"]) =>
    recommend(figures(addFiles(1, 1_000), { pinned: found, snapshots: 90 }));
  assert.deepEqual(one(pinned(1, "pipeline 1")), [{
    code: "pinned_snapshots",
    severity: "info",
    summary:
      "Consider looking at pipeline 1: 1 snapshot past the table's retention cannot expire " +
      "before reading goes on",
    evidence: { pinned_snapshots: 1, snapshots: 90, held_by: "pipeline 1" },
    request: null,
  }]);
  const [many] = one(pinned(50, "a", "b", "c", "d", "e"));
  assert.equal(many?.severity, "warning");
  assert.equal(many?.evidence["held_by"], "a, b, c and 2 more");
});

Deno.test("recommend() leaves large manifests alone however many there are", () => {
  const manifestBytes = 200 * 8 * 1024 * 1024;
  assert.deepEqual(recommend(figures(addFiles(1, 1_000), { manifests: 200, manifestBytes })), []);
});

Deno.test("recommend() puts the most urgent first", () => {
  const all = recommend(figures(addFiles(10, 10), { expirableSnapshots: 2_000, snapshots: 2_001 }));
  assert.deepEqual(all.map((one) => one.code), ["expire_snapshots", "compact_small_files"]);
  assert.equal(worstSeverity(all), "critical");
});

Deno.test("recommend() offers no request for a table that cannot be written", () => {
  const all = recommend(figures(addFiles(30, 100), { expirableSnapshots: 3, readOnly: true }));
  assert.deepEqual(all.map((one) => one.request), [null, null]);
});
