/** How far a stream is behind its source. */
import type { SnapshotStep } from "../../iceberg/scan/incremental_append.ts";
import type { PipelineLag } from "../contract/metrics.ts";

/** By the snapshots that are not read to the end. */
export function lagOf(steps: readonly SnapshotStep[], nowMs: number): PipelineLag {
  const [oldest] = steps;
  if (oldest === undefined) return { snapshots: 0, rows: 0, seconds: 0 };
  const added = steps.map(({ snapshot, change }) =>
    change === "replace" ? 0 : Number(snapshot.summary["added-records"] ?? Number.NaN)
  );
  const rows = added.reduce((sum, count) => sum + count, 0);
  return {
    snapshots: steps.length,
    rows: Number.isSafeInteger(rows) ? rows : null,
    seconds: Math.max(0, nowMs - oldest.snapshot.timestampMs) / 1000,
  };
}
