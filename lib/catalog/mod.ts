/**
 * Catalogs' door: hadoop, sql and rest behind one interface, and their configuration. Loading what
 * was located has a door of its own, `load/mod.ts`.
 */
export {
  type CatalogConfig,
  CatalogConfigInput,
  checkCatalogConfig,
  configInvalid,
  parseCatalogConfig,
  type ParseConfigOptions,
  toConfigBody,
} from "./catalog_config.ts";
export { findTable, identifierOfNew } from "./find_table.ts";
export { openCatalog, type OpenCatalogOptions } from "./open_catalog.ts";
export type {
  CallOptions,
  Catalog,
  CatalogCommit,
  CatalogGateway,
  CatalogType,
  TableDefinition,
  TableLocation,
} from "./ports.ts";
export { isSecretProperty, maskProperties, unmaskProperties } from "./secret_properties.ts";
