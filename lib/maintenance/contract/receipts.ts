/**
 * What maintenance did, or in a dry run would do: the same fields for both. Names are those of the
 * output columns of Spark's procedures; others stand beside them.
 */
import { z } from "zod";

const count = z.int().nonnegative();
const bytes = z.int().nonnegative().describe("bytes");
const snapshotId = z.string().regex(/^\d+$/);

/** Files of one kind, with a reason. */
const skipped = z.object({ reason: z.string(), files: count, bytes });

/** What a compaction did. */
export const CompactReceipt = z.object({
  strategy: z.enum(["binpack", "sort", "zorder"]),
  rewritten_files: count,
  new_files: count.describe("in a dry run: as many as are expected"),
  rewritten_data_files_count: count,
  added_data_files_count: count,
  rewritten_bytes_count: bytes,
  added_bytes_count: bytes.describe("in a dry run: the bytes that are rewritten"),
  failed_data_files_count: count.describe(
    "files that stay as they were because others changed them",
  ),
  removed_delete_files_count: count,
  file_groups_count: count,
  failed_file_groups: z.array(z.object({ reason: z.string(), files: count })),
  skipped_files: z.array(skipped).describe("what is not rewritten, and why"),
  snapshot_ids: z.array(snapshotId).describe("of the commits; empty where nothing was to be done"),
});
export type CompactReceipt = z.infer<typeof CompactReceipt>;

/** What an expiry did. */
export const ExpireReceipt = z.object({
  deleted_data_files_count: count,
  deleted_position_delete_files_count: count,
  deleted_equality_delete_files_count: count,
  deleted_manifest_files_count: count,
  deleted_manifest_lists_count: count,
  deleted_statistics_files_count: count,
  deleted_metadata_files_count: count.describe("metadata files that left the table's log"),
  deleted_bytes_count: bytes,
  failed_deletes_count: count.describe(
    "files that could not be deleted; remove-orphans finds them",
  ),
  expired_snapshots_count: count,
  expired_snapshot_ids: z.array(snapshotId).describe("the first 1000"),
  retained_snapshots_count: count,
  removed_refs: z.array(z.string()),
  removed_schemas_count: count,
  removed_partition_specs_count: count,
  held_back: z.array(z.object({
    held_by: z.string().describe("name of the branch or tag, or the pipeline that reads on"),
    type: z.enum(["branch", "tag", "pin"]),
    reason: z.enum(["tag", "min_snapshots_to_keep", "max_snapshot_age", "pinned"]),
    snapshots: count,
  })).describe(
    "snapshots past their age that stay: the first 100 refs that hold them, the first 100 pipelines",
  ),
  pinned_snapshots_count: count.describe("snapshots that stay for pipelines alone"),
  pinned_snapshots: z.array(z.object({
    snapshot_id: snapshotId,
    held_by: z.array(z.string()).describe("the first 10 pipelines"),
  })).describe("the first 1000 of them"),
});
export type ExpireReceipt = z.infer<typeof ExpireReceipt>;

/** What a removal of orphans did. */
export const RemoveOrphansReceipt = z.object({
  orphan_file_location: z.array(z.string()).describe("the first 1000"),
  orphan_files_count: count,
  orphan_bytes_count: bytes,
  deleted_files_count: count,
  deleted_bytes_count: bytes,
  failed_deletes_count: count,
  kept_files: z.array(skipped).describe("files that nothing refers to, and why they stay"),
  nested_tables: z.array(z.string()).describe("folders of other tables, which are left alone"),
  older_than: z.string(),
  not_listed: z.array(z.string())
    .describe("folders of the table outside of its location; name one as location to look there"),
});
export type RemoveOrphansReceipt = z.infer<typeof RemoveOrphansReceipt>;

/** What rewriting manifests did. */
export const RewriteManifestsReceipt = z.object({
  rewritten_manifests_count: count,
  added_manifests_count: count,
  snapshot_ids: z.array(snapshotId),
});
export type RewriteManifestsReceipt = z.infer<typeof RewriteManifestsReceipt>;
