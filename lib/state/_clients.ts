/** SQL clients: two connections to an embedded file, or one client of a remote server. */
import { type Client, createClient } from "@libsql/client";
import type { InStatement, ResultSet, Transaction } from "@libsql/client";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { MAX_LOCK_WAIT_MS, retryWhileBusy } from "./_busy_retry.ts";

/**
 * How long a native call may wait for a lock. It blocks the event loop meanwhile, so it is short;
 * the patient part of the wait is `retryWhileBusy`.
 */
export const BUSY_TIMEOUT_MS = 5;

/** Deadline of one request to a remote server. */
export const REMOTE_TIMEOUT_MS = 10_000;

/** Where the database is. */
export interface ClientOptions {
  /** `file:`, relative to `dataDir`, or `libsql:`, `http:`, `https:`, `ws:`, `wss:`. */
  readonly url: string;
  /** For a remote server. */
  readonly authToken: Secret | null;
  readonly dataDir: string;
}

/** Connections. Reads never wait behind an open transaction. */
export interface Clients {
  readonly remote: boolean;
  /** Runs a query outside of any transaction; writing is refused where that can be told. */
  query(statement: InStatement): Promise<ResultSet>;
  /** Opens a write transaction; a remote one begins with its first statement. */
  begin(): Promise<Transaction>;
  /**
   * Replaces the connections after a failure for a lock. The native statement that failed stays "in
   * progress" until it is collected as garbage; meanwhile its connection cannot commit (measured
   * with libsql 0.5.29), and one that reads could hold on to an old snapshot.
   */
  renewReader(): void;
  renewWriter(): void;
  /** Closes the connections; an embedded file is complete by itself afterwards, without its log. */
  close(): Promise<void>;
}

/** Opens the connections; the file and its folder are created, readable by their owner only. */
export async function openClients(options: ClientOptions): Promise<Clients> {
  if (!options.url.startsWith("file:")) return remoteClients(options);
  const path = embeddedPath(options);
  await makeFile(path);
  const writer = openFile(path);
  try {
    const deadlineMs = performance.now() + MAX_LOCK_WAIT_MS;
    const onBusy = () => writer.reconnect();
    await retryWhileBusy(() => prepareDurability(writer), { deadlineMs, onBusy });
    const requireSameFile = await watchFile(path);
    return fileClients({ reader: openFile(path), writer, requireSameFile });
  } catch (error) {
    writer.close();
    throw error;
  }
}

async function makeFile(path: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives its -wal and -shm files the mode of the database file.
    (await Deno.open(path, { create: true, write: true, mode: 0o600 })).close();
  } catch (cause) {
    // What the system reports has a code; anything else is a mistake of ours.
    if (!(cause instanceof Error && "code" in cause)) throw cause;
    const message = `Cannot open the state: its file cannot be made or written (${cause.code}). ` +
      "Set DRLS_DATA_DIR or DRLS_STATE_URL to a place where it can";
    throw new AppError("unavailable", "state_unwritable", message, { cause, context: { path } });
  }
}

function remoteClients({ url, authToken }: ClientOptions): Clients {
  const client = createClient({
    url,
    intMode: "number",
    ...(authToken === null ? {} : { authToken: authToken.reveal() }),
    fetch: (request: Request) =>
      fetch(request, { signal: AbortSignal.timeout(REMOTE_TIMEOUT_MS), redirect: "error" }),
  });
  return {
    remote: true,
    query: (statement) => client.execute(statement),
    begin: () => client.transaction("write"),
    // Its locks are the server's business.
    renewReader: () => {},
    renewWriter: () => {},
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

/**
 * A check that the path still names the file that is open. Where it was removed, or a backup was put
 * in its place, what is written would be acknowledged, and gone with this process: users, revoked
 * tokens, audit.
 */
async function watchFile(path: string): Promise<() => Promise<void>> {
  const opened = await Deno.stat(path);
  return async () => {
    const [found, cause] = await Deno.stat(path)
      .then((info) => [info, null] as const, (error: unknown) => [null, error] as const);
    if (found !== null && found.ino === opened.ino && found.dev === opened.dev) return;
    const message = "Cannot use the state: its database file was removed or replaced while drls " +
      "runs. Put it back, or restart drls on the new one";
    throw new AppError("unavailable", "state_replaced", message, { cause, context: { path } });
  };
}

/** The connections to one embedded file. */
interface FileConnections {
  readonly reader: Client;
  readonly writer: Client;
  readonly requireSameFile: () => Promise<void>;
}

function fileClients({ reader, writer, requireSameFile }: FileConnections): Clients {
  let readOnly = false;
  return {
    remote: false,
    async query(statement) {
      await requireSameFile();
      // Here and not in `renewReader`: even a PRAGMA reads the schema and may meet a lock.
      if (!readOnly) await reader.execute("PRAGMA query_only = ON");
      readOnly = true;
      return await reader.execute(statement);
    },
    async begin() {
      await requireSameFile();
      return await writer.transaction("write");
    },
    renewReader() {
      readOnly = false;
      reader.reconnect();
    },
    renewWriter: () => writer.reconnect(),
    async close() {
      reader.close();
      try {
        // The library leaves the log behind at close; nothing is lost by it, but a copied file would
        // lack what is in it.
        await writer.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      } finally {
        writer.close();
      }
    },
  };
}

/** One connection per client: a pool would open further ones behind our back while one is held. */
function openFile(path: string): Client {
  return createClient({
    url: pathToFileURL(path).href,
    concurrency: 1,
    timeout: BUSY_TIMEOUT_MS,
    // Counts and times fit a number; what does not is refused by the client rather than rounded.
    intMode: "number",
  });
}

/**
 * Durability is the point: FULL syncs the log on each commit, so an acknowledged write survives.
 * WAL is a property of the file. The others are defaults of the library that each of its
 * connections has, also one opened later; here it is checked that they are.
 */
async function prepareDurability(writer: Client): Promise<void> {
  const current = async (name: string) => (await writer.execute(`PRAGMA ${name}`)).rows[0]?.[0];
  if (await current("journal_mode") !== "wal") await writer.execute("PRAGMA journal_mode = WAL");
  const wanted = { journal_mode: "wal", synchronous: 2, foreign_keys: 1 };
  for (const [name, value] of Object.entries(wanted)) {
    const found = await current(name);
    if (found === value) continue;
    const message = `Cannot open the state: the database keeps "${name}" at "${found}", ` +
      `and "${value}" is needed`;
    throw new AppError("unavailable", "state_unusable", message);
  }
}

function embeddedPath({ url, dataDir }: ClientOptions): string {
  const path = url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length);
  if (path === "" || path.startsWith(":memory:") || /[?#]/.test(url)) {
    const message = `Cannot open the state: expected "file:" and a path, got "${url}"`;
    throw new AppError("invalid", "invalid_state_url", message);
  }
  return isAbsolute(path) ? path : join(dataDir, path);
}
