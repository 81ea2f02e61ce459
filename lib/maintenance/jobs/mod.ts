/** Maintenance inside a table isolate. */
import type { InstalledJob } from "../../jobs/mod.ts";
import { installedCompactJob } from "./compact.ts";
import { installedExpireJob } from "./expire/expire_job.ts";
import { installedRewriteManifestsJob } from "./manifests/rewrite_manifests_job.ts";
import { installedRemoveOrphansJob } from "./orphans/remove_orphans_job.ts";
import { installedEncodePartTask } from "./rewrite/encode_part.ts";
import { installedRewriteGroupTask } from "./rewrite/rewrite_group.ts";
import { installedFindCommitJob } from "./sweep/find_commit_job.ts";
import { installedSweepOperationJob } from "./sweep/sweep_operation_job.ts";

export type {
  FinishedGroup,
  GroupRewriter,
  PlannedGroup,
  PlanningState,
  RewriteGroupOptions,
} from "./compaction/group_rewriter.ts";
export { type CompactDeps, compactTable, type RewriterInput } from "./compaction/compact_job.ts";
export { planTable } from "./compaction/plan_table.ts";
export { type RowOrder, rowOrderOf, type RowOrderRequest } from "./compaction/row_order.ts";
export { installedRemoveOrphansJob, removeOrphans } from "./orphans/remove_orphans_job.ts";
export { installedCompactJob } from "./compact.ts";
export { expire, installedExpireJob } from "./expire/expire_job.ts";
export {
  installedRewriteManifestsJob,
  rewriteManifests,
} from "./manifests/rewrite_manifests_job.ts";
export { findCommit } from "./sweep/find_commit_job.ts";
export { sweepOperation } from "./sweep/sweep_operation_job.ts";

/** What every isolate that changes tables needs to know: looking after jobs that were lost. */
// deno-lint-ignore no-explicit-any -- each job has its own types, checked by its schemas.
export const sweepJobs: readonly InstalledJob<any, any>[] = [
  installedSweepOperationJob,
  installedFindCommitJob,
];

/** Every job of maintenance, and the tasks that compaction shares out. */
// deno-lint-ignore no-explicit-any -- each job has its own types, checked by its schemas.
export const maintenanceJobs: readonly InstalledJob<any, any>[] = [
  installedCompactJob,
  installedEncodePartTask,
  installedRewriteGroupTask,
  installedExpireJob,
  installedRemoveOrphansJob,
  installedRewriteManifestsJob,
  ...sweepJobs,
];
