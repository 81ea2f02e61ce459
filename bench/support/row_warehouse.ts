/**
 * Hadoop warehouses whose tables have real rows: data files are written once and shared by as many
 * tables as there are runs, so that each run finds the same files and none finds what another left.
 */
import type { RecordBatch } from "apache-arrow";
import { type Catalog, openCatalog, type TableDefinition } from "../../lib/catalog/mod.ts";
import { openTableStore } from "../../lib/catalog/commit/mod.ts";
import { DataFileWriter } from "../../lib/columnar/mod.ts";
import { initParquet } from "../../lib/columnar/parquet/mod.ts";
import { loadWasmModule } from "../../lib/columnar/wasm/mod.ts";
import type { CommitAction } from "../../lib/iceberg/commit/commit_action.ts";
import { fastAppend } from "../../lib/iceberg/commit/snapshot/fast_append.ts";
import type { TableStore } from "../../lib/iceberg/commit/table_store.ts";
import { commitTransaction } from "../../lib/iceberg/commit/transaction.ts";
import type { DataFile } from "../../lib/iceberg/manifest/data_file.ts";
import type { Schema } from "../../lib/iceberg/spec/schema.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { uuidV7 } from "../../lib/uuid_v7.ts";

/** Data files of one snapshot; tables get theirs in this many commits. */
const FILES_PER_COMMIT = 20;

/** Options of {@linkcode RowWarehouse.writeFiles}. */
export interface WriteFilesOptions {
  readonly schema: Schema;
  readonly files: number;
  /** The rows of one file, in the Arrow form of the schema. */
  readonly rowsOf: (file: number) => RecordBatch;
}

/** A table to create. */
export interface BenchTable {
  /** `namespace.name`. */
  readonly name: string;
  readonly schema: Schema;
  readonly files: readonly DataFile[];
  readonly properties?: Readonly<Record<string, string>>;
}

/** Where the tables of a warehouse are listed. */
export type WarehouseCatalog = "hadoop" | "sql";

/** See the module comment. */
export class RowWarehouse {
  readonly folder: string;
  /** Settings of a server over the same tables, beside the folder. */
  readonly env: Readonly<Record<string, string>>;
  readonly #catalog: Catalog;

  /** `sql`: in a SQLite file in the folder. */
  constructor(folder: string, type: WarehouseCatalog = "hadoop") {
    this.folder = folder;
    const uri = type === "sql" ? `sqlite:///${databaseIn(folder)}` : null;
    const config = { type, name: NAME, warehouse: folder, uri, extraProps: {} } as const;
    this.#catalog = openCatalog(config, { dataDir: null, storageRoots: [] });
    const named = { DRLS_CATALOG_TYPE: type, DRLS_CATALOG_NAME: NAME };
    this.env = uri === null ? named : { ...named, DRLS_CATALOG_URI: uri };
  }

  /** The same, with a folder and a database that are made for it. */
  static async create(folder: string, type: WarehouseCatalog = "hadoop"): Promise<RowWarehouse> {
    await Deno.mkdir(folder, { recursive: true });
    if (type === "sql") await Deno.writeFile(databaseIn(folder), new Uint8Array());
    return new RowWarehouse(folder, type);
  }

  /** Lets go of the database. */
  async close(): Promise<void> {
    await this.#catalog.close();
  }

  /** Writes data files as an appender does, one for each batch. */
  async writeFiles({ schema, files, rowsOf }: WriteFilesOptions): Promise<readonly DataFile[]> {
    initParquet(await loadWasmModule("parquet"));
    const location = `${this.folder}/files/${crypto.randomUUID()}`;
    const written: DataFile[] = [];
    for (let file = 0; file < files; file++) {
      const writer = new DataFileWriter({
        io: openStorage({ local: { kind: "local", roots: [this.folder] }, s3: null }),
        metadata: { location, properties: {} },
        schema,
        spec: { specId: 0, fields: [] },
        operationId: uuidV7(Date.now()),
        taskId: file,
        memoryBytes: 2 ** 30,
      });
      await writer.write(rowsOf(file));
      written.push(...await writer.finish());
    }
    return written;
  }

  /** Creates a table of these files. */
  async createTable(table: BenchTable): Promise<TableStore> {
    const { name, schema, files, properties = {} } = table;
    const levels = name.split(".");
    const definition: TableDefinition = {
      identifier: { namespace: levels.slice(0, -1), name: levels.at(-1) ?? "" },
      schema,
      spec: { specId: 0, fields: [] },
      sortOrder: { orderId: 0, fields: [] },
      properties: { ...properties },
      formatVersion: 2,
    };
    const location = await this.#catalog.createTable(definition);
    const store = openTableStore(location, {
      gateway: {
        locate: (identifier) => this.#catalog.locateExactly(identifier),
        commit: (identifier, commit) => this.#catalog.commit(identifier, commit),
        drop: (dropped) => this.#catalog.dropTable(dropped),
      },
      openStorage,
    });
    for (let at = 0; at < files.length; at += FILES_PER_COMMIT) {
      await commit(store, fastAppend({ files: files.slice(at, at + FILES_PER_COMMIT) }));
    }
    return store;
  }
}

/** The catalog's name. */
const NAME = "bench";

function databaseIn(folder: string): string {
  return `${folder}/catalog.db`;
}

/** Commits one action. */
export async function commit(store: TableStore, action: CommitAction): Promise<void> {
  await commitTransaction(store, [action], { operationId: uuidV7(Date.now()) });
}
