/**
 * The hadoop catalog: a warehouse folder is the catalog, its folders are namespaces and tables.
 * Nothing is cached: every answer is read from the folder, which any other engine may change.
 */
import { type Clock, systemClock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { type FileIo, formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import { faultOfTable, type StorageSpec } from "../storage/mod.ts";
import { createHadoopTable } from "./_hadoop_create.ts";
import { dropHadoopTable } from "./_hadoop_drop.ts";
import { joinLocation, stripTrailingSlashes } from "./_location.ts";
import { KeptCall } from "./_kept_call.ts";
import { type FoundTable, lookUpTable, tableAt } from "./_warehouse_lookup.ts";
import {
  classifyMetadataFolder,
  type WalkOptions,
  walkWarehouse,
  type WarehouseContents,
} from "./_warehouse_walk.ts";
import { compareNames, tableNotFound } from "./_names.ts";
import { closedPlace } from "./_written_metadata.ts";
import type { CallOptions, Catalog, TableDefinition, TableLocation } from "./ports.ts";

/** Parts of a {@linkcode HadoopCatalog}. */
export interface HadoopCatalogOptions {
  readonly name: string;
  /** Absolute path, `file:` or `s3:` URI of the warehouse folder. */
  readonly warehouse: string;
  readonly io: FileIo;
  /** What `io` was opened from; goes into every {@linkcode TableLocation}. */
  readonly storage: StorageSpec;
  /**
   * Whether the warehouse folder exists, asked only when it looks empty. Object stores have no
   * folders, so there an empty warehouse is as good as a missing one.
   */
  readonly warehouseExists?: () => Promise<boolean>;
  readonly clock?: Clock;
  /** Whether a folder exists though it is empty; left out for stores that have no empty folders. */
  readonly isFolder?: (folder: string) => Promise<boolean>;
  /** A folder's real path, where the store has links; see {@linkcode WalkOptions.identify}. */
  readonly identify?: WalkOptions["identify"];
  /** How old a list may be that misses what others did, in milliseconds; 0, as without it, for none. */
  readonly listFreshMs?: number;
}

/** A {@linkcode Catalog} over a warehouse folder. */
export class HadoopCatalog implements Catalog {
  readonly type = "hadoop";
  readonly name: string;
  readonly #warehouse: string;
  readonly #io: FileIo;
  readonly #storage: StorageSpec;
  readonly #clock: Clock;
  readonly #warehouseExists: () => Promise<boolean>;
  readonly #isFolder: (folder: string) => Promise<boolean>;
  /** Namespaces and tables are asked for together; they come from one walk. */
  readonly #walk: KeptCall<WarehouseContents>;

  constructor(options: HadoopCatalogOptions) {
    this.name = options.name;
    this.#warehouse = stripTrailingSlashes(options.warehouse);
    this.#io = options.io;
    this.#storage = options.storage;
    this.#clock = options.clock ?? systemClock;
    this.#isFolder = options.isFolder ?? (() => Promise.resolve(false));
    this.#warehouseExists = options.warehouseExists ?? (() => Promise.resolve(true));
    const { identify, listFreshMs = 0 } = options;
    this.#walk = new KeptCall(async (signal) => {
      const contents = await walkWarehouse(this.#io, this.#warehouse, { signal, identify });
      await this.#check(contents);
      return contents;
    }, { freshMs: listFreshMs });
  }

  async listNamespaces(options: CallOptions = {}): Promise<readonly (readonly string[])[]> {
    const { namespaces } = await this.#walk.call(options.signal);
    return [...namespaces].sort((a, b) => compareNames(a.join("."), b.join(".")));
  }

  async listTables(options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    const { tables } = await this.#walk.call(options.signal);
    return tables
      .map((table) => ({ table, name: formatIdentifier(table) }))
      .sort((a, b) => compareNames(a.name, b.name))
      .map(({ table }) => table);
  }

  async locate(name: string, options: CallOptions = {}): Promise<TableLocation> {
    const { signal } = options;
    const lookUp = lookUpTable(name, { io: this.#io, warehouse: this.#warehouse, signal });
    return await this.#found(lookUp, name);
  }

  async locateExactly(
    identifier: TableIdentifier,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    const { signal } = options;
    const levels = [...identifier.namespace, identifier.name];
    const lookUp = tableAt(levels, { io: this.#io, warehouse: this.#warehouse, signal });
    return await this.#found(lookUp, formatIdentifier(identifier));
  }

  async #found(lookUp: Promise<FoundTable | null>, name: string): Promise<TableLocation> {
    try {
      const found = await lookUp;
      if (found !== null) return this.#locationOf(found);
    } catch (error) {
      // A link that leads out of the warehouse, say.
      throw faultOfTable(error);
    }
    throw tableNotFound(name);
  }

  #locationOf({ identifier, metadataLocation, folder }: FoundTable): TableLocation {
    return { kind: "file", identifier, metadataLocation, storage: this.#storage, foundAt: folder };
  }

  commit(): Promise<never> {
    const message = "Cannot commit through a hadoop catalog: its tables' metadata files are the " +
      "commit; write the next one";
    return Promise.reject(new AppError("unsupported", "catalog_commit_unsupported", message));
  }

  async createTable(
    definition: TableDefinition,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    await this.#check(await this.#look(options));
    try {
      const created = await createHadoopTable(definition, {
        io: this.#io,
        warehouse: this.#warehouse,
        clock: this.#clock,
        isFolder: this.#isFolder,
        signal: options.signal,
      });
      return this.#locationOf(created);
    } catch (error) {
      throw closedPlace(error);
    } finally {
      this.#walk.forget();
    }
  }

  async dropTable(location: TableLocation, options: CallOptions = {}): Promise<void> {
    if (location.kind !== "file" || location.foundAt === null) {
      throw new TypeError("Cannot drop a table that was not located by a hadoop catalog");
    }
    const { foundAt: folder, identifier, metadataLocation } = location;
    const found = { folder, identifier, metadataLocation };
    try {
      await dropHadoopTable(found, { io: this.#io, signal: options.signal });
    } catch (error) {
      throw closedPlace(error);
    } finally {
      this.#walk.forget();
    }
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#check(await this.#look(options));
  }

  async #look({ signal }: CallOptions): Promise<Pick<WarehouseContents, "isTable" | "isEmpty">> {
    const [metadata, entries] = await Promise.all([
      this.#io.listFolder(joinLocation(this.#warehouse, "metadata"), signal),
      this.#io.listFolder(this.#warehouse, signal),
    ]);
    const isTable = classifyMetadataFolder(metadata) === "table";
    return { isTable, isEmpty: entries.length === 0 };
  }

  /** Holds nothing open. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #check(found: Pick<WarehouseContents, "isTable" | "isEmpty">): Promise<void> {
    if (found.isTable) {
      throw new AppError(
        "unavailable",
        "warehouse_is_table",
        "Cannot use the warehouse: its folder is itself a table; name the folder above it",
      );
    }
    if (found.isEmpty && !await this.#warehouseExists()) {
      throw new AppError(
        "unavailable",
        "warehouse_not_found",
        "Cannot use the warehouse: its folder does not exist",
        { context: { warehouse: this.#warehouse } },
      );
    }
  }
}
