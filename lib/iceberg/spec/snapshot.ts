/** Snapshots and references (spec: "Snapshots", "Snapshot References"). */
import type { JsonObject } from "../../json.ts";
/** The state of a table at one time. */
export interface Snapshot {
  readonly snapshotId: bigint;
  readonly parentSnapshotId: bigint | null;
  /** 0 for snapshots written under format v1. */
  readonly sequenceNumber: bigint;
  readonly timestampMs: number;
  /** Location of the manifest list; null only for v1 snapshots that list `manifests` inline. */
  readonly manifestList: string | null;
  /** v1 only: locations of the snapshot's manifests, where there is no manifest list. */
  readonly manifests: readonly string[] | null;
  /** `operation` and counters; `{}` for v1 snapshots without a summary. */
  readonly summary: Readonly<Record<string, string>>;
  readonly schemaId: number | null;
  /** v3 row lineage: the first `_row_id` of rows added by this snapshot. */
  readonly firstRowId: bigint | null;
  /** v3 row lineage: upper bound of rows with assigned ids. */
  readonly addedRows: bigint | null;
  readonly keyId: string | null;
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** A named pointer to a snapshot, with its retention. Null retention means the table's default. */
export interface SnapshotRef {
  readonly name: string;
  readonly snapshotId: bigint;
  readonly type: "branch" | "tag";
  readonly minSnapshotsToKeep: number | null;
  readonly maxSnapshotAgeMs: number | null;
  readonly maxRefAgeMs: number | null;
  /** Members that the spec does not name, written back unchanged. */
  readonly extra?: JsonObject;
}

/** The operation named in a snapshot's summary; null where there is none (v1). */
export function snapshotOperation(snapshot: Snapshot): string | null {
  return snapshot.summary["operation"] ?? null;
}
