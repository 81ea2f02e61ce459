/**
 * A libSQL server in this process: SQL over HTTP (protocol version 2) in front of a real SQLite file,
 * which loses and repeats what a test tells it to.
 */
import { createClient, type InValue, LibsqlError } from "@libsql/client";

/** What becomes of one statement. */
export type StatementFate =
  /** Runs and is answered. */
  | "runs"
  /** Does not run, and is not answered. */
  | "is lost"
  /** Runs, and is not answered. */
  | "runs, reply lost"
  /** Runs after a moment, when nobody waits for it any more. */
  | "runs late, reply lost"
  /** Is sent on twice, as by a proxy; the second answer is given. */
  | "runs twice"
  /** Fails as a full disk does. */
  | "fails";

/** Decides by the statement's text; the first word of it tells what it is. */
export type Fate = (sql: string) => StatementFate;

/** A running fake. */
export interface FakeLibsql extends AsyncDisposable {
  readonly uri: string;
  /** Statements that ran, in order. */
  readonly ran: readonly string[];
  setFate(fate: Fate): void;
}

interface WireValue {
  readonly type: string;
  readonly value?: string | number;
}

interface WireRequest {
  readonly type: string;
  readonly stmt?: { readonly sql: string; readonly args?: readonly WireValue[] };
}

/** How late a late statement runs. */
const LATE_MS = 60;

/** Starts a fake over a SQLite file. */
export function startFakeLibsql(path: string): FakeLibsql {
  const database = createClient({ url: `file:${path}` });
  const ran: string[] = [];
  const late: Promise<unknown>[] = [];
  let fate: Fate = () => "runs";

  async function run(sql: string, args: readonly WireValue[]): Promise<unknown> {
    ran.push(sql);
    const result = await database.execute({ sql, args: args.map(toValue) });
    return {
      cols: result.columns.map((name) => ({ name })),
      rows: result.rows.map((row) => result.columns.map((_, at) => toWire(row[at] ?? null))),
      affected_row_count: result.rowsAffected,
      last_insert_rowid: null,
    };
  }

  async function answer({ type, stmt }: WireRequest): Promise<unknown> {
    if (type !== "execute" || stmt === undefined) return { type: "ok", response: { type } };
    const { sql, args = [] } = stmt;
    try {
      switch (fate(sql.trim())) {
        case "is lost":
          return null;
        case "runs, reply lost":
          await run(sql, args);
          return null;
        case "runs late, reply lost":
          late.push(new Promise((resolve) => setTimeout(() => resolve(run(sql, args)), LATE_MS)));
          return null;
        case "runs twice":
          await run(sql, args);
          break;
        case "fails":
          throw new LibsqlError("database or disk is full", "SQLITE_FULL");
        case "runs":
      }
      return { type: "ok", response: { type, result: await run(sql, args) } };
    } catch (error) {
      if (!(error instanceof LibsqlError)) throw error;
      return { type: "error", error: { message: error.message, code: error.code } };
    }
  }

  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 404 });
    const { requests } = await request.json() as { requests: readonly WireRequest[] };
    const results: unknown[] = [];
    for (const one of requests) {
      const result = await answer(one);
      if (result === null) return brokenOff();
      results.push(result);
    }
    return Response.json({ baton: null, base_url: null, results });
  });
  return {
    uri: `http://127.0.0.1:${server.addr.port}`,
    ran,
    setFate: (next) => fate = next,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Promise.all(late);
      database.close();
    },
  };
}

/** An answer that ends in the middle. */
function brokenOff(): Response {
  return new Response('{"baton":');
}

function toValue({ type, value }: WireValue): InValue {
  if (type === "null" || value === undefined) return null;
  return type === "integer" ? BigInt(value) : value;
}

function toWire(value: unknown): WireValue {
  if (value === null) return { type: "null" };
  if (typeof value === "number") return { type: "integer", value: String(value) };
  return { type: "text", value: String(value) };
}
