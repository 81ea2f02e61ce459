/** SQL clients: two connections to an embedded file, or one client of a remote server. */
import { type Client, createClient } from "@libsql/client";
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
  readonly reader: Client;
  readonly writer: Client;
  readonly remote: boolean;
  /**
   * Gives the writer a new connection. A native statement that failed for a lock stays "in progress"
   * until it is collected as garbage, and until then its connection cannot commit (measured with
   * libsql 0.5.29): so after each such failure the connection is replaced.
   */
  renewWriter(): Promise<void>;
  /** The same for the reader, where such a statement could hold on to an old snapshot. */
  renewReader(): Promise<void>;
}

/** Opens the connections; the file and its folder are created, readable by their owner only. */
export async function openClients(options: ClientOptions): Promise<Clients> {
  if (!options.url.startsWith("file:")) {
    const client = openRemote(options);
    const renew = () => Promise.resolve();
    return { reader: client, writer: client, remote: true, renewWriter: renew, renewReader: renew };
  }
  const path = embeddedPath(options);
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its -wal and -shm files the mode of the database file.
  (await Deno.open(path, { create: true, write: true, mode: 0o600 })).close();
  const writer = openFile(path);
  const reader = openFile(path);
  const renewWriter = () => renew(writer, WRITER_PRAGMAS);
  const renewReader = () => renew(reader, READER_PRAGMAS);
  try {
    const deadlineMs = performance.now() + MAX_LOCK_WAIT_MS;
    // The switch to WAL needs the file alone for a moment, and the busy timeout does not cover it.
    const toWal = () => writer.execute("PRAGMA journal_mode = WAL");
    await retryWhileBusy(toWal, { deadlineMs, onBusy: renewWriter });
    await renewWriter();
    await renewReader();
    await checkDurability(writer);
  } catch (error) {
    writer.close();
    reader.close();
    throw error;
  }
  return { reader, writer, remote: false, renewWriter, renewReader };
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

/** Durability is the point: FULL syncs the log on each commit, so an acknowledged write survives. */
const WRITER_PRAGMAS = ["PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"];
const READER_PRAGMAS = ["PRAGMA query_only = ON"];

async function renew(client: Client, pragmas: readonly string[]): Promise<void> {
  await client.reconnect();
  // None of these touches the file, so none can fail for a lock.
  for (const pragma of pragmas) await client.execute(pragma);
}

async function checkDurability(writer: Client): Promise<void> {
  const wanted = { journal_mode: "wal", synchronous: 2, foreign_keys: 1 };
  for (const [name, value] of Object.entries(wanted)) {
    const found = (await writer.execute(`PRAGMA ${name}`)).rows[0]?.[0];
    if (found === value) continue;
    const message = `Cannot open the state: the database keeps "${name}" at "${found}", ` +
      `and "${value}" is needed`;
    throw new AppError("unavailable", "state_unusable", message);
  }
}

function openRemote({ url, authToken }: ClientOptions): Client {
  return createClient({
    url,
    intMode: "number",
    ...(authToken === null ? {} : { authToken: authToken.reveal() }),
    fetch: (request: Request) =>
      fetch(request, { signal: AbortSignal.timeout(REMOTE_TIMEOUT_MS), redirect: "error" }),
  });
}

function embeddedPath({ url, dataDir }: ClientOptions): string {
  const path = url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length);
  if (path === "" || path.startsWith(":memory:") || /[?#]/.test(url)) {
    const message = `Cannot open the state: expected "file:" and a path, got "${url}"`;
    throw new AppError("invalid", "invalid_state_url", message);
  }
  return isAbsolute(path) ? path : join(dataDir, path);
}
