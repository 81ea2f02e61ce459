/** Table jobs: how features declare them, who runs them, and what they find in their isolate. */
export {
  defineJob,
  type JobProgress,
  type JobRunner,
  type JobSpec,
  type RunJobOptions,
} from "./job.ts";
export {
  installJob,
  type InstalledJob,
  type JobHandler,
  type JobHost,
  type TaskPool,
} from "./job_host.ts";
