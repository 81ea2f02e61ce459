/** The `TableReader` of the configured catalog. */
import type { TableReader } from "../lib/tables/mod.ts";
import { CurrentPool } from "./_current_pool.ts";
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

/** Builds the reader; `open` starts nothing yet. */
export function createCurrentReader(
  open: OpenPool,
  permissions: Deno.PermissionOptionsObject,
): CurrentReader {
  const current = new CurrentPool(open, permissions);
  return {
    schema: (location, call) => current.use((pool) => pool.schema(location, call)),
    snapshots: (location, page, call) =>
      current.use((pool) => pool.snapshots(location, page, call)),
    refs: (location, page, call) => current.use((pool) => pool.refs(location, page, call)),
    files: (location, query, call) => current.use((pool) => pool.files(location, query, call)),
    health: (location, call) => current.use((pool) => pool.health(location, call)),
    permit: (next) => current.permit(next),
    warm: () => current.pool.warm(),
    stats: () => current.pool.stats(),
    close: () => current.close(),
  };
}
