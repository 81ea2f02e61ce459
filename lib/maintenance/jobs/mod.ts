/** Maintenance inside a table isolate. */
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
export { expire, installedExpireJob } from "./expire/expire_job.ts";
export {
  installedRewriteManifestsJob,
  rewriteManifests,
} from "./manifests/rewrite_manifests_job.ts";
export { installedSweepOperationJob, sweepOperation } from "./sweep/sweep_operation_job.ts";
