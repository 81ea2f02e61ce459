/** Rewrites manifests, so that planning reads few of them: sorted by partition, of the target size. */
import { requireWritable } from "../../../iceberg/require_writable.ts";
import { AppError } from "../../../errors.ts";
import {
  planManifestRewrite,
  RewriteManifests,
  type RewriteManifestsResult,
} from "../../../iceberg/commit/snapshot/rewrite_manifests.ts";
import { manifestSource } from "../../../iceberg/scan/manifest_source.ts";
import { currentSnapshot, type TableMetadata } from "../../../iceberg/spec/table_metadata.ts";
import { installJob, type JobHost } from "../../../jobs/mod.ts";
import {
  rewriteManifestsJob,
  type RewriteManifestsParams,
  type RewriteManifestsReceipt,
} from "../../contract/mod.ts";
import { commitAction } from "../_commit.ts";

/** The job. */
export const installedRewriteManifestsJob = installJob(rewriteManifestsJob, rewriteManifests);

/** Runs the job. Errors: `invalid` for a spec or a field that the table has not, those of commits. */
export async function rewriteManifests(
  params: RewriteManifestsParams,
  host: JobHost,
): Promise<RewriteManifestsReceipt> {
  const { signal } = host;
  const store = host.openTable(params.location);
  const table = await store.load(signal);
  requireWritable(table);
  requireSpec(table.metadata, params.specId);
  host.progress({ phase: "rewriting", done: 0, total: null, unit: "manifests" });
  const options = {
    ...(params.specId === null ? {} : { specId: params.specId }),
    ...(params.sortBy === null ? {} : { sortBy: params.sortBy }),
    maxBufferedBytes: host.memoryBytes,
  };
  if (params.dryRun) {
    const snapshot = currentSnapshot(table.metadata);
    const manifests = manifestSource(table.io, table.metadata);
    return snapshot === undefined
      ? receiptOf({ rewrittenManifestsCount: 0, addedManifestsCount: 0 }, [])
      : receiptOf(
        await planManifestRewrite({ ...options, table, manifests, snapshot, signal }),
        [],
      );
  }
  const action = new RewriteManifests(options);
  const receipt = () =>
    receiptOf(action.result, action.snapshot === null ? [] : [action.snapshot.snapshotId]);
  await commitAction(action, { store, host, receipt, base: table });
  return receipt();
}

function receiptOf(
  { rewrittenManifestsCount, addedManifestsCount }: RewriteManifestsResult,
  snapshotIds: readonly bigint[],
): RewriteManifestsReceipt {
  return {
    rewritten_manifests_count: rewrittenManifestsCount,
    added_manifests_count: addedManifestsCount,
    snapshot_ids: snapshotIds.map(String),
  };
}

function requireSpec({ partitionSpecs }: TableMetadata, specId: number | null): void {
  if (specId === null || partitionSpecs.some((spec) => spec.specId === specId)) return;
  const known = partitionSpecs.map((spec) => spec.specId).join(", ");
  const message = `Cannot rewrite manifests of partition spec ${specId}: the table has ${known}`;
  throw new AppError("invalid", "partition_spec_unknown", message, {
    issues: [{ path: "spec_id", message }],
  });
}
