/** What operations stand on. */
import type { Catalog } from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import type { JobRunner } from "../jobs/mod.ts";
import type { Log } from "../log.ts";
import type { State } from "../state/mod.ts";

/** What operations stand on. */
export interface OperationsDeps {
  readonly state: State;
  readonly runner: JobRunner;
  /** Runs `fn` with the configured catalog, which stays open until it settles. */
  readonly withCatalog: <T>(fn: (catalog: Catalog) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly log: Log;
  /** This server; see `_instances.ts`. */
  readonly instance: string;
}
