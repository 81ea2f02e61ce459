/** The configuration's verbs, over the state that instances share and the catalog in use. */
import { AppError } from "../errors.ts";
import type { CallContext } from "../access/mod.ts";
import {
  type Catalog,
  type CatalogConfig,
  type CatalogConfigInput,
  openCatalog,
  type OpenCatalogOptions,
} from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { State } from "../state/mod.ts";
import { readStoredConfig, readStoredEpoch } from "./_stored_config.ts";
import { type ConfigurationListener, CurrentCatalog } from "./current_catalog.ts";
import { getConfiguration } from "./get_configuration.ts";
import { putConfiguration } from "./put_configuration.ts";
import type { Configuration } from "./schemas.ts";

/** How old the knowledge of other instances' changes may be. */
export const REFRESH_INTERVAL_MS = 2_000;

/** What the configuration stands on. */
export interface ConfigurationDeps {
  readonly state: State;
  readonly clock: Clock;
  readonly log: Log;
  /** Id of this process among those that share the state. */
  readonly instance: string;
  /** The environment's, used until one is stored; null for none. */
  readonly initial: CatalogConfig | null;
  readonly open: OpenCatalogOptions;
  /** Time for a new catalog to answer; see `REACH_TIMEOUT_MS`. */
  readonly reachTimeoutMs?: number;
}

/** The verbs on the configuration, and the catalog that it means. */
export interface CatalogConfiguration {
  /** Auditor. What is configured, secrets masked. */
  get(ctx: CallContext): Promise<Configuration>;
  /**
   * Admin. Checks, opens and reaches the catalog, stores the configuration with its audit row, and
   * puts it in use. Kinds: `invalid` (`catalog_config_invalid`, each bad field named, also where
   * the catalog cannot be reached), `conflict` (changed meanwhile by another instance).
   */
  put(ctx: CallContext, input: CatalogConfigInput): Promise<Configuration>;
  /** Runs `fn` with the configured catalog, which stays open until it settles. */
  withCatalog<T>(fn: (catalog: Catalog) => Promise<T>): Promise<T>;
  /** Takes over what other instances have stored; `withCatalog` does so by itself. */
  refresh(): Promise<void>;
  isConfigured(): boolean;
  /** Calls `listener` with each configuration that comes into use; the result ends that. */
  subscribe(listener: ConfigurationListener): () => void;
  /** Refuses new calls; resolves when every catalog in use has been closed. */
  close(): Promise<void>;
}

/** Reads the stored configuration, or else takes the environment's, and opens its catalog. */
export async function createConfiguration(deps: ConfigurationDeps): Promise<CatalogConfiguration> {
  const { state, clock, log, initial } = deps;
  const current = new CurrentCatalog((message, error) => log.error(message, { error }));
  let checkedAtMs = clock.now();
  let refreshing: Promise<void> | null = null;

  async function takeStored(): Promise<void> {
    checkedAtMs = clock.now();
    const epoch = await readStoredEpoch(state);
    if (epoch <= (current.configured?.epoch ?? 0)) return;
    const stored = await readStoredConfig(state);
    if (stored === null) return;
    current.swap({ ...stored, catalog: tryOpen(stored.config, deps) });
    log.info("Catalog configuration taken over", { epoch: stored.epoch });
  }

  /** One check at a time; whoever comes meanwhile waits for it. */
  function refresh(): Promise<void> {
    return refreshing ??= takeStored().finally(() => refreshing = null);
  }

  async function refreshIfDue(): Promise<void> {
    if (clock.now() - checkedAtMs < REFRESH_INTERVAL_MS) return;
    try {
      await refresh();
    } catch (error) {
      // The catalog in use is better than none; the state's own probe tells of its absence.
      log.warn("Cannot check for a new catalog configuration", { error });
    }
  }

  const stored = await readStoredConfig(state);
  if (stored !== null) {
    current.swap({ ...stored, catalog: tryOpen(stored.config, deps) });
    log.info("The catalog is the one that was stored, not the environment's", {
      epoch: stored.epoch,
    });
  } else if (initial !== null) {
    // A wrong setting stops the start, unlike a stored configuration.
    current.swap({ config: initial, epoch: 0, catalog: openCatalog(initial, deps.open) });
  }

  return {
    async get(ctx) {
      await refreshIfDue();
      return getConfiguration(current, ctx);
    },
    put: (ctx, input) => putConfiguration({ ...deps, current, refresh }, ctx, input),
    async withCatalog(fn) {
      await refreshIfDue();
      return await current.use(fn);
    },
    refresh,
    isConfigured: () => current.configured !== null,
    subscribe: (listener) => current.subscribe(listener),
    close: () => current.close(),
  };
}

/** A stored one that this binary cannot open must not stop the server: an Admin replaces it. */
function tryOpen(config: CatalogConfig, deps: ConfigurationDeps): Catalog | AppError {
  try {
    return openCatalog(config, deps.open);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    deps.log.error("The configured catalog cannot be opened", { error });
    const message = "Cannot use the catalog: its configuration is not valid for this version; " +
      "correct it with PUT /api/config";
    return new AppError("unavailable", "catalog_config_unusable", message, { cause: error });
  }
}
