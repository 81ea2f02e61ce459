/**
 * Catalogs behind one interface. A catalog *locates* tables in the main isolate, which is cheap;
 * *loading* (fetching and parsing metadata, which may be large or hostile) runs where the caller
 * wants it, in a reader isolate for requests: see `load_table.ts`.
 */
import type { TableIdentifier } from "../iceberg/ports.ts";
import type { StorageSpec } from "../storage/mod.ts";

/** Catalog types that drls speaks. */
export type CatalogType = "hadoop" | "sql" | "rest";

/** Where a table's current metadata is. Plain data: it crosses to reader isolates. */
export type TableLocation =
  | {
    readonly kind: "file";
    readonly identifier: TableIdentifier;
    readonly metadataLocation: string;
    readonly storage: StorageSpec;
    /**
     * hadoop only: the folder the table was found in. Where the metadata records another
     * `location`, the table was copied here: it opens read-only, with paths mapped.
     */
    readonly foundAt: string | null;
  }
  | {
    /** REST: the catalog's LoadTableResult as received; it is parsed where the table is loaded. */
    readonly kind: "rest";
    readonly identifier: TableIdentifier;
    readonly response: Uint8Array;
    /** Storage from the catalog's own configuration; vended credentials in `response` win. */
    readonly storage: StorageSpec;
  };

/** Bounds a call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A configured catalog. Errors are `AppError`; an unknown table is `not_found`/`table_not_found`. */
export interface Catalog {
  readonly name: string;
  readonly type: CatalogType;
  /** Every namespace, nested ones included, sorted by dotted name. */
  listNamespaces(options?: CallOptions): Promise<readonly (readonly string[])[]>;
  /** Every table of the catalog, sorted by dotted name. */
  listTables(options?: CallOptions): Promise<readonly TableIdentifier[]>;
  /**
   * Resolves a name as clients write it, without the catalog's name (`db.events`, `a.b.t`).
   * Levels that hold dots themselves are found by what exists.
   */
  locate(name: string, options?: CallOptions): Promise<TableLocation>;
  /** Resolves if the catalog can be reached and used; rejects with `unavailable` otherwise. */
  ping(options?: CallOptions): Promise<void>;
  close(): Promise<void>;
}
