/**
 * The `TableReader` of the configured catalog. Isolates get their permissions when they start, so
 * another configuration gets other isolates; the old ones end with the reads they had begun.
 */
import { InFlight } from "../lib/in_flight.ts";
import type { TableReader } from "../lib/tables/mod.ts";
import type { ReaderPool, ReaderStats } from "./reader_pool.ts";

/** A `TableReader` whose isolates can be exchanged. */
export interface CurrentReader extends TableReader {
  /** Reads from now on with isolates of these permissions; the same ones change nothing. */
  permit(permissions: Deno.PermissionOptionsObject): void;
  /** Starts the isolates ahead of the first call. */
  warm(): void;
  stats(): Promise<readonly ReaderStats[]>;
  /** Ends all isolates; what they were doing rejects. */
  close(): void;
}

/** Opens isolates that may do no more than told. */
export type OpenPool = (permissions: Deno.PermissionOptionsObject) => ReaderPool;

interface Lease {
  readonly pool: ReaderPool;
  readonly key: string;
  readonly reads: InFlight;
}

/** Builds the reader; `open` starts nothing yet. */
export function createCurrentReader(
  open: OpenPool,
  permissions: Deno.PermissionOptionsObject,
): CurrentReader {
  const lease = (given: Deno.PermissionOptionsObject): Lease => ({
    pool: open(given),
    key: JSON.stringify(given),
    reads: new InFlight(),
  });
  let current = lease(permissions);
  const retiring = new Set<Lease>();

  function read<T>(fn: (pool: ReaderPool) => Promise<T>): Promise<T> {
    const { pool, reads } = current;
    const work = fn(pool);
    reads.track(work);
    return work;
  }

  function retire(old: Lease): void {
    retiring.add(old);
    old.reads.idle().then(() => {
      old.pool.close();
      retiring.delete(old);
    });
  }

  return {
    schema: (location, call) => read((pool) => pool.schema(location, call)),
    snapshots: (location, page, call) => read((pool) => pool.snapshots(location, page, call)),
    refs: (location, page, call) => read((pool) => pool.refs(location, page, call)),
    files: (location, query, call) => read((pool) => pool.files(location, query, call)),
    health: (location, call) => read((pool) => pool.health(location, call)),
    permit(next) {
      if (JSON.stringify(next) === current.key) return;
      const old = current;
      current = lease(next);
      retire(old);
    },
    warm: () => current.pool.warm(),
    stats: () => current.pool.stats(),
    close() {
      for (const { pool } of [current, ...retiring]) pool.close();
    },
  };
}
