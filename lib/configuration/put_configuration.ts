/** Changes the configuration. */
import { type CallContext, recordAudit, requireRole } from "../access/mod.ts";
import {
  type CatalogConfigInput,
  openCatalog,
  type OpenCatalogOptions,
  parseCatalogConfig,
} from "../catalog/mod.ts";
import type { Clock } from "../clock.ts";
import type { State } from "../state/mod.ts";
import { keepSecrets } from "./_keep_secrets.ts";
import { reachCatalog } from "./_reach.ts";
import { CONFIG_KEY, toConfiguration, writeStoredConfig } from "./_stored_config.ts";
import type { CurrentCatalog } from "./current_catalog.ts";
import type { Configuration } from "./schemas.ts";

/** What the verb stands on. */
export interface PutConfigurationDeps {
  readonly state: State;
  readonly clock: Clock;
  readonly instance: string;
  readonly open: OpenCatalogOptions;
  readonly reachTimeoutMs?: number;
  readonly current: CurrentCatalog;
  /** Brings `current` up to what is stored. */
  readonly refresh: () => Promise<void>;
}

/** Checks, reaches, stores and uses a configuration; see `CatalogConfiguration.put`. */
export async function putConfiguration(
  deps: PutConfigurationDeps,
  ctx: CallContext,
  input: CatalogConfigInput,
): Promise<Configuration> {
  requireRole(ctx, "Admin", "config.put");
  const sent = parseCatalogConfig(input, deps.open);
  // Masks stand for what is stored now, perhaps by another instance a moment ago.
  await deps.refresh();
  const { current } = deps;
  const before = current.configured;
  const config = keepSecrets(sent, before?.config ?? null);
  const catalog = openCatalog(config, deps.open);
  try {
    const { reachTimeoutMs: timeoutMs } = deps;
    await reachCatalog(catalog, {
      config,
      signal: ctx.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    const after = toConfiguration(config);
    const atMs = deps.clock.now();
    const epoch = await deps.state.transaction(async (tx) => {
      const write = { owner: deps.instance, expectedEpoch: before?.epoch ?? 0, atMs };
      const epoch = await writeStoredConfig(tx, config, write);
      await recordAudit(tx, {
        ctx,
        action: "config.put",
        target: `config:${CONFIG_KEY}`,
        before: before === null ? null : toConfiguration(before.config),
        after,
        atMs,
      });
      return epoch;
    }, { signal: ctx.signal });
    current.swap({ config, epoch, catalog });
    return after;
  } catch (error) {
    await catalog.close();
    throw error;
  }
}
