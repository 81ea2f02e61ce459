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
  return { olderThanMs: nowMs - maxAgeMs, retainLast, nowMs };
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
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  const live = [...metadata.refs.values()].filter((ref) => isLiveRef(ref, byId, defaults.nowMs));
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

function branchRule(ref: SnapshotRef, defaults: RetentionDefaults): BranchRule {
  return {
    snapshotId: ref.snapshotId,
    minimum: ref.minSnapshotsToKeep ?? defaults.retainLast,
    cutoffMs: ref.maxSnapshotAgeMs === null
      ? defaults.olderThanMs
      : defaults.nowMs - ref.maxSnapshotAgeMs,
  };
}

function isLiveRef(
  ref: SnapshotRef,
  byId: ReadonlyMap<bigint, Snapshot>,
  nowMs: number,
): boolean {
  if (ref.name === "main" || ref.maxRefAgeMs === null) return true;
  const snapshot = byId.get(ref.snapshotId);
  return snapshot !== undefined && nowMs - snapshot.timestampMs <= ref.maxRefAgeMs;
}

function positiveInteger(text: string | undefined): number | undefined {
  const value = text === undefined ? NaN : Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
