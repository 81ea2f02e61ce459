/**
 * Loading located tables. A door of its own: reader isolates may not use native code, and so must
 * not load the sql catalog's database client.
 */
export {
  DEFAULT_MAX_METADATA_BYTES,
  type LoadedDocument,
  loadTable,
  type LoadTableOptions,
} from "../load_table.ts";
export { TableLocationSchema } from "../table_location_schema.ts";
