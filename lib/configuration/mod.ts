/** The catalog's configuration: read it, change it, and use the catalog that it means. */
export { CatalogConfigInput as ConfigurationInput } from "../catalog/mod.ts";
export {
  type CatalogConfiguration,
  type ConfigurationDeps,
  createConfiguration,
  REFRESH_INTERVAL_MS,
} from "./configuration.ts";
export type { ConfigurationListener } from "./current_catalog.ts";
export { Configuration } from "./schemas.ts";
