/**
 * Catalogs behind one interface. A catalog *locates* tables in the main isolate, which is cheap;
 * *loading* (fetching and parsing metadata, which may be large or hostile) runs where the caller
 * wants it, in a reader isolate for requests: see `load_table.ts`.
 */
import type { TableIdentifier } from "../iceberg/ports.ts";
import type { PartitionSpec } from "../iceberg/spec/partition_spec.ts";
import type { Schema } from "../iceberg/spec/schema.ts";
import type { SortOrder } from "../iceberg/spec/sort_order.ts";
import type { FormatVersion } from "../iceberg/spec/table_metadata.ts";
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

/**
 * The part of a commit that only the catalog itself can do. Plain data: it crosses from the isolate
 * that prepared the commit. Hadoop tables need none, their metadata file is the commit.
 */
export type CatalogCommit =
  /** sql: moves the table's pointer from one metadata file to the next, if it is still at `base`. */
  | { readonly kind: "swap"; readonly base: string; readonly next: string }
  /** rest: the request body, requirements and updates as JSON. */
  | { readonly kind: "rest"; readonly body: Uint8Array; readonly idempotencyKey: string };

/** What an isolate that changes a table asks of the catalog in the main isolate. */
export interface CatalogGateway {
  /** Where the table is now; `not_found` where it is gone. */
  locate(identifier: TableIdentifier, options?: CallOptions): Promise<TableLocation>;
  /**
   * Resolves with the table's new place. Errors: `conflict`/`commit_conflict` (retryable), nothing
   * changed; `commit_state_unknown` where the reply was lost; any other, nothing changed.
   */
  commit(
    identifier: TableIdentifier,
    commit: CatalogCommit,
    options?: CallOptions,
  ): Promise<TableLocation>;
  /** See {@linkcode Catalog.dropTable}: a job that deletes a table's files drops the table first. */
  drop(location: TableLocation, options?: CallOptions): Promise<void>;
}

/** A table to create. Field ids are assigned anew, from 1, by whoever writes the metadata. */
export interface TableDefinition {
  readonly identifier: TableIdentifier;
  readonly schema: Schema;
  readonly spec: PartitionSpec;
  readonly sortOrder: SortOrder;
  readonly properties: Readonly<Record<string, string>>;
  readonly formatVersion: FormatVersion;
}

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
  /** Finds the table again by its exact identifier; see {@linkcode CatalogGateway.locate}. */
  locateExactly(identifier: TableIdentifier, options?: CallOptions): Promise<TableLocation>;
  /** See {@linkcode CatalogGateway.commit}; `unsupported` for hadoop, which needs none. */
  commit: CatalogGateway["commit"];
  /**
   * Creates an empty table, and its namespace where that is missing. `already_exists` where the name
   * is taken, whatever else holds it.
   */
  createTable(definition: TableDefinition, options?: CallOptions): Promise<TableLocation>;
  /**
   * Takes the table out of the catalog; its files stay. `not_found` where there is none. `location`
   * is what the caller saw: a table of the same name created since is not dropped.
   */
  dropTable(location: TableLocation, options?: CallOptions): Promise<void>;
  /** Resolves if the catalog can be reached and used; rejects with `unavailable` otherwise. */
  ping(options?: CallOptions): Promise<void>;
  close(): Promise<void>;
}
