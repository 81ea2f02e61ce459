/** Connections to a remote libSQL server: one for reading, and one for changes, which send once. */
import { type Client, createClient } from "@libsql/client";
import { unavailable } from "./_sql_errors.ts";

/** Longest wait for a remote database's answer. */
const REMOTE_TIMEOUT_MS = 30_000;

/** A remote server. */
export interface RemoteDatabase {
  readonly url: string;
  readonly token: string | null;
}

type Send = (request: Request) => Promise<Response>;

/** A client for statements that may be repeated. */
export function openRemote(database: RemoteDatabase): Client {
  return open(database, (request) => fetch(request, bounds()));
}

/**
 * A client for changes. Over connections of their own: where one that was kept from an earlier
 * request closes, the runtime's `fetch` sends the request again, unasked (Deno 2.9.6, measured), and
 * the second answer, "nothing to change", would hide the first.
 */
export class RemoteWriter {
  readonly client: Client;
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #overHttp: boolean;
  #posts = 0;

  constructor(database: RemoteDatabase) {
    this.#overHttp = !/^wss?:/i.test(database.url);
    this.client = open(database, async (request) => {
      if (request.method === "POST") this.#posts++;
      const response = await fetch(request, { ...bounds(), client: this.#http });
      if (response.status < 400 || response.status > 499) return response;
      // Statements that fail are answered with 200: this one was not looked at.
      await response.body?.cancel();
      const reason = `it refuses changes with status ${response.status}`;
      throw unavailable("catalog_database_refused", reason);
    });
  }

  /** How many requests with statements have been begun; the same number means that none was sent. */
  get sent(): number {
    // What goes over a web socket is not seen here.
    return this.#overHttp ? this.#posts : Number.NaN;
  }

  close(): void {
    this.client.close();
    this.#http.close();
  }
}

function open({ url, token }: RemoteDatabase, send: Send): Client {
  return createClient({ url, fetch: send, ...(token === null ? {} : { authToken: token }) });
}

function bounds(): RequestInit {
  // A redirect would carry the request to wherever it points, also inside our network.
  return { signal: AbortSignal.timeout(REMOTE_TIMEOUT_MS), redirect: "error" };
}
