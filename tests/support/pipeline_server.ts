/** A server in a process of its own, as clients of pipelines use it. */
import assert from "node:assert/strict";
import type { PipelineView } from "../../lib/pipelines/mod.ts";
import { type ServerProcess, startServer } from "./server_process.ts";

/** What a server answered. */
export interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- each answer has a form of its own
  readonly body: any;
}

/** A column of a table to be created. */
export type Column = Readonly<Record<string, unknown>>;

/** `id` and `name`. */
export const COLUMNS: readonly Column[] = [
  { name: "id", type: "BIGINT" },
  { name: "name", type: "STRING" },
];

/** Options of {@linkcode openPipelineServer}. */
export interface PipelineServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Kept after the process; a new folder without it. */
  readonly dataDir?: string;
}

const PATIENCE_MS = 40_000;
const LOOK_AGAIN_MS = 20;

/** Starts one; nobody needs a token. */
export async function openPipelineServer(options: PipelineServerOptions = {}) {
  const { env = {}, ...rest } = options;
  return new PipelineServer(
    await startServer({ ...rest, env: { DRLS_AUTH: "off", ...env } }),
  );
}

/** Runs a test with a server of its own, which must not have met failures that nobody handled. */
export async function withPipelineServer(
  test: (server: PipelineServer) => Promise<void>,
  options: PipelineServerOptions = {},
): Promise<void> {
  const server = await openPipelineServer(options);
  try {
    await test(server);
    server.requireCalm();
  } catch (error) {
    console.log(server.log());
    throw error;
  } finally {
    await server.dispose();
  }
}

/** See the module. */
export class PipelineServer {
  readonly process: ServerProcess & { readonly url: string };

  constructor(process: ServerProcess & { readonly url: string }) {
    this.process = process;
  }

  get dataDir(): string {
    return this.process.dataDir;
  }

  /** What it wrote to its log so far. */
  log(): string {
    return this.process.errors();
  }

  /** Asserts that no failure went unhandled. */
  requireCalm(): void {
    const lines = this.log().split("\n").filter((line) =>
      line.includes("went unhandled") || line.includes('"status":500')
    );
    assert.deepEqual(lines, []);
  }

  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const type = typeof body === "string" ? "application/x-ndjson" : "application/json";
    const response = await fetch(`${this.process.url}/api${path}`, {
      method,
      headers: { "content-type": type },
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    return { status: response.status, body: answer === "" ? null : JSON.parse(answer) };
  }

  /** The body of an answer that must have this status. */
  // deno-lint-ignore no-explicit-any -- each answer has a form of its own
  async get(path: string, status = 200): Promise<any> {
    const answer = await this.send("GET", path);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body;
  }

  // deno-lint-ignore no-explicit-any -- each answer has a form of its own
  async post(path: string, body: unknown, status = 200): Promise<any> {
    const answer = await this.send("POST", path, body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body;
  }

  async createTable(table: string, schema = COLUMNS, more: unknown = {}): Promise<void> {
    await this.post("/tables", { table, schema, ...Object(more) }, 201);
  }

  /** One snapshot. */
  async append(table: string, rows: readonly unknown[]): Promise<void> {
    await this.post(
      `/table/${table}/append`,
      rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
    );
  }

  /** One snapshot of rows with these ids. */
  async appendIds(table: string, ids: readonly number[]): Promise<void> {
    await this.append(table, ids.map((id) => ({ id, name: `row ${id}` })));
  }

  async query(sql: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.post("/query", { sql, limit: 100_000 })).rows;
  }

  /** The ids of a table's rows, sorted. */
  async ids(table: string): Promise<readonly number[]> {
    return (await this.query(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => Number(id));
  }

  /** Ids of a table's snapshots, oldest first. */
  async snapshots(table: string): Promise<readonly string[]> {
    const { snapshots } = await this.get(`/table/${table}/snapshots`);
    const all: readonly { snapshot_id: string; timestamp: string }[] = snapshots;
    return all.toSorted((a, b) => a.timestamp < b.timestamp ? -1 : 1).map((one) => one.snapshot_id);
  }

  /** A request for a pipeline from `db.source` to `db.sink`. */
  request(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return {
      source_table: "drls.db.source",
      sink_table: "drls.db.sink",
      checkpoint_location: `${this.dataDir}/checkpoint`,
      trigger_interval: "0 seconds",
      ...more,
    };
  }

  async start(more: Readonly<Record<string, unknown>> = {}): Promise<PipelineView> {
    return await this.post("/pipeline/start", this.request(more));
  }

  /** The problem of a start that must be refused. */
  async refused(more: Readonly<Record<string, unknown>>): Promise<Answer> {
    const answer = await this.send("POST", "/pipeline/start", this.request(more));
    assert(answer.status >= 400, JSON.stringify(answer.body));
    return answer;
  }

  async stop(id: string): Promise<PipelineView> {
    return await this.post(`/pipeline/${id}/stop`, undefined);
  }

  async status(id: string): Promise<PipelineView> {
    return await this.get(`/pipeline/${id}/status`);
  }

  /** The status as soon as it is as wanted; what takes too long is an error. */
  async until(id: string, holds: (view: PipelineView) => boolean): Promise<PipelineView> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const view = await this.status(id);
      if (holds(view)) return view;
      if (performance.now() > giveUpAt) {
        throw new Error(`Never came true: ${holds}\n${JSON.stringify(view, null, 1)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /** Idle, with so many rows read. */
  async idleAt(id: string, rows: number): Promise<PipelineView> {
    return await this.until(id, (v) => v.status === "idle" && v.rows_processed === rows);
  }

  /** Failed for good. */
  async failed(id: string): Promise<{ readonly code: string; readonly message: string }> {
    const { last_error: error } = await this.until(id, ({ status }) => status === "failed");
    assert(error !== null);
    return error;
  }

  async dispose(): Promise<void> {
    await this.process.dispose();
  }
}
