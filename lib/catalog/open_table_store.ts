/** From a located table to the store that a transaction loads it from and commits it to. */
import type { TableStore } from "../iceberg/commit/table_store.ts";
import type { FileIo } from "../iceberg/ports.ts";
import type { StorageSpec } from "../storage/mod.ts";
import { HadoopTableStore } from "./_hadoop_table_store.ts";
import { RestTableStore } from "./_rest_table_store.ts";
import { SqlTableStore } from "./_sql_table_store.ts";
import type { CatalogGateway, TableLocation } from "./ports.ts";

/** What a store needs of the isolate that it is opened in. */
export interface TableStoreOptions {
  /** The catalog that the table was located by. */
  readonly gateway: CatalogGateway;
  /** Opens a spec's stores; callers may keep what they opened. */
  readonly openStorage: (spec: StorageSpec) => FileIo;
  readonly maxMetadataBytes?: number;
}

/** Opens a table where it was located. Nothing is reached before the first call. */
export function openTableStore(location: TableLocation, options: TableStoreOptions): TableStore {
  if (location.kind === "rest") return new RestTableStore(location, options);
  const { foundAt } = location;
  return foundAt === null
    ? new SqlTableStore(location, options)
    : new HadoopTableStore({ ...location, foundAt }, options);
}
