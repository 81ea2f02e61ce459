/**
 * The JDBC catalog: two tables that Iceberg's Java JdbcCatalog and PyIceberg's SqlCatalog share.
 * V0 has no `iceberg_type` column; V1 has one, NULL or `TABLE` for tables. Both are read alike:
 * rows are selected whole, and one that says `VIEW` is passed over.
 */
import type { InArgs, Row } from "@libsql/client";
import { type Clock, systemClock } from "../clock.ts";
import { AppError, corruptData } from "../errors.ts";
import { type FileIo, formatIdentifier, type TableIdentifier } from "../iceberg/ports.ts";
import type { StorageSpec } from "../storage/mod.ts";
import { localPath, locationScheme } from "./_location.ts";
import { compareNames, MAX_NAME_LEVELS, tableNotFound } from "./_names.ts";
import { SqlClient } from "./_sql_client.ts";
import { createSqlTable } from "./_sql_create.ts";
import { deleteTable, swapMetadata } from "./_sql_writes.ts";
import type {
  CallOptions,
  Catalog,
  CatalogCommit,
  TableDefinition,
  TableLocation,
} from "./ports.ts";
import type { SqlDatabase } from "./sql_uri.ts";

/** Rows read at once. A local query blocks the isolate (measured: 15 us a row), so pages are short. */
const LOCAL_PAGE_ROWS = 250;
/** A remote one costs a round trip instead. */
const REMOTE_PAGE_ROWS = 2_000;
/** Tables and namespaces that one catalog may hold. */
const MAX_SQL_ROWS = 100_000;
/** Other catalogs' names shown when the configured one is not in the database. */
const MAX_NAMES_SHOWN = 5;

/** Parts of a {@linkcode SqlCatalog}. */
export interface SqlCatalogOptions {
  /** The catalog's name in drls. */
  readonly name: string;
  /** `catalog_name` of its rows; part of their key, so it must match the other engines'. */
  readonly catalogName: string;
  readonly database: SqlDatabase;
  /** Token for a remote database. */
  readonly token: string | null;
  readonly storage: StorageSpec;
  /** Where new tables go, below a folder named for their namespace. */
  readonly warehouse: string;
  /** Opened from `storage`. */
  readonly io: FileIo;
  readonly clock?: Clock;
}

/** A {@linkcode Catalog} over the JDBC tables in SQLite or libSQL. */
export class SqlCatalog implements Catalog {
  readonly type = "sql";
  readonly name: string;
  readonly #catalogName: string;
  readonly #client: SqlClient;
  readonly #options: SqlCatalogOptions;
  readonly #storage: StorageSpec;
  readonly #pageRows: number;

  constructor(options: SqlCatalogOptions) {
    this.name = options.name;
    this.#options = options;
    this.#catalogName = options.catalogName;
    this.#client = new SqlClient(options.database, options.token);
    this.#storage = options.storage;
    this.#pageRows = options.database.kind === "file" ? LOCAL_PAGE_ROWS : REMOTE_PAGE_ROWS;
  }

  async listNamespaces(options: CallOptions = {}): Promise<readonly (readonly string[])[]> {
    const sql = `
      SELECT namespace FROM (
        SELECT table_namespace AS namespace FROM iceberg_tables WHERE catalog_name = ?1
        UNION
        SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = ?1
      ) WHERE namespace > ?2 ORDER BY namespace LIMIT ${this.#pageRows}`;
    const names = new Set<string>();
    let after = "";
    while (true) {
      const rows = await this.#rows(sql, [this.#catalogName, after], options);
      for (const row of rows) addWithParents(names, after = text(row["namespace"]));
      checkCount(names.size);
      if (rows.length < this.#pageRows) break;
      await nextTurn();
    }
    return [...names].sort(compareNames).map((name) => name.split("."));
  }

  async listTables(options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    const sql = `
      SELECT * FROM iceberg_tables
      WHERE catalog_name = ? AND (table_namespace, table_name) > (?, ?)
      ORDER BY table_namespace, table_name LIMIT ${this.#pageRows}`;
    const tables: { identifier: TableIdentifier; name: string }[] = [];
    let after = ["", ""];
    while (true) {
      const rows = await this.#rows(sql, [this.#catalogName, ...after], options);
      const last = rows.at(-1);
      if (last !== undefined) after = nextKey(last, after);
      for (const row of rows) {
        if (!isTable(row)) continue;
        const identifier = toIdentifier(row);
        tables.push({ identifier, name: formatIdentifier(identifier) });
      }
      checkCount(tables.length);
      if (rows.length < this.#pageRows) break;
      await nextTurn();
    }
    return tables.sort((a, b) => compareNames(a.name, b.name)).map(({ identifier }) => identifier);
  }

  async locate(name: string, options: CallOptions = {}): Promise<TableLocation> {
    const splits = namespaceSplits(name);
    if (splits.length === 0) throw tableNotFound(name);
    const matches = splits.map(() => "(table_namespace = ? AND table_name = ?)").join(" OR ");
    const sql = `SELECT * FROM iceberg_tables WHERE catalog_name = ? AND (${matches})
      ORDER BY length(table_namespace) DESC`;
    const rows = await this.#rows(sql, [this.#catalogName, ...splits.flat()], options);
    const row = rows.find(isTable);
    if (row === undefined) throw tableNotFound(name);
    const metadataLocation = absoluteLocation(row["metadata_location"], name);
    return this.#locationOf(toIdentifier(row), metadataLocation);
  }

  async locateExactly(
    identifier: TableIdentifier,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    const name = formatIdentifier(identifier);
    const sql = `SELECT * FROM iceberg_tables
      WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?`;
    const key = [this.#catalogName, identifier.namespace.join("."), identifier.name];
    const row = (await this.#rows(sql, key, options)).find(isTable);
    if (row === undefined) throw tableNotFound(name);
    return this.#locationOf(identifier, absoluteLocation(row["metadata_location"], name));
  }

  async commit(
    identifier: TableIdentifier,
    commit: CatalogCommit,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    if (commit.kind !== "swap") throw new TypeError("Cannot commit to a sql catalog but by a swap");
    const key = { catalogName: this.#catalogName, identifier };
    await swapMetadata(this.#client, key, { ...options, base: commit.base, next: commit.next });
    return this.#locationOf(identifier, commit.next);
  }

  async createTable(
    definition: TableDefinition,
    options: CallOptions = {},
  ): Promise<TableLocation> {
    const { io, warehouse, clock = systemClock } = this.#options;
    const metadataLocation = await createSqlTable(definition, {
      client: this.#client,
      catalogName: this.#catalogName,
      io,
      warehouse,
      clock,
      signal: options.signal,
    });
    return this.#locationOf(definition.identifier, metadataLocation);
  }

  async dropTable(location: TableLocation, options: CallOptions = {}): Promise<void> {
    if (location.kind !== "file") throw new TypeError("Cannot drop another catalog's table");
    const { identifier, metadataLocation } = location;
    const key = { catalogName: this.#catalogName, identifier };
    await deleteTable(this.#client, key, { ...options, metadataLocation });
  }

  /** Rows of a query; none where no engine has used the database yet. */
  async #rows(sql: string, args: InArgs, options: CallOptions): Promise<readonly Row[]> {
    try {
      return await this.#client.query(sql, args, options);
    } catch (error) {
      const hasNoTables = error instanceof AppError && error.code === "catalog_tables_missing";
      if (hasNoTables && await this.#client.isEmpty(options)) return [];
      throw error;
    }
  }

  #locationOf(identifier: TableIdentifier, metadataLocation: string): TableLocation {
    return { kind: "file", identifier, metadataLocation, storage: this.#storage, foundAt: null };
  }

  /** Also rejects where the database knows other catalogs only: the name is part of every key. */
  async ping(options: CallOptions = {}): Promise<void> {
    const own = `SELECT catalog_name FROM iceberg_tables WHERE catalog_name = ?1
      UNION ALL
      SELECT catalog_name FROM iceberg_namespace_properties WHERE catalog_name = ?1 LIMIT 1`;
    if ((await this.#rows(own, [this.#catalogName], options)).length > 0) return;
    const others = `SELECT catalog_name FROM iceberg_tables
      UNION SELECT catalog_name FROM iceberg_namespace_properties LIMIT ${MAX_NAMES_SHOWN}`;
    const rows = await this.#rows(others, [], options);
    // An empty database is a new catalog.
    if (rows.length === 0) return;
    const names = rows.map((row) => text(row["catalog_name"]));
    const known = names.map((name) => `"${name}"`).join(", ");
    throw new AppError(
      "unavailable",
      "catalog_name_unknown",
      `Cannot use the catalog's database: it has no rows of catalog "${this.#catalogName}", only ` +
        `of ${known}; set catalog_name, or extra_props "jdbc.catalog-name", to one of these`,
    );
  }

  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }
}

/** A dotted name split at each dot into namespace and table, the longest namespace first. */
function namespaceSplits(name: string): readonly (readonly [string, string])[] {
  const levels = name.split(".");
  if (levels.length > MAX_NAME_LEVELS) return [];
  return levels.slice(1)
    .map((_, at) => [levels.slice(0, at + 1).join("."), levels.slice(at + 1).join(".")] as const)
    .reverse();
}

/** PyIceberg run with a relative warehouse records paths that mean nothing to anyone else. */
function absoluteLocation(value: unknown, name: string): string {
  const location = text(value);
  const scheme = locationScheme(location);
  if (localPath(location) !== null || (scheme !== null && scheme !== "file")) return location;
  throw corruptData(
    "metadata_location_invalid",
    `Cannot load table "${name}": the catalog records its metadata at ` +
      (location === "" ? "no location" : "a relative path, which only its writer can resolve") +
      "; an absolute path or URI is needed",
    { context: { location } },
  );
}

function isTable(row: Readonly<Record<string, unknown>>): boolean {
  const type = row["iceberg_type"] ?? null;
  return type === null || type === "TABLE";
}

function toIdentifier(row: Readonly<Record<string, unknown>>): TableIdentifier {
  return { namespace: text(row["table_namespace"]).split("."), name: text(row["table_name"]) };
}

/** Keys of the next page; a key that is no text would be compared differently and never pass. */
function nextKey(row: Readonly<Record<string, unknown>>, after: readonly string[]): string[] {
  const key = [text(row["table_namespace"]), text(row["table_name"])];
  if (key[0] !== after[0] || key[1] !== after[1]) return key;
  throw corruptData("catalog_row_invalid", "Cannot list the catalog: a row's key is not text");
}

function addWithParents(names: Set<string>, namespace: string): void {
  const levels = namespace.split(".");
  for (let length = levels.length; length > 0; length--) {
    names.add(levels.slice(0, length).join("."));
  }
}

function checkCount(count: number): void {
  if (count <= MAX_SQL_ROWS) return;
  const message = `Cannot list the catalog: it holds more than ${MAX_SQL_ROWS} entries`;
  throw new AppError("too_large", "catalog_too_large", message);
}

/** SQLite columns hold any type; whatever is no text is none of ours. */
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Lets other requests run between two blocking queries. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
