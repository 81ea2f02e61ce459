/** What the routes stand on; `main.ts` builds the real ones, tests may replace any. */
import type { Access } from "../lib/access/mod.ts";
import type { Clock } from "../lib/clock.ts";
import type { CatalogConfiguration } from "../lib/configuration/mod.ts";
import type { Log } from "../lib/log.ts";
import type { Maintenance } from "../lib/maintenance/mod.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Operations } from "../lib/operations/mod.ts";
import type { PipelineMonitor, Pipelines } from "../lib/pipelines/mod.ts";
import type { Settings } from "../lib/settings.ts";
import type { Queries, TableChanges, Tables } from "../lib/tables/mod.ts";

/** The settings that the transport needs. */
export type HttpSettings = Pick<
  Settings,
  | "auth"
  | "bodyLimitBytes"
  | "corsOrigins"
  | "operationTimeoutMs"
  | "requestTimeoutMs"
  | "trustedProxies"
>;

/** How the parts that the server depends on are, as words: nothing here may leak. */
export interface HealthProbes {
  state(): Promise<"ok" | "unreachable">;
  catalog(): Promise<"ok" | "unreachable" | "not_configured">;
  /** Whether the server was told to stop. */
  stopping(): boolean;
  uptimeSeconds(): number;
}

/** Everything that the routes call. */
export interface Services {
  readonly access: Access;
  readonly tables: Tables;
  readonly tableChanges: TableChanges;
  readonly queries: Queries;
  readonly maintenance: Maintenance;
  readonly operations: Operations;
  readonly configuration: Pick<CatalogConfiguration, "get" | "put">;
  readonly health: HealthProbes;
  readonly pipelines: Omit<Pipelines, "running" | "close">;
  readonly monitor: Pick<PipelineMonitor, "admit" | "idleTimeoutSeconds" | "watch">;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  readonly http: HttpSettings;
}
