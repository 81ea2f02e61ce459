/**
 * Which snapshots stay because somebody reads the table from one of them on: the pinned one, whose
 * files tell what later ones changed, and all from it to the head of every branch that it lies on,
 * as the reader walks along them.
 */
import type { Snapshot, SnapshotRef } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";

/** Pinned snapshots, with the names of who pins them. Ids that the table does not have hold nothing. */
export type Pins = ReadonlyMap<bigint, readonly string[]>;

/** Nothing is pinned. */
export const NO_PINS: Pins = new Map();

/** A pin as it travels to whoever has the table's metadata. */
export interface NamedPin {
  /** In decimal. */
  readonly snapshotId: string;
  /** Null for whatever table has the name. */
  readonly tableUuid: string | null;
  readonly heldBy: string;
}

/** Holders that are named for one snapshot. */
const MAX_HOLDERS = 100;
const NOBODY: readonly string[] = [];

/** The pins of a table; those of another one that had its name hold nothing. */
export function pinsIn(
  { tableUuid }: Pick<TableMetadata, "tableUuid">,
  pins: readonly NamedPin[],
): Pins {
  const held = new Map<bigint, string[]>();
  for (const pin of pins) {
    if (pin.tableUuid !== null && tableUuid !== null && pin.tableUuid !== tableUuid) continue;
    const id = BigInt(pin.snapshotId);
    const holders = held.get(id) ?? [];
    holders.push(pin.heldBy);
    held.set(id, holders);
  }
  return held;
}

/** Snapshots that pins keep, with who needs them; in time linear in snapshots, branches and pins. */
export function pinnedSnapshots(
  snapshots: readonly Snapshot[],
  { pins, branches }: { readonly pins: Pins; readonly branches: readonly SnapshotRef[] },
): Pins {
  if (pins.size === 0) return NO_PINS;
  const byId = new Map(snapshots.map((one) => [one.snapshotId, one]));
  const onBranch = ancestorsOf(branches, byId);
  const needed = neededBy(snapshots, { pins, byId });
  const kept = new Map<bigint, readonly string[]>();
  for (const { snapshotId } of snapshots) {
    const holders = onBranch.has(snapshotId) ? needed.get(snapshotId) : pins.get(snapshotId);
    if (holders === undefined || holders.length === 0) continue;
    kept.set(snapshotId, holders);
  }
  return kept;
}

type Lineage = ReadonlyMap<bigint, Snapshot>;

function ancestorsOf(branches: readonly SnapshotRef[], byId: Lineage): ReadonlySet<bigint> {
  const found = new Set<bigint>();
  for (const { snapshotId } of branches) {
    let at = byId.get(snapshotId);
    while (at !== undefined && !found.has(at.snapshotId)) {
      found.add(at.snapshotId);
      at = parentOf(at, byId);
    }
  }
  return found;
}

/** For each snapshot, who pins it or one of its ancestors. */
function neededBy(
  snapshots: readonly Snapshot[],
  { pins, byId }: { readonly pins: Pins; readonly byId: Lineage },
): Pins {
  const known = new Map<bigint, readonly string[]>();
  for (const one of snapshots) {
    const path: Snapshot[] = [];
    let at: Snapshot | undefined = one;
    while (at !== undefined && !known.has(at.snapshotId)) {
      // Set at once: the codec refuses cycles, and were there one, the walk would end here.
      known.set(at.snapshotId, NOBODY);
      path.push(at);
      at = parentOf(at, byId);
    }
    let holders = at === undefined ? NOBODY : known.get(at.snapshotId) ?? NOBODY;
    for (const { snapshotId } of path.toReversed()) {
      holders = joined(holders, pins.get(snapshotId));
      known.set(snapshotId, holders);
    }
  }
  return known;
}

/** Shares what does not change: a long lineage below few pins has few lists. */
function joined(
  inherited: readonly string[],
  own: readonly string[] | undefined,
): readonly string[] {
  if (own === undefined || own.length === 0 || inherited.length >= MAX_HOLDERS) return inherited;
  return [...new Set([...inherited, ...own])].slice(0, MAX_HOLDERS);
}

function parentOf({ parentSnapshotId }: Snapshot, byId: Lineage): Snapshot | undefined {
  return parentSnapshotId === null ? undefined : byId.get(parentSnapshotId);
}
