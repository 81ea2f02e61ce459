/**
 * Changing located tables. A door of its own, like `load/mod.ts`: the isolates that change tables may
 * not use native code, and so must not load the sql catalog's database client.
 */
export { openTableStore, type TableStoreOptions } from "../open_table_store.ts";
