/** Which snapshots stay in spite of their age, and what holds them. */
import type { Snapshot, SnapshotRef } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { branchRule, liveRefs, type RetentionDefaults } from "./expirable_snapshots.ts";
import type { Pins } from "./pinned_snapshots.ts";

/** Why a snapshot is held. */
export type HoldReason =
  /** A tag points at it. */
  | "tag"
  /** It is among the last snapshots of a branch that are kept whatever their age. */
  | "min_snapshots_to_keep"
  /** The branch keeps snapshots for longer than was asked for. */
  | "max_snapshot_age"
  /** Somebody reads the table from it, or from one before it. */
  | "pinned";

/** Snapshots that one ref or holder of a pin holds for one reason. Another may hold the same. */
export interface HeldSnapshots {
  readonly heldBy: string;
  readonly type: "branch" | "tag" | "pin";
  readonly reason: HoldReason;
  readonly snapshots: number;
}

/** Refs that are named, and holders of pins; there may be a hundred thousand. */
const MAX_REFS = 100;
/** Snapshots that are looked at: branches share ancestors, and their product may be huge. */
const MAX_STEPS = 1_000_000;

/** What holds snapshots older than `retention.olderThanMs`, `main` first, then by name. */
export function heldBack(
  metadata: Pick<TableMetadata, "snapshots" | "refs">,
  retention: RetentionDefaults,
): readonly HeldSnapshots[] {
  const byId = new Map(metadata.snapshots.map((one) => [one.snapshotId, one]));
  const refs = liveRefs(metadata, retention).toSorted((a, b) =>
    Number(b.name === "main") - Number(a.name === "main") || (a.name < b.name ? -1 : 1)
  );
  const held: HeldSnapshots[] = [];
  const walk = { byId, retention, stepsLeft: MAX_STEPS };
  for (const ref of refs) {
    if (held.length >= MAX_REFS || walk.stepsLeft <= 0) break;
    held.push(...(ref.type === "tag" ? heldByTag(ref, walk) : heldByBranch(ref, walk)));
  }
  return held;
}

/** What pins alone hold, by holder; see `ExpiryPlan.pinned`. */
export function heldByPins(pinned: Pins): readonly HeldSnapshots[] {
  // Snapshots of one stretch share one list of holders.
  const stretches = new Map<readonly string[], number>();
  for (const holders of pinned.values()) {
    stretches.set(holders, (stretches.get(holders) ?? 0) + 1);
  }
  const counts = new Map<string, number>();
  for (const [holders, snapshots] of stretches) {
    for (const holder of holders) counts.set(holder, (counts.get(holder) ?? 0) + snapshots);
  }
  return [...counts].slice(0, MAX_REFS).map(([heldBy, snapshots]) => ({
    heldBy,
    type: "pin",
    reason: "pinned",
    snapshots,
  }));
}

interface Walk {
  readonly byId: ReadonlyMap<bigint, Snapshot>;
  readonly retention: RetentionDefaults;
  stepsLeft: number;
}

function heldByTag(ref: SnapshotRef, { byId, retention }: Walk): readonly HeldSnapshots[] {
  const snapshot = byId.get(ref.snapshotId);
  if (snapshot === undefined || snapshot.timestampMs >= retention.olderThanMs) return [];
  return [{ heldBy: ref.name, type: "tag", reason: "tag", snapshots: 1 }];
}

/** Along the ancestry, to the first snapshot that the branch lets go. */
function heldByBranch(ref: SnapshotRef, walk: Walk): readonly HeldSnapshots[] {
  const { byId, retention } = walk;
  const { minimum, cutoffMs } = branchRule(ref, retention);
  const counts = { min_snapshots_to_keep: 0, max_snapshot_age: 0 };
  let at = byId.get(ref.snapshotId);
  for (let place = 0; at !== undefined && walk.stepsLeft-- > 0; place++) {
    const isYoung = at.timestampMs >= cutoffMs;
    if (place >= minimum && !isYoung) break;
    if (at.timestampMs < retention.olderThanMs) {
      counts[isYoung ? "max_snapshot_age" : "min_snapshots_to_keep"]++;
    }
    at = at.parentSnapshotId === null ? undefined : byId.get(at.parentSnapshotId);
  }
  return (["min_snapshots_to_keep", "max_snapshot_age"] as const)
    .filter((reason) => counts[reason] > 0)
    .map((reason) => ({ heldBy: ref.name, type: "branch", reason, snapshots: counts[reason] }));
}
