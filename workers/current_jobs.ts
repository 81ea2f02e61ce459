/** The `JobRunner` of the configured catalog. */
import type { JobRunner } from "../lib/jobs/mod.ts";
import { CurrentPool, sumOf } from "./_current_pool.ts";
import type { TablePool, TablePoolStats } from "./table_pool.ts";

/** A `JobRunner` whose isolates can be exchanged. */
export interface CurrentJobs extends JobRunner {
  /** Works from now on with isolates of these permissions; the same ones change nothing. */
  permit(permissions: Deno.PermissionOptionsObject): void;
  /** Starts the isolates ahead of the first job; resolves once they are ready. */
  warm(): Promise<void>;
  /** Of the isolates in use, and of those before them that still work. */
  stats(): TablePoolStats;
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Builds the runner; `open` starts nothing yet. */
export function createCurrentJobs(
  open: (permissions: Deno.PermissionOptionsObject) => TablePool,
  permissions: Deno.PermissionOptionsObject,
): CurrentJobs {
  const current = new CurrentPool(open, permissions);
  return {
    run: (job, params, options) => current.use((pool) => pool.run(job, params, options)),
    permit: (next) => current.permit(next),
    warm: () => current.pool.warm(),
    stats() {
      const all = current.pools.map((pool) => pool.stats());
      return {
        running: sumOf(all, ({ running }) => running),
        waiting: sumOf(all, ({ waiting }) => waiting),
        lost: sumOf(all, ({ lost }) => lost),
        stuck: sumOf(all, ({ stuck }) => stuck),
      };
    },
    close: () => current.close(),
  };
}
