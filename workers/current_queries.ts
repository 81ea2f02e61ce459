/** The `QueryRunner` of the configured catalog. */
import type { QueryRunner } from "../lib/tables/mod.ts";
import { CurrentPool, sumOf } from "./_current_pool.ts";
import type { QueryPool, QueryPoolStats } from "./query_pool.ts";

/** A `QueryRunner` whose isolates can be exchanged. */
export interface CurrentQueries extends QueryRunner {
  /** Runs from now on in isolates of these permissions; the same ones change nothing. */
  permit(permissions: Deno.PermissionOptionsObject): void;
  /** Starts the isolates ahead of the first query; resolves once they are ready. */
  warm(): Promise<void>;
  /** Of the isolates in use, and of those before them that still work. */
  stats(): QueryPoolStats;
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Builds the runner; `open` starts nothing yet. */
export function createCurrentQueries(
  open: (permissions: Deno.PermissionOptionsObject) => QueryPool,
  permissions: Deno.PermissionOptionsObject,
): CurrentQueries {
  const current = new CurrentPool(open, permissions);
  return {
    async run(params, run) {
      const { promise, resolve } = Promise.withResolvers<ReadableStream<Uint8Array>>();
      // The pool stays until the result has left it, which is after its first bytes.
      void current.use((pool) => {
        const { rows, over } = pool.start(params, run);
        resolve(rows);
        return over;
      });
      return await promise;
    },
    permit: (next) => current.permit(next),
    warm: () => current.pool.warm(),
    stats() {
      const all = current.pools.map((pool) => pool.stats());
      return {
        running: sumOf(all, ({ running }) => running),
        waiting: sumOf(all, ({ waiting }) => waiting),
        lost: sumOf(all, ({ lost }) => lost),
      };
    },
    close: () => current.close(),
  };
}
