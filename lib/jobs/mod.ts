/** Table jobs: how features declare them, who runs them, and what they find in their isolate. */
export {
  type CommitNote,
  defineJob,
  type JobLane,
  type JobProgress,
  type JobRunner,
  type JobSpec,
  type RunJobOptions,
} from "./job.ts";
export {
  findCommitJob,
  type FindCommitParams,
  FindCommitReceipt,
  TriedCommit,
  TriedCommitOutcome,
} from "./find_commit.ts";
export {
  type InstalledJob,
  installJob,
  type JobHandler,
  type JobHost,
  type TaskPool,
} from "./job_host.ts";
export {
  sweepOperationJob,
  type SweepOperationParams,
  SweepOperationReceipt,
} from "./sweep_operation.ts";
