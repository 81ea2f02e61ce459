/**
 * A warehouse whose server is killed: tables that are put back as they were, and a server that finds
 * them. Tables lie at two places by turns, so that a living server never sees one put back.
 */
import { DatabaseSync } from "node:sqlite";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { copyFolder } from "./_copy_folder.ts";
import { PeerProcess } from "./_peer_process.ts";
import { ADMIN_TOKEN } from "./_server.ts";

/** Catalogs that are tried. */
export type KillCatalog = "hadoop" | "sql";

/** Where a table lies. */
export interface Place {
  /** Of the catalog. */
  readonly table: string;
  readonly folder: string;
}

/** What PyIceberg reads of a table. */
export interface SeenTable {
  readonly format_version: number;
  /** Id, name, type. */
  readonly columns: readonly (readonly [number, string, string])[];
  /** Id, operation. */
  readonly snapshots: readonly (readonly [string, string])[];
  readonly current: string | null;
  /** Ids of the rows as runs of first and count. */
  readonly ids: readonly (readonly [number, number])[];
  readonly wrong_rows: number;
}

/** What is to be seen of a table. */
export interface Sight {
  /** Null where there is none. */
  readonly table: SeenTable | null;
  /** Files that snapshots need and that are not there. */
  readonly missing?: readonly string[];
  /** Files that nothing leads to, below the table's folder. */
  readonly unreachable: readonly string[];
}

/** Rows of one append. */
export const APPEND_ROWS = 400;
/** Appends before the compaction that the history begins with, and after it. */
const OLD_APPENDS = 5;
const NEW_APPENDS = 6;
/** Appends of a table that was put back. */
export const APPENDS = OLD_APPENDS + NEW_APPENDS;

/** How long the state may be locked by a server. */
const LOCK_WAIT_MS = 10_000;

/** Isolates cost a second of the processor at every start. */
export const FEW_ISOLATES = {
  DRLS_READER_ISOLATES: "1",
  DRLS_QUERY_ISOLATES: "1",
  DRLS_TABLE_ISOLATES: "2",
};

/** Of the tables whose rows `rowsOfIds` makes. */
export const SHAPE = {
  schema: [
    { name: "id", type: "bigint" },
    { name: "part", type: "bigint" },
    { name: "name", type: "string" },
    { name: "note", type: "string" },
    { name: "score", type: "int" },
  ],
  partition_by: ["part"],
};

const PLACES = ["a", "b"] as const;
const VERSIONS = [2, 3] as const;

/** A running server over the warehouse. */
export type KillServer = ServerProcess;

/** See the top of this file. */
export class KillBed implements AsyncDisposable {
  readonly catalog: KillCatalog;
  readonly #dir: string;
  readonly #eyes: PeerProcess;

  private constructor(catalog: KillCatalog, dir: string) {
    this.catalog = catalog;
    this.#dir = dir;
    const properties = catalog === "hadoop"
      ? { type: "hadoop" }
      : { type: "sql", uri: this.#uri, warehouse: `file://${dir}/wh` };
    const args = [JSON.stringify(properties), "drls"];
    this.#eyes = new PeerProcess("pyiceberg", "pyiceberg_whole.py", args);
  }

  /** Makes the warehouse, and the tables that are put back. */
  static async open(catalog: KillCatalog): Promise<KillBed> {
    const dir = await Deno.makeTempDir({ prefix: "drls-kill-" });
    await Deno.mkdir(`${dir}/wh`);
    if (catalog === "sql") await Deno.writeFile(`${dir}/catalog.db`, new Uint8Array());
    const bed = new KillBed(catalog, dir);
    try {
      await bed.#eyes.hear("READY");
      await bed.#makeTables();
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a server; what earlier ones said of being alive is long ago. */
  async start(): Promise<KillServer> {
    await this.age();
    return await this.startAnother();
  }

  /** Has all servers have said long ago that they live; those that do say so again. */
  async age(): Promise<void> {
    const state = `${this.#dir}/data/state.db`;
    if (!await exists(state)) return;
    using database = new DatabaseSync(state, { timeout: LOCK_WAIT_MS });
    database.exec("UPDATE instances SET heartbeat_at = 0");
  }

  /** Starts a server beside those that run. */
  async startAnother(): Promise<KillServer> {
    return await startServer({
      dataDir: `${this.#dir}/data`,
      env: {
        DRLS_BOOTSTRAP_TOKEN: ADMIN_TOKEN,
        DRLS_CATALOG_TYPE: this.catalog,
        DRLS_WAREHOUSE: `${this.#dir}/wh`,
        ...(this.catalog === "sql" ? { DRLS_CATALOG_URI: this.#uri } : {}),
        ...FEW_ISOLATES,
      },
    });
  }

  /** The place of the n-th try. */
  place(n: number): Place {
    const name = PLACES[n % PLACES.length]!;
    return { table: `db.${name}`, folder: `${this.#dir}/wh/db/${name}` };
  }

  /** Puts the table at a place back as it was made; no server may run. */
  async putBack({ table, folder }: Place, version: number): Promise<void> {
    if (await exists(folder)) await Deno.remove(folder, { recursive: true });
    const kept = this.#kept(table, version);
    await copyFolder(`${kept}/table`, folder);
    if (this.catalog === "hadoop") return;
    const location = await Deno.readTextFile(`${kept}/pointer`);
    using database = new DatabaseSync(`${this.#dir}/catalog.db`);
    const [namespace = "", name = ""] = table.split(".");
    const key = ["drls", namespace, name] as const;
    database.exec("BEGIN IMMEDIATE");
    database.prepare(
      "DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?",
    ).run(...key);
    database.prepare(
      `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location,
        previous_metadata_location, iceberg_type) VALUES (?, ?, ?, ?, NULL, 'TABLE')`,
    ).run(...key, location);
    database.exec("COMMIT");
  }

  /**
   * The metadata file that is current, null for none; undefined where nobody can tell, as the
   * catalog's database is locked.
   */
  pointer({ table, folder }: Place): string | null | undefined {
    if (this.catalog === "hadoop") return newestVersion(folder);
    return sqlPointer(`${this.#dir}/catalog.db`, table);
  }

  /** What PyIceberg reads of a table, and what lies around it. */
  async look({ table, folder }: Place): Promise<Sight> {
    return await this.#eyes.ask(["look", table, folder]);
  }

  async #makeTables(): Promise<void> {
    const server = await this.start();
    try {
      for (const version of VERSIONS) {
        for (const n of PLACES.keys()) await this.#makeTable(server, this.place(n), version);
      }
    } finally {
      await server.dispose();
    }
  }

  async #makeTable(server: KillServer, place: Place, version: number): Promise<void> {
    const { table, folder } = place;
    await succeed(server, "/tables", { table, format_version: version, ...SHAPE });
    for (let n = 0; n < APPENDS; n++) {
      await succeed(server, `/table/${table}/append`, rowsOf(n));
      if (n === OLD_APPENDS - 1) await succeed(server, "/compact", { table });
    }
    const kept = this.#kept(table, version);
    await copyFolder(folder, `${kept}/table`);
    if (this.catalog === "sql") {
      await Deno.writeTextFile(`${kept}/pointer`, this.pointer(place) ?? "");
    }
    await succeed(server, `/table/${table}?purge=true`, null);
    // An empty folder of that name would have the next table lie elsewhere.
    await Deno.remove(folder, { recursive: true });
  }

  #kept(table: string, version: number): string {
    return `${this.#dir}/kept/${table}-v${version}`;
  }

  get #uri(): string {
    return `sqlite:///${this.#dir}/catalog.db`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#eyes[Symbol.asyncDispose]();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** The newest metadata file of a hadoop table, as `v12`; null for none. */
export function newestVersion(folder: string): string | null {
  const versions = namesIn(`${folder}/metadata`)
    .flatMap((name) => /^v(\d+)\.metadata\.json$/.exec(name)?.[1] ?? []);
  return versions.length === 0 ? null : `v${Math.max(...versions.map(Number))}`;
}

/**
 * The metadata file that a sql catalog named "drls" points at, null for none; undefined where nobody
 * can tell, as its database is locked.
 */
export function sqlPointer(path: string, table: string): string | null | undefined {
  using database = new DatabaseSync(path, { timeout: 0 });
  const [namespace = "", name = ""] = table.split(".");
  try {
    const row = database.prepare(
      `SELECT metadata_location FROM iceberg_tables
        WHERE catalog_name = 'drls' AND table_namespace = ? AND table_name = ?`,
    ).get(namespace, name);
    return row === undefined ? null : String(row["metadata_location"]);
  } catch (error) {
    if (error instanceof Error && /locked|busy/.test(error.message)) return undefined;
    throw error;
  }
}

/** NDJSON of the n-th append. */
export function rowsOf(n: number): string {
  return rowsOfIds({ first: n * APPEND_ROWS, count: APPEND_ROWS });
}

/** NDJSON of rows; what one holds follows from its id, see `pyiceberg_whole.py`. */
export function rowsOfIds({ first, count }: { readonly first: number; readonly count: number }) {
  const lines = Array.from({ length: count }, (_, at) => {
    const id = first + at;
    return JSON.stringify({
      id,
      part: id & 3,
      name: `n${id}`,
      note: `note${id & 7}`,
      score: id & 1023,
    });
  });
  return `${lines.join("\n")}\n`;
}

/** A request below `/api`: JSON, rows as NDJSON where the body is a text, DELETE where it is null. */
export async function ask(
  { url }: Pick<KillServer, "url">,
  path: string,
  { body, key }: { readonly body: unknown; readonly key?: string },
): Promise<{ readonly status: number; readonly answer: Record<string, unknown> }> {
  const isRows = typeof body === "string";
  const response = await fetch(`${url}/api${path}`, {
    method: body === null ? "DELETE" : body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      "content-type": isRows ? "application/x-ndjson" : "application/json",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    ...(body === null || body === undefined ? {} : { body: isRows ? body : JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}

/** The answer to a request that must succeed. */
export async function succeed(
  server: Pick<KillServer, "url">,
  path: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const { status, answer } = await ask(server, path, { body });
  if (status < 300) return answer;
  throw new Error(`Request ${path} gave ${status}: ${JSON.stringify(answer)}`);
}

/** Names in a folder; none where it is not there. */
export function namesIn(folder: string): readonly string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
