/** What an expiry of snapshots takes out of a table's metadata (Spark: `expire_snapshots`). */
import { AppError } from "../../errors.ts";
import type { TableUpdate } from "../commit/table_update.ts";
import type { Schema } from "../spec/schema.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import { schemaOfSpec, type TableMetadata } from "../spec/table_metadata.ts";
import { expirableSnapshots, liveRefs, type RetentionDefaults } from "./expirable_snapshots.ts";
import { pinnedSnapshots, type Pins } from "./pinned_snapshots.ts";

/** What the files of snapshots that stay need of the metadata. */
export interface UsedDefinitions {
  /** Partition specs that their manifests use. */
  readonly specIds: ReadonlySet<number>;
  /** Whether there are delete files: they may compare columns that have been dropped since. */
  readonly hasDeletes: boolean;
}

/** Options of {@linkcode planExpiry}. */
export interface ExpiryOptions {
  readonly retention: RetentionDefaults;
  /** Snapshots that go in any case; those that the table does not have are passed over. */
  readonly snapshotIds: ReadonlySet<bigint>;
  /** Snapshots that somebody reads the table from: they stay, with all that follow on branches. */
  readonly pins: Pins;
  /** Partition specs and schemas that are not used go; null to leave both as they are. */
  readonly used: UsedDefinitions | null;
}

/** What goes. */
export interface ExpiryPlan {
  readonly expired: readonly Snapshot[];
  readonly kept: readonly Snapshot[];
  /** Of what is kept: snapshots that would go, were it not for these holders of pins. */
  readonly pinned: Pins;
  /** Names of refs that are past their age, or point at nothing. */
  readonly removedRefs: readonly string[];
  readonly removedSchemaIds: readonly number[];
  readonly removedSpecIds: readonly number[];
}

/**
 * Plans an expiry. `retention` counts per branch; snapshots named by id go whatever it says, unless a
 * ref points at one (`conflict`/`snapshot_referenced`) or a pin needs it (`conflict`/`snapshot_held`).
 */
export function planExpiry(metadata: TableMetadata, options: ExpiryOptions): ExpiryPlan {
  const { retention, snapshotIds, used } = options;
  const live = liveRefs(metadata, retention);
  refuseReferenced(snapshotIds, live);
  const branches = live.filter(({ type }) => type === "branch");
  const needed = pinnedSnapshots(metadata.snapshots, { pins: options.pins, branches });
  refusePinned(snapshotIds, needed);
  const expirable = expirableSnapshots(metadata, retention);
  const gone = new Set([...snapshotIds, ...expirable.filter((id) => !needed.has(id))]);
  const expired: Snapshot[] = [];
  const kept: Snapshot[] = [];
  for (const snapshot of metadata.snapshots) {
    (gone.has(snapshot.snapshotId) ? expired : kept).push(snapshot);
  }
  const liveNames = new Set(live.map(({ name }) => name));
  return {
    expired,
    kept,
    pinned: new Map(expirable.flatMap((id) => {
      const holders = needed.get(id);
      return holders === undefined ? [] : [[id, holders]];
    })),
    removedRefs: [...metadata.refs.keys()].filter((name) => !liveNames.has(name)).sort(),
    ...(used === null
      ? { removedSchemaIds: [], removedSpecIds: [] }
      : unusedDefinitions(metadata, kept, used)),
  };
}

/** The plan as updates; none where nothing goes. Refs go first: their snapshots may not dangle. */
export function expiryUpdates(plan: ExpiryPlan): readonly TableUpdate[] {
  const updates: TableUpdate[] = plan.removedRefs
    .map((name) => ({ action: "remove-snapshot-ref", name }));
  const snapshotIds = plan.expired.map(({ snapshotId }) => snapshotId);
  if (snapshotIds.length > 0) updates.push({ action: "remove-snapshots", snapshotIds });
  if (plan.removedSpecIds.length > 0) {
    updates.push({ action: "remove-partition-specs", specIds: plan.removedSpecIds });
  }
  if (plan.removedSchemaIds.length > 0) {
    updates.push({ action: "remove-schemas", schemaIds: plan.removedSchemaIds });
  }
  return updates;
}

function unusedDefinitions(
  metadata: TableMetadata,
  kept: readonly Snapshot[],
  used: UsedDefinitions,
): Pick<ExpiryPlan, "removedSchemaIds" | "removedSpecIds"> {
  const { partitionSpecs, defaultSpecId, schemas } = metadata;
  const isUsed = (specId: number) => specId === defaultSpecId || used.specIds.has(specId);
  const usedSchemaIds = schemasInUse(metadata, kept, used);
  return {
    removedSpecIds: partitionSpecs.map(({ specId }) => specId).filter((id) => !isUsed(id)),
    removedSchemaIds: schemas.map(({ schemaId }) => schemaId)
      .filter((id) => !usedSchemaIds.has(id)),
  };
}

/**
 * Ids of the schemas of snapshots, and of those that alone know a column which files of these still
 * speak of: the source of a partition value, or what a delete file compares. Without its type nobody
 * could read them.
 */
function schemasInUse(
  metadata: TableMetadata,
  kept: readonly Snapshot[],
  { specIds, hasDeletes }: UsedDefinitions,
): ReadonlySet<number | null> {
  const { schemas, currentSchemaId, partitionSpecs } = metadata;
  const specs = partitionSpecs.filter(({ specId }) => specIds.has(specId));
  const ids = new Set([
    currentSchemaId,
    ...kept.map(({ schemaId }) => schemaId),
    ...specs.map((spec) => schemaOfSpec(metadata, spec).schemaId),
  ]);
  if (!hasDeletes) return ids;
  const idsOf = (schema: Schema) => Array.from(schema.allFields(), ({ field }) => field.id);
  const known = new Set(schemas.filter(({ schemaId }) => ids.has(schemaId)).flatMap(idsOf));
  for (const schema of schemas.toReversed()) {
    if (idsOf(schema).every((id) => known.has(id))) continue;
    ids.add(schema.schemaId);
    for (const id of idsOf(schema)) known.add(id);
  }
  return ids;
}

function refuseReferenced(
  snapshotIds: ReadonlySet<bigint>,
  refs: readonly { readonly name: string; readonly snapshotId: bigint; readonly type: string }[],
): void {
  const held = refs.filter(({ snapshotId }) => snapshotIds.has(snapshotId));
  const [first] = held;
  if (first === undefined) return;
  const message = `Cannot expire snapshot ${first.snapshotId}: the ${first.type} ` +
    `"${first.name.slice(0, 80)}" points at it` +
    (held.length > 1 ? `, and ${held.length - 1} more refs at what is to expire` : "") +
    "; drop the ref first, or leave the snapshot out";
  throw new AppError("conflict", "snapshot_referenced", message, {
    issues: [{ path: "snapshot_ids", message }],
    context: { refs: held.slice(0, 100).map(({ name }) => name) },
  });
}

function refusePinned(snapshotIds: ReadonlySet<bigint>, needed: Pins): void {
  if (needed.size === 0) return;
  const held = [...snapshotIds].filter((id) => needed.has(id));
  const [first] = held;
  if (first === undefined) return;
  const holders = needed.get(first) ?? [];
  const others = holders.length > 3 ? ` and ${holders.length - 3} more` : "";
  const message = `Cannot expire snapshot ${first}: it is held by ` +
    holders.slice(0, 3).join(", ") + others +
    (held.length > 1 ? `, and ${held.length - 1} more of those named are held` : "") +
    "; wait until it has been read, stop the pipeline, or leave the snapshot out";
  throw new AppError("conflict", "snapshot_held", message, {
    issues: [{ path: "snapshot_ids", message }],
    context: { snapshotIds: held.slice(0, 100).map(String) },
  });
}
