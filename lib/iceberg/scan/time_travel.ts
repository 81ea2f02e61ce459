/**
 * Which snapshot a read sees, and through which schema.
 *
 * Times are looked up in the snapshot log: what was current then, not what was committed then.
 * Rollbacks make the two differ (spec, Appendix: "Point in Time Reads"). A branch has no log, so
 * its past is its lineage.
 *
 * The schema is the snapshot's own for an id, a tag or a time, and the table's current one for a
 * branch and for the current state: a branch's head is read as it would be written next (Java:
 * `SnapshotUtil.schemaFor`).
 */
import { AppError, corruptData } from "../../errors.ts";
import type { Schema } from "../spec/schema.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import {
  currentSchema,
  currentSnapshot,
  snapshotById,
  type TableMetadata,
} from "../spec/table_metadata.ts";
import { ancestorsOf } from "./ancestors_of.ts";

/** The state of a table that a read asks for. */
export type SnapshotTarget =
  | { readonly kind: "current" }
  | { readonly kind: "id"; readonly snapshotId: bigint }
  /** A branch or a tag. */
  | { readonly kind: "ref"; readonly name: string }
  /** As of a time, on the table's main line or, with `branch`, on that branch's. */
  | { readonly kind: "timestamp"; readonly timestampMs: number; readonly branch?: string };

/** What to read. */
export interface ResolvedSnapshot {
  /** Null for the current state of a table that has no snapshot. */
  readonly snapshot: Snapshot | null;
  readonly schema: Schema;
}

const MAIN_BRANCH = "main";

/**
 * Resolves a target. Errors of kind `not_found`: `snapshot_not_found`, `ref_not_found`,
 * `no_snapshot_at_time` (before the first), `snapshot_expired` (there was one, it is gone),
 * `snapshot_log_missing`; of kind `invalid`: `ref_not_branch`.
 */
export function resolveSnapshot(
  metadata: TableMetadata,
  target: SnapshotTarget,
): ResolvedSnapshot {
  switch (target.kind) {
    case "current":
      return { snapshot: currentSnapshot(metadata) ?? null, schema: currentSchema(metadata) };
    case "id":
      return ownSchema(metadata, requireSnapshot(metadata, target.snapshotId));
    case "ref":
      return resolveRef(metadata, target.name);
    case "timestamp": {
      const { timestampMs, branch = MAIN_BRANCH } = target;
      const snapshot = branch === MAIN_BRANCH
        ? asOfLog(metadata, timestampMs)
        : asOfBranch(metadata, branch, timestampMs);
      return ownSchema(metadata, snapshot);
    }
  }
}

/** The schema a snapshot was written with; the current one for snapshots that name none. */
export function schemaOf(metadata: TableMetadata, snapshot: Snapshot): Schema {
  if (snapshot.schemaId === null) return currentSchema(metadata);
  const found = metadata.schemas.find((schema) => schema.schemaId === snapshot.schemaId);
  if (found !== undefined) return found;
  throw corruptData(
    "schema_not_found",
    `Cannot read snapshot ${snapshot.snapshotId}: its schema ${snapshot.schemaId} is not in the ` +
      "table's metadata",
  );
}

function ownSchema(metadata: TableMetadata, snapshot: Snapshot): ResolvedSnapshot {
  return { snapshot, schema: schemaOf(metadata, snapshot) };
}

function resolveRef(metadata: TableMetadata, name: string): ResolvedSnapshot {
  const ref = metadata.refs.get(name);
  if (ref === undefined) {
    // An empty table has no refs, yet its main branch is there to be read.
    if (name === MAIN_BRANCH) return resolveSnapshot(metadata, { kind: "current" });
    throw refNotFound(name);
  }
  const snapshot = requireSnapshot(metadata, ref.snapshotId);
  if (ref.type === "tag") return ownSchema(metadata, snapshot);
  return { snapshot, schema: currentSchema(metadata) };
}

function asOfLog(metadata: TableMetadata, timestampMs: number): Snapshot {
  if (metadata.snapshotLog.length === 0 && metadata.snapshots.length > 0) {
    throw notFound(
      "snapshot_log_missing",
      `Cannot tell what was current at ${formatTime(timestampMs)}: the table has no snapshot ` +
        "log, name a snapshot id instead",
    );
  }
  let best: { readonly timestampMs: number; readonly snapshotId: bigint } | null = null;
  for (const entry of metadata.snapshotLog) {
    // Of entries in the same millisecond the first stands, as in Java.
    const later = best === null || entry.timestampMs > best.timestampMs;
    if (entry.timestampMs <= timestampMs && later) best = entry;
  }
  if (best === null) throw beforeFirst(timestampMs);
  const snapshot = snapshotById(metadata, best.snapshotId);
  if (snapshot !== undefined) return snapshot;
  throw expiredAt(timestampMs, best.snapshotId);
}

function asOfBranch(metadata: TableMetadata, branch: string, timestampMs: number): Snapshot {
  const ref = metadata.refs.get(branch);
  if (ref === undefined) throw refNotFound(branch);
  if (ref.type !== "branch") {
    throw new AppError(
      "invalid",
      "ref_not_branch",
      `Cannot read "${branch}" as of a time: it is a tag, which has no history`,
    );
  }
  let oldest: Snapshot | null = null;
  for (const snapshot of ancestorsOf(metadata, ref.snapshotId)) {
    if (snapshot.timestampMs <= timestampMs) return snapshot;
    oldest = snapshot;
  }
  const lost = oldest?.parentSnapshotId ?? null;
  throw lost === null ? beforeFirst(timestampMs) : expiredAt(timestampMs, lost);
}

function requireSnapshot(metadata: TableMetadata, snapshotId: bigint): Snapshot {
  const snapshot = snapshotById(metadata, snapshotId);
  if (snapshot !== undefined) return snapshot;
  throw notFound("snapshot_not_found", `Cannot find snapshot ${snapshotId} in the table`);
}

function refNotFound(name: string): AppError {
  return notFound("ref_not_found", `Cannot find a branch or tag "${name}" in the table`);
}

function beforeFirst(timestampMs: number): AppError {
  return notFound(
    "no_snapshot_at_time",
    `Cannot read the table as of ${formatTime(timestampMs)}: its first snapshot is younger`,
  );
}

function expiredAt(timestampMs: number, snapshotId: bigint): AppError {
  return notFound(
    "snapshot_expired",
    `Cannot read the table as of ${formatTime(timestampMs)}: snapshot ${snapshotId}, current ` +
      "then, has expired",
  );
}

function notFound(code: string, message: string): AppError {
  return new AppError("not_found", code, message);
}

function formatTime(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? `${timestampMs} ms` : date.toISOString();
}
