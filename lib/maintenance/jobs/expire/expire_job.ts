/**
 * Expires snapshots: first in the metadata, with a commit; then the files go that only they used.
 *
 * ```
 * load ─► plan ─► commit ─► files only reachable from what expired ─► delete, data files first
 * ```
 *
 * Should the job die after the commit, the table is whole and smaller; what it did not get to delete
 * is found by `remove-orphans`.
 */
import { requireWritable } from "../../../iceberg/require_writable.ts";
import { AppError } from "../../../errors.ts";
import { withMetadataLog } from "../../../iceberg/commit/metadata_log.ts";
import type { TableStore } from "../../../iceberg/commit/table_store.ts";
import type { LoadedTable } from "../../../iceberg/ports.ts";
import { filesOnlyReachableFrom } from "../../../iceberg/reachability/files_only_reachable_from.ts";
import type { ReachableFile } from "../../../iceberg/reachability/reachable_file.ts";
import {
  ExpireSnapshots,
  type ExpireSnapshotsOptions,
  planTableExpiry,
} from "../../../iceberg/retention/expire_snapshots.ts";
import { retentionFromProperties } from "../../../iceberg/retention/expirable_snapshots.ts";
import { pinsIn } from "../../../iceberg/retention/pinned_snapshots.ts";
import type { ExpiryPlan } from "../../../iceberg/retention/plan_expiry.ts";
import { manifestSource } from "../../../iceberg/scan/manifest_source.ts";
import type { Snapshot } from "../../../iceberg/spec/snapshot.ts";
import type { TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import { installJob, type JobHost } from "../../../jobs/mod.ts";
import { expireJob, type ExpireParams, type ExpireReceipt } from "../../contract/mod.ts";
import { LocationIdentity } from "../../plan/location_identity.ts";
import { commitAction } from "../_commit.ts";
import { requireGarbageCollection, requireReadable } from "../_guards.ts";
import { deleteFiles } from "../delete_files.ts";
import { ExpireTally } from "./expire_tally.ts";
import { heldInReceipt } from "./held_snapshots.ts";
import { withReadSizes } from "./read_sizes.ts";

/** Files that are found before they are deleted. */
const BATCH_FILES = 1_000;
/** Ids named in a receipt. */
const MAX_LISTED_IDS = 1_000;
/** Property: whether metadata files are deleted that leave the log. */
const DELETE_AFTER_COMMIT = "write.metadata.delete-after-commit.enabled";

/** The job. */
export const installedExpireJob = installJob(expireJob, expire);

/**
 * Runs the job. Errors: see the guards; `not_found`/`snapshot_not_found` and `conflict`/
 * `snapshot_referenced` for ids that are asked for; those of commits, and of reading what stays.
 */
export async function expire(params: ExpireParams, host: JobHost): Promise<ExpireReceipt> {
  const store = host.openTable(params.location);
  const table = await store.load(host.signal);
  requireWritable(table);
  requireGarbageCollection(table);
  requireReadable(table);
  const options = expiryOptions(params, host.clock.now());
  requireKnown(table.metadata, options.snapshotIds);
  host.progress({ phase: "planning", done: 0, total: null, unit: "snapshots" });
  return params.dryRun
    ? await foretell(table, options, { store, host })
    : await perform(table, options, { store, host });
}

function expiryOptions(params: ExpireParams, nowMs: number): ExpireSnapshotsOptions {
  const { retainLast, olderThanMs } = params;
  return {
    snapshotIds: new Set(params.snapshotIds.map(BigInt)),
    cleanExpiredMetadata: params.cleanExpiredMetadata,
    pinsOf: (metadata) => pinsIn(metadata, params.pins),
    retentionOf: ({ properties }) => ({
      ...retentionFromProperties(properties, nowMs),
      ...(retainLast === null ? {} : { retainLast }),
      ...(olderThanMs === null ? {} : { olderThanMs }),
    }),
  };
}

/** What both kinds of run stand on. */
interface RunOptions {
  readonly store: TableStore;
  readonly host: JobHost;
}

async function foretell(
  table: LoadedTable,
  options: ExpireSnapshotsOptions,
  { store, host }: RunOptions,
): Promise<ExpireReceipt> {
  const { metadata, io } = table;
  const { signal } = host;
  const manifests = manifestSource(io, metadata);
  const plan = await planTableExpiry(metadata, options, { manifests, signal });
  const tally = new ExpireTally();
  const after = { ...metadata, snapshots: plan.kept };
  const work = { before: table, after, expired: plan.expired, tally, signal };
  for await (const file of uselessFiles(work)) tally.add(file);
  const drops = changesAnything(plan) && store.keepsMetadataFiles !== true;
  const metadataFiles = drops ? droppedMetadata(table) : 0;
  return receiptOf(plan, { table, options, tally, metadataFiles });
}

async function perform(
  table: LoadedTable,
  options: ExpireSnapshotsOptions,
  { store, host }: RunOptions,
): Promise<ExpireReceipt> {
  const { signal } = host;
  const action = new ExpireSnapshots(options);
  // The deletion of files comes after the commit.
  const receipt = () => null;
  const { table: after, deletedMetadata } = await commitAction(action, {
    store,
    host,
    receipt,
    base: table,
  });
  const tally = new ExpireTally();
  const { plan, before } = action;
  if (plan === null || before === null) {
    const nothing = {
      expired: [],
      kept: after.metadata.snapshots,
      pinned: action.pinned,
      removedRefs: [],
      removedSchemaIds: [],
      removedSpecIds: [],
    };
    return receiptOf(nothing, { table: after, options, tally, metadataFiles: 0 });
  }
  const stays = new Set(after.metadata.snapshots.map(({ snapshotId }) => snapshotId));
  const expired = action.expired.filter(({ snapshotId }) => !stays.has(snapshotId));
  await deleteUseless({ before, after: after.metadata, expired, tally, signal }, host);
  const { pinned } = action;
  const done = { ...plan, expired, pinned, kept: after.metadata.snapshots };
  const metadataFiles = deletedMetadata.length;
  return receiptOf(done, { table: before, options, tally, metadataFiles });
}

interface FileSearch {
  /** Knows what expires. */
  readonly before: LoadedTable;
  /** Knows what stays. */
  readonly after: TableMetadata;
  readonly expired: readonly Snapshot[];
  readonly tally: ExpireTally;
  readonly signal: AbortSignal;
}

/** Files that go, with their sizes as far as anybody knows them. */
async function* uselessFiles(search: FileSearch): AsyncGenerator<ReachableFile> {
  const { before, after, expired, tally, signal } = search;
  const identity = new LocationIdentity();
  const lists = new Set(expired.map(({ manifestList }) => manifestList));
  const { io, sizeOf } = withReadSizes(before.io, (location) => lists.has(location));
  const files = filesOnlyReachableFrom({
    io,
    metadata: before.metadata,
    expired,
    kept: after.snapshots,
    keptStatistics: after,
    identify: (location) => {
      const { prefix, path } = identity.of(location);
      return `${prefix}${path}`;
    },
    // What another expiry left half done is for the removal of orphans.
    onUnreadable: () => tally.failed++,
    signal,
  });
  for await (const file of files) {
    yield { ...file, sizeBytes: file.sizeBytes ?? sizeOf(file.location) };
  }
}

async function deleteUseless(search: FileSearch, host: JobHost): Promise<void> {
  const { tally, before, signal } = search;
  let batch: ReachableFile[] = [];
  const flush = async () => {
    const { deleted, failed } = await deleteFiles(batch, { io: before.io, signal });
    for (const file of deleted) tally.add(file);
    tally.failed += failed.length;
    batch = [];
    host.progress({ phase: "deleting", done: tally.files, total: null, unit: "files" });
  };
  for await (const file of uselessFiles(search)) {
    batch.push(file);
    if (batch.length >= BATCH_FILES) await flush();
  }
  await flush();
}

function receiptOf(
  plan: ExpiryPlan,
  { table, options, tally, metadataFiles }: {
    readonly table: LoadedTable;
    readonly options: ExpireSnapshotsOptions;
    readonly tally: ExpireTally;
    readonly metadataFiles: number;
  },
): ExpireReceipt {
  const { metadata } = table;
  const ids = plan.expired.map(({ snapshotId }) => snapshotId);
  return {
    ...tally.counts(),
    deleted_metadata_files_count: metadataFiles,
    expired_snapshots_count: ids.length,
    expired_snapshot_ids: ids.slice(0, MAX_LISTED_IDS).map(String),
    retained_snapshots_count: plan.kept.length,
    removed_refs: [...plan.removedRefs],
    removed_schemas_count: plan.removedSchemaIds.length,
    removed_partition_specs_count: plan.removedSpecIds.length,
    ...heldInReceipt(plan, { metadata, retention: options.retentionOf(metadata) }),
  };
}

function changesAnything(plan: ExpiryPlan): boolean {
  return plan.expired.length + plan.removedRefs.length + plan.removedSchemaIds.length +
      plan.removedSpecIds.length > 0;
}

/** Metadata files that one more commit pushes out of the log, where the table deletes those. */
function droppedMetadata({ metadata, metadataLocation }: LoadedTable): number {
  if (metadata.properties[DELETE_AFTER_COMMIT]?.trim().toLowerCase() !== "true") return 0;
  return withMetadataLog(metadata, {
    previousLocation: metadataLocation,
    previousUpdatedMs: metadata.lastUpdatedMs,
  }).dropped.length;
}

function requireKnown({ snapshots }: TableMetadata, snapshotIds: ReadonlySet<bigint>): void {
  const known = new Set(snapshots.map(({ snapshotId }) => snapshotId));
  const issues = [...snapshotIds].flatMap((id, i) =>
    known.has(id) ? [] : [{
      path: `snapshot_ids.${i}`,
      message: `Cannot expire ${id}: the table has no such snapshot`,
    }]
  );
  const [first] = issues;
  if (first === undefined) return;
  throw new AppError("not_found", "snapshot_not_found", first.message, {
    issues: issues.slice(0, 100),
  });
}
