/** How busy the isolates are that change tables and run queries, as figures for Prometheus. */
import type { GaugeSpec } from "../lib/metrics.ts";
import type { Isolates } from "./isolates.ts";

/** Gauges of both pools; each is read when somebody asks. */
export function poolGauges({ jobs, queries }: Pick<Isolates, "jobs" | "queries">): GaugeSpec[] {
  return [
    {
      name: "drls_jobs_running",
      help: "Table jobs that run",
      read: () => jobs.stats().running,
    },
    {
      name: "drls_jobs_waiting",
      help: "Table jobs that wait for an isolate",
      read: () => jobs.stats().waiting,
    },
    {
      name: "drls_job_isolates_lost",
      help: "Isolates of table jobs that were lost, since the catalog was configured",
      read: () => jobs.stats().lost,
    },
    {
      name: "drls_job_isolates_stuck",
      help: "Lost ones that still computed: such a thread ends only with the process",
      read: () => jobs.stats().stuck,
    },
    {
      name: "drls_queries_running",
      help: "Queries that run",
      read: () => queries.stats().running,
    },
    {
      name: "drls_queries_waiting",
      help: "Queries that wait for an isolate",
      read: () => queries.stats().waiting,
    },
    {
      name: "drls_query_isolates_lost",
      help: "Query isolates that were lost, since the catalog was configured",
      read: () => queries.stats().lost,
    },
  ];
}
