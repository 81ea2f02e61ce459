/**
 * Finds every table below a warehouse folder, without opening one.
 *
 * A folder is a table where its `metadata/` holds a metadata file (one listing tells). A table's
 * own folders are never entered, and neither is a folder whose `metadata/` holds files but no
 * metadata file: that is the wreck of a table, not a namespace. All others are namespaces if a
 * table lies somewhere below, or if they are empty, as `CREATE NAMESPACE` leaves them. Names that
 * start with `.` or `_` are hidden, and a folder that may not be looked into is passed over.
 */
import { AppError } from "../errors.ts";
import type { FileIo, FolderEntry, TableIdentifier } from "../iceberg/ports.ts";
import { throwIfAborted } from "../abort.ts";
import { joinLocation } from "./_location.ts";
import { parseMetadataFileName } from "./metadata_file_name.ts";

/** Namespaces nest this deep at most; what lies deeper is not listed. */
export const MAX_WAREHOUSE_DEPTH = 12;
/** Tables that one warehouse may hold. */
export const MAX_WAREHOUSE_TABLES = 100_000;
/** Folders looked into before the walk gives up. */
export const MAX_WAREHOUSE_FOLDERS = 250_000;
/** Listings under way at once: enough to hide an object store's latency, few enough for a disk. */
export const MAX_CONCURRENT_LISTINGS = 32;

/** Failures that are one folder's own: nothing is wrong with its neighbours. */
const OWN_FAILURES: ReadonlySet<string> = new Set([
  "location_outside_warehouse",
  "location_invalid",
  "storage_access_denied",
]);

/** What a walk found. */
export interface WarehouseContents {
  readonly namespaces: readonly (readonly string[])[];
  readonly tables: readonly TableIdentifier[];
  /** The warehouse folder is itself a table; nothing below it was looked at. */
  readonly isTable: boolean;
  /** The warehouse folder holds nothing at all, or does not exist. */
  readonly isEmpty: boolean;
}

/** Options of {@linkcode walkWarehouse}. */
export interface WalkOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * What a folder is behind its name (its real path). A folder that is its own ancestor, as a
   * symbolic link makes it, is not entered again. Left out for stores without links.
   */
  readonly identify?: ((folder: string) => Promise<string>) | undefined;
  readonly maxDepth?: number;
  readonly maxTables?: number;
  readonly maxFolders?: number;
}

/** Whether a folder can be part of a name. */
export function isVisible(name: string): boolean {
  return !name.startsWith(".") && !name.startsWith("_");
}

/** What a folder's `metadata/` says about it. */
export function classifyMetadataFolder(
  entries: readonly FolderEntry[],
): "table" | "wreck" | "no_table" {
  const files = entries.filter((entry) => entry.kind === "file");
  if (files.some((file) => parseMetadataFileName(file.name) !== null)) return "table";
  return files.some((file) => isVisible(file.name)) ? "wreck" : "no_table";
}

/** Walks `warehouse`; `too_large` where it holds more than the bounds allow. */
export async function walkWarehouse(
  io: FileIo,
  warehouse: string,
  options: WalkOptions = {},
): Promise<WarehouseContents> {
  return await new Walk(io, warehouse, options).run();
}

/** A folder to look into; `above` identifies its ancestors. */
interface PendingFolder {
  readonly levels: readonly string[];
  readonly above: readonly string[];
}

class Walk {
  readonly #io: FileIo;
  readonly #warehouse: string;
  readonly #signal: AbortSignal | undefined;
  readonly #identify: WalkOptions["identify"];
  readonly #maxDepth: number;
  readonly #maxTables: number;
  readonly #maxFolders: number;
  readonly #queue: PendingFolder[] = [];
  readonly #tables: TableIdentifier[] = [];
  readonly #namespaces = new Map<string, readonly string[]>();
  #folders = 0;
  #closed = false;

  constructor(io: FileIo, warehouse: string, options: WalkOptions) {
    this.#io = io;
    this.#warehouse = warehouse;
    this.#signal = options.signal;
    this.#identify = options.identify;
    this.#maxDepth = options.maxDepth ?? MAX_WAREHOUSE_DEPTH;
    this.#maxTables = options.maxTables ?? MAX_WAREHOUSE_TABLES;
    this.#maxFolders = options.maxFolders ?? MAX_WAREHOUSE_FOLDERS;
  }

  async run(): Promise<WarehouseContents> {
    const [own, entries] = await Promise.all([this.#listIfOpen(["metadata"]), this.#list([])]);
    const isTable = own !== null && classifyMetadataFolder(own) === "table";
    if (!isTable) {
      await this.#enter({ levels: [], above: [] }, entries);
      await this.#drain();
      // Where credentials ran out on the way, every later folder was closed: that is no answer.
      if (this.#closed) await this.#list([]);
    }
    return {
      tables: this.#tables,
      namespaces: [...this.#namespaces.values()],
      isTable,
      isEmpty: entries.length === 0,
    };
  }

  /** Visits the queue with a fixed number of hands, until none is busy and it is empty. */
  #drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      let busy = 0;
      let failed = false;
      const pump = () => {
        while (!failed && busy < MAX_CONCURRENT_LISTINGS) {
          const folder = this.#queue.pop();
          if (folder === undefined) break;
          busy++;
          this.#visit(folder).then(() => {
            busy--;
            pump();
          }, (error) => {
            failed = true;
            reject(error);
          });
        }
        if (busy === 0 && !failed) resolve();
      };
      pump();
    });
  }

  async #visit(folder: PendingFolder): Promise<void> {
    const { levels } = folder;
    const metadata = await this.#listIfOpen([...levels, "metadata"]);
    const verdict = metadata === null ? "wreck" : classifyMetadataFolder(metadata);
    if (verdict === "table") return this.#addTable(levels);
    if (verdict === "wreck") return;
    const entries = await this.#listIfOpen(levels);
    if (entries === null) return;
    if (entries.length === 0) this.#addNamespaces(levels);
    await this.#enter(folder, entries);
  }

  async #enter(folder: PendingFolder, entries: readonly FolderEntry[]): Promise<void> {
    const { levels, above } = folder;
    const folders = entries.filter(({ kind, name }) => kind === "folder" && isVisible(name));
    if (folders.length === 0 || levels.length >= this.#maxDepth) return;
    const id = await this.#identify?.(joinLocation(this.#warehouse, ...levels));
    if (id !== undefined && above.includes(id)) return;
    const trail = id === undefined ? above : [...above, id];
    for (const { name } of folders) this.#queue.push({ levels: [...levels, name], above: trail });
  }

  #addTable(levels: readonly string[]): void {
    if (this.#tables.length >= this.#maxTables) throw tooLarge(`${this.#maxTables} tables`);
    const namespace = levels.slice(0, -1);
    this.#tables.push({ namespace, name: levels[levels.length - 1] ?? "" });
    this.#addNamespaces(namespace);
  }

  #addNamespaces(levels: readonly string[]): void {
    for (let length = levels.length; length > 0; length--) {
      const namespace = levels.slice(0, length);
      const key = namespace.join("/");
      if (this.#namespaces.has(key)) return;
      this.#namespaces.set(key, namespace);
    }
  }

  /**
   * Null for a folder that may not be looked into, such as a link out of the warehouse: whoever can
   * write one folder must not be able to hide all others. Asked for by name, it says what ails it.
   */
  async #listIfOpen(levels: readonly string[]): Promise<readonly FolderEntry[] | null> {
    try {
      return await this.#list(levels);
    } catch (error) {
      if (!(error instanceof AppError && OWN_FAILURES.has(error.code))) throw error;
      this.#closed = true;
      return null;
    }
  }

  async #list(levels: readonly string[]): Promise<readonly FolderEntry[]> {
    this.#folders++;
    if (this.#folders > this.#maxFolders) throw tooLarge(`${this.#maxFolders} folders`);
    throwIfAborted(this.#signal);
    return await this.#io.listFolder(joinLocation(this.#warehouse, ...levels), this.#signal);
  }
}

function tooLarge(bound: string): AppError {
  return new AppError(
    "too_large",
    "warehouse_too_large",
    `Cannot list the warehouse: it holds more than ${bound}; use a sql or rest catalog, or point ` +
      "the warehouse at a folder further down",
  );
}
