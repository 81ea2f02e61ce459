/** Expiry of snapshots as a step of a transaction. It changes metadata; files are for afterwards. */
import type { ActionChange, CommitAction, CommitAttempt } from "../commit/commit_action.ts";
import type { TableRequirement } from "../commit/table_requirement.ts";
import { mapConcurrently } from "../../concurrency.ts";
import type { LoadedTable } from "../ports.ts";
import { DEFAULT_MANIFEST_CONCURRENCY, type ManifestSource } from "../scan/manifest_source.ts";
import type { Snapshot } from "../spec/snapshot.ts";
import type { TableMetadata } from "../spec/table_metadata.ts";
import { type ExpiryPlan, expiryUpdates, planExpiry, type UsedDefinitions } from "./plan_expiry.ts";
import type { RetentionDefaults } from "./expirable_snapshots.ts";
import { NO_PINS, type Pins } from "./pinned_snapshots.ts";

/** Options of {@linkcode ExpireSnapshots}. */
export interface ExpireSnapshotsOptions {
  /** The retention that applies to a table: its own properties may count. */
  readonly retentionOf: (metadata: TableMetadata) => RetentionDefaults;
  readonly snapshotIds: ReadonlySet<bigint>;
  /** The pins that count for a table: a pin may be one of another table under the same name. */
  readonly pinsOf: (metadata: TableMetadata) => Pins;
  /** Whether schemas and partition specs go that no snapshot uses. */
  readonly cleanExpiredMetadata: boolean;
}

/** Where a plan is made. */
export interface ExpirySource {
  readonly manifests: ManifestSource;
  readonly signal?: AbortSignal | undefined;
}

/** Plans the expiry of a table, without changing it. Errors: those of `planExpiry` and of reading. */
export async function planTableExpiry(
  metadata: TableMetadata,
  options: ExpireSnapshotsOptions,
  source: ExpirySource,
): Promise<ExpiryPlan> {
  const { snapshotIds, cleanExpiredMetadata } = options;
  const retention = options.retentionOf(metadata);
  const base = { retention, snapshotIds, pins: options.pinsOf(metadata) };
  const plan = planExpiry(metadata, { ...base, used: null });
  if (!cleanExpiredMetadata) return plan;
  const used = await definitionsOf(metadata, plan.kept, source);
  return planExpiry(metadata, { ...base, used });
}

/** The action, with what its attempts came to. */
export class ExpireSnapshots implements CommitAction {
  readonly name = "expire snapshots";
  readonly #options: ExpireSnapshotsOptions;
  /** Of every attempt, as one may have come through whose reply was lost. */
  readonly #expired = new Map<bigint, Snapshot>();
  #plan: ExpiryPlan | null = null;
  #pinned: Pins = NO_PINS;
  #before: LoadedTable | null = null;

  constructor(options: ExpireSnapshotsOptions) {
    this.#options = options;
  }

  /** The plan of the latest attempt that had something to do; null before. */
  get plan(): ExpiryPlan | null {
    return this.#plan;
  }

  /** What the latest attempt kept for pins alone, whether it had anything to do or not. */
  get pinned(): Pins {
    return this.#pinned;
  }

  /** The table that {@linkcode plan} was made for; it still knows what expires. */
  get before(): LoadedTable | null {
    return this.#before;
  }

  /** Snapshots that some attempt wanted to expire; what the table does not have has expired. */
  get expired(): readonly Snapshot[] {
    return [...this.#expired.values()];
  }

  async apply(attempt: CommitAttempt): Promise<ActionChange> {
    const { metadata } = attempt.table;
    const plan = await planTableExpiry(metadata, this.#options, attempt);
    this.#pinned = plan.pinned;
    const updates = expiryUpdates(plan);
    if (updates.length === 0) return { requirements: [], updates };
    this.#plan = plan;
    this.#before = attempt.table;
    for (const snapshot of plan.expired) this.#expired.set(snapshot.snapshotId, snapshot);
    return { requirements: requirementsFor(metadata, plan), updates };
  }
}

/**
 * Every ref must still point where it did: one that came to point at an expired snapshot, as `main`
 * does after a rollback, would be lost with it.
 */
function requirementsFor(metadata: TableMetadata, plan: ExpiryPlan): readonly TableRequirement[] {
  const requirements: TableRequirement[] = [...metadata.refs.values()].map((ref) => ({
    type: "assert-ref-snapshot-id",
    ref: ref.name,
    snapshotId: ref.snapshotId,
  }));
  if (plan.removedSchemaIds.length > 0) {
    const { currentSchemaId } = metadata;
    requirements.push({ type: "assert-current-schema-id", currentSchemaId });
  }
  if (plan.removedSpecIds.length > 0) {
    const { defaultSpecId } = metadata;
    requirements.push({ type: "assert-default-spec-id", defaultSpecId });
  }
  return requirements;
}

async function definitionsOf(
  metadata: TableMetadata,
  kept: readonly Snapshot[],
  { manifests: source, signal }: ExpirySource,
): Promise<UsedDefinitions> {
  const specIds = new Set<number>();
  let hasDeletes = false;
  const read = signal === undefined ? {} : { signal };
  await mapConcurrently(kept, async (snapshot) => {
    // Once all is in use, no further list can tell anything.
    if (hasDeletes && specIds.size >= metadata.partitionSpecs.length) return;
    for (const { partitionSpecId, content } of await source.manifestsOf(snapshot, read)) {
      specIds.add(partitionSpecId);
      hasDeletes ||= content === "deletes";
    }
  }, { limit: DEFAULT_MANIFEST_CONCURRENCY, signal });
  return { specIds, hasDeletes };
}
