/** Shows the configuration. */
import { type CallContext, requireRole } from "../access/mod.ts";
import { toConfiguration } from "./_stored_config.ts";
import type { CurrentCatalog } from "./current_catalog.ts";
import type { Configuration } from "./schemas.ts";

/** What is configured, secrets masked; see `CatalogConfiguration.get`. */
export function getConfiguration(current: CurrentCatalog, ctx: CallContext): Configuration {
  requireRole(ctx, "Auditor", "config.get");
  return toConfiguration(current.configured?.config ?? null);
}
