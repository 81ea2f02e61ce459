/** Catalogs' door: hadoop, sql and rest behind one interface, and their configuration. */
export {
  type CatalogConfig,
  CatalogConfigInput,
  checkCatalogConfig,
  configInvalid,
  parseCatalogConfig,
  type ParseConfigOptions,
  toConfigBody,
} from "./catalog_config.ts";
export { DEFAULT_MAX_METADATA_BYTES, loadTable, type LoadTableOptions } from "./load_table.ts";
export { openCatalog, type OpenCatalogOptions } from "./open_catalog.ts";
export type { CallOptions, Catalog, CatalogType, TableLocation } from "./ports.ts";
export { isSecretProperty, maskProperties, unmaskProperties } from "./secret_properties.ts";
