/**
 * The sql catalog's database: opened on first use, never created, retried while another writer
 * holds it. A local client blocks its thread while it waits for a lock, so it is told not to wait
 * and the waiting is done here.
 */
import {
  type Client,
  createClient,
  type InArgs,
  type InStatement,
  LibsqlError,
  type Row,
} from "@libsql/client";
import { AppError } from "../errors.ts";
import { throwIfAborted, untilAborted } from "../abort.ts";
import { requirePlainTables } from "./_plain_tables.ts";
import { isBusy, isRefusal, lostReply, unavailable } from "./_sql_errors.ts";
import { openRemote, RemoteWriter } from "./_sql_remote.ts";
import type { SqlDatabase } from "./sql_uri.ts";

/** How long a query waits for a lock that another process holds. */
const BUSY_DEADLINE_MS = 5_000;
const BUSY_WAIT_MS = 25;

/** Bounds of one query. */
export interface SqlQueryOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A catalog's database. Errors are `AppError`, kind `unavailable` unless said otherwise. */
export class SqlClient {
  readonly #database: SqlDatabase;
  readonly #token: string | null;
  #client: Client | null = null;
  #writer: RemoteWriter | null = null;
  #closed = false;

  constructor(database: SqlDatabase, token: string | null) {
    this.#database = database;
    this.#token = token;
  }

  /** Rows of one statement. */
  async query(sql: string, args: InArgs, options: SqlQueryOptions = {}): Promise<readonly Row[]> {
    const { signal } = options;
    return await this.#retryWhileBusy(
      (client) => untilAborted(execute(client, sql, args), signal),
      signal,
    );
  }

  /**
   * Rows changed by one statement, which is atomic by itself. The signal ends waiting for a lock;
   * what was sent is waited for. `commit_state_unknown` where it may have happened.
   */
  async write(sql: string, args: InArgs, options: SqlQueryOptions = {}): Promise<number> {
    if (this.#database.kind === "remote") return await this.#writeRemote({ sql, args }, options);
    return await this.#retryWhileBusy(async (client) => {
      await requirePlainTables(client, { andNoTriggers: true });
      try {
        return (await client.execute({ sql, args })).rowsAffected;
      } catch (error) {
        if (isBusy(error) || isRefusal(error)) throw error;
        this.#disconnect();
        throw lostReply(error);
      }
    }, options.signal);
  }

  async #writeRemote(statement: InStatement, { signal }: SqlQueryOptions): Promise<number> {
    return await this.#retryWhileBusy(async () => {
      const writer = this.#writer ??= new RemoteWriter(this.#remote());
      const { sent } = writer;
      try {
        return (await writer.client.execute(statement)).rowsAffected;
      } catch (error) {
        const wasAnswered = error instanceof AppError || isBusy(error) || isRefusal(error);
        if (wasAnswered || writer.sent === sent) throw error;
        throw lostReply(error);
      }
    }, signal);
  }

  /** Whether the database has no tables at all, not even another application's. */
  async isEmpty(options: SqlQueryOptions = {}): Promise<boolean> {
    const sql = `SELECT 1 FROM sqlite_master
      WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'libsql\\_%' ESCAPE '\\'
      LIMIT 1`;
    return (await this.query(sql, [], options)).length === 0;
  }

  async #retryWhileBusy<T>(
    attempt: (client: Client) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const deadline = Date.now() + BUSY_DEADLINE_MS;
    while (true) {
      throwIfAborted(signal);
      try {
        const client = await this.#connect();
        // Each time: whoever may write to the file may have changed it since.
        if (this.#database.kind === "file") await requirePlainTables(client);
        return await attempt(client);
      } catch (error) {
        if (!isBusy(error) || Date.now() > deadline) throw await this.#explain(error);
        // A native statement that met a lock stays open until it is collected as garbage.
        this.#disconnect();
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS * (0.5 + Math.random())));
    }
  }

  /** Ends the connection for good. */
  close(): void {
    this.#closed = true;
    this.#disconnect();
    this.#writer?.close();
    this.#writer = null;
  }

  #disconnect(): void {
    this.#client?.close();
    this.#client = null;
  }

  async #connect(): Promise<Client> {
    if (this.#closed) throw unavailable("catalog_closed", "the catalog was closed");
    if (this.#client !== null) return this.#client;
    const opened = await this.#open();
    if (this.#client === null && !this.#closed) return this.#client = opened;
    // Another query was faster, or the catalog was closed meanwhile.
    opened.close();
    return await this.#connect();
  }

  async #open(): Promise<Client> {
    if (this.#database.kind === "remote") return openRemote(this.#remote());
    // SQLite creates what it does not find; a catalog that is not there is a mistake in the uri.
    const { path } = this.#database;
    const stat = await Deno.stat(path).catch((error: unknown) => {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return null;
      }
      throw unavailable("catalog_database_unreadable", "its file cannot be read", {
        cause: error,
      });
    });
    if (stat === null) throw unavailable("catalog_database_not_found", "its file does not exist");
    if (!stat.isFile) throw unavailable("catalog_database_invalid", "its path is not a file");
    return createClient({ url: `file:${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}` });
  }

  #remote() {
    if (this.#database.kind !== "remote") throw new TypeError("A file is no remote database");
    return { url: this.#database.url, token: this.#token };
  }

  /** Turns a driver's error into ours, by asking the database rather than by reading its text. */
  async #explain(error: unknown): Promise<unknown> {
    if (error instanceof AppError) return error;
    const code = error instanceof LibsqlError ? error.code : null;
    if (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT") {
      const reason = "its file is not a SQLite database";
      return unavailable("catalog_database_invalid", reason, { cause: error });
    }
    if (code?.startsWith("SQLITE_READONLY")) {
      const reason = "it cannot be written to, its file or folder is read-only";
      return unavailable("catalog_database_read_only", reason, { cause: error });
    }
    if (code !== null && ["SQLITE_ERROR", "SQLITE_UNKNOWN", "SQL_INPUT_ERROR"].includes(code)) {
      const missing = await this.#missingTables();
      if (missing.length > 0) {
        const reason = `it has no table ${missing.join(" and no table ")}, so it is not an ` +
          "Iceberg catalog, or no engine has opened it as one yet";
        return unavailable("catalog_tables_missing", reason, { cause: error });
      }
    }
    if (isBusy(error)) {
      const reason = "another process holds it";
      return unavailable("catalog_database_busy", reason, { cause: error, retryable: true });
    }
    const reason = "the query failed";
    const retryable = this.#database.kind === "remote";
    return unavailable("catalog_database_failed", reason, { cause: error, retryable });
  }

  async #missingTables(): Promise<readonly string[]> {
    const wanted = ["iceberg_tables", "iceberg_namespace_properties"];
    const sql = "SELECT name FROM sqlite_master WHERE name IN (?, ?)";
    try {
      const rows = (await this.#client?.execute({ sql, args: wanted }))?.rows ?? [];
      return wanted.filter((name) => !rows.some((row) => row["name"] === name));
    } catch {
      return []; // The first error tells more than this one would.
    }
  }
}

/**
 * Where another process has altered a table, the driver names the columns of a local result by the
 * old schema and fills the rows by the new one. The first run brought the schema up to date.
 */
async function execute(client: Client, sql: string, args: InArgs): Promise<readonly Row[]> {
  const first = await client.execute({ sql, args });
  const isStale = first.rows[0] !== undefined && first.rows[0].length !== first.columns.length;
  return (isStale ? await client.execute({ sql, args }) : first).rows;
}
