/** Every job that table isolates know. */
import { maintenanceJobs } from "../lib/maintenance/jobs/mod.ts";
import { tableJobs } from "../lib/tables/jobs/mod.ts";
import type { AnyJob } from "./table_host.ts";

/** The jobs of all features. */
export const INSTALLED_JOBS: readonly AnyJob[] = [
  ...maintenanceJobs,
  ...tableJobs,
];
