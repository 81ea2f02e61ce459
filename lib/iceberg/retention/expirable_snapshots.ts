/**
 * Which snapshots the table's own retention would let go now: the rules of `expire_snapshots` for
 * the defaults of table properties (Spark procedure; `history.expire.*` table properties).
 */
import type { Snapshot, SnapshotRef } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { branchRetention, type BranchRule } from "./_branch_retention.ts";

/** `history.expire.max-snapshot-age-ms` where a table sets none: 5 days. */
export const DEFAULT_MAX_SNAPSHOT_AGE_MS = 432_000_000;
/** `history.expire.min-snapshots-to-keep` where a table sets none. */
export const DEFAULT_MIN_SNAPSHOTS_TO_KEEP = 1;

/** The retention that applies where a ref says nothing of its own. */
export interface RetentionDefaults {
  /** Snapshots younger than this are kept. Milliseconds since the epoch. */
  readonly olderThanMs: number;
  /** Snapshots kept per branch whatever their age; at least 1. */
  readonly retainLast: number;
  /** `history.expire.max-ref-age-ms`; refs live for ever by default. */
  readonly maxRefAgeMs?: number;
  readonly nowMs: number;
}

/** The defaults that the table's properties give at `nowMs`. */
export function retentionFromProperties(
  properties: Readonly<Record<string, string>>,
  nowMs: number,
): RetentionDefaults {
  const maxAgeMs = positiveInteger(properties["history.expire.max-snapshot-age-ms"]) ??
    DEFAULT_MAX_SNAPSHOT_AGE_MS;
  const retainLast = positiveInteger(properties["history.expire.min-snapshots-to-keep"]) ??
    DEFAULT_MIN_SNAPSHOTS_TO_KEEP;
  const maxRefAgeMs = positiveInteger(properties["history.expire.max-ref-age-ms"]);
  const refs = maxRefAgeMs === undefined ? {} : { maxRefAgeMs };
  return { olderThanMs: nowMs - maxAgeMs, retainLast, ...refs, nowMs };
}

/**
 * Ids of the snapshots that would expire. Per branch, ancestry is kept while fewer than the minimum
 * are kept or the snapshot is young enough; the walk stops at the first that is neither, so older
 * ancestors cannot re-enter. A ref past its `max-ref-age-ms` (never `main`) protects nothing.
 * Snapshots on no branch are kept while young.
 */
export function expirableSnapshots(
  metadata: Pick<TableMetadata, "snapshots" | "refs">,
  defaults: RetentionDefaults,
): readonly bigint[] {
  const live = liveRefs(metadata, defaults);
  const { kept, onBranch } = branchRetention(
    metadata.snapshots,
    live.filter((ref) => ref.type === "branch").map((ref) => branchRule(ref, defaults)),
  );
  const referenced = new Set(live.map((ref) => ref.snapshotId));
  const isKept = ({ snapshotId, timestampMs }: Snapshot) =>
    kept.has(snapshotId) || referenced.has(snapshotId) ||
    (timestampMs >= defaults.olderThanMs && !onBranch.has(snapshotId));
  return metadata.snapshots.filter((snapshot) => !isKept(snapshot)).map((one) => one.snapshotId);
}

/**
 * Refs that protect what they point at: `main`, and all that are not past their age. One whose
 * snapshot is gone points at nothing.
 */
export function liveRefs(
  { snapshots, refs }: Pick<TableMetadata, "snapshots" | "refs">,
  { nowMs, maxRefAgeMs = Infinity }: RetentionDefaults,
): readonly SnapshotRef[] {
  const times = new Map(snapshots.map(({ snapshotId, timestampMs }) => [snapshotId, timestampMs]));
  return [...refs.values()].filter((ref) => {
    if (ref.name === "main") return true;
    const timestampMs = times.get(ref.snapshotId);
    return timestampMs !== undefined && nowMs - timestampMs <= (ref.maxRefAgeMs ?? maxRefAgeMs);
  });
}

/** What a branch keeps of its ancestry, with defaults where it says nothing itself. */
export function branchRule(ref: SnapshotRef, defaults: RetentionDefaults): BranchRule {
  return {
    snapshotId: ref.snapshotId,
    minimum: ref.minSnapshotsToKeep ?? defaults.retainLast,
    cutoffMs: ref.maxSnapshotAgeMs === null
      ? defaults.olderThanMs
      : defaults.nowMs - ref.maxSnapshotAgeMs,
  };
}

function positiveInteger(text: string | undefined): number | undefined {
  const value = text === undefined ? NaN : Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
