/** The `JobRunner` of the configured catalog. */
import type { JobRunner } from "../lib/jobs/mod.ts";
import { CurrentPool, sumOf } from "./_current_pool.ts";
import type { Lender, TableIsolate, TablePool, TablePoolStats } from "./table_pool.ts";

/** A `JobRunner` whose isolates can be exchanged. */
export interface CurrentJobs extends JobRunner {
  /** Works from now on with isolates of these permissions; the same ones change nothing. */
  permit(permissions: Deno.PermissionOptionsObject): void;
  /** Isolates in use, while no job wants them; what is lent stays until it is given back. */
  readonly lender: Lender<TableIsolate>;
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
    lender: lenderOf(current),
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

/** Lends isolates of the pool in use, which counts as working meanwhile. */
function lenderOf(current: CurrentPool<TablePool>): Lender<TableIsolate> {
  const lent = new Map<TableIsolate, () => void>();
  return {
    tryAcquire() {
      const { lender } = current.pool;
      const isolate = lender.tryAcquire();
      if (isolate === null) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      lent.set(isolate, () => {
        lender.release(isolate);
        resolve();
      });
      void current.use(() => promise);
      return isolate;
    },
    release(isolate) {
      const giveBack = lent.get(isolate);
      lent.delete(isolate);
      giveBack?.();
    },
  };
}
