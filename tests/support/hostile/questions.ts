/** Asks a real server about tables that lie, and holds its answers to what was promised. */
import assert from "node:assert/strict";
import { startServer } from "../server_process.ts";

/** What may be asked about one table. */
export const PARTS = ["schema", "snapshots", "refs", "files", "health"] as const;
/** One question. */
export type Part = typeof PARTS[number];

/**
 * How long the answer to one question about one hostile table may take: less than the server's own
 * deadline, after which it would be a 503. Idle, the slowest takes a few seconds; the suite shares two
 * cores with others.
 */
export const MAX_ANSWER_MS = 28_000;
/** How long a healthy neighbour may wait meanwhile. */
export const MAX_NEIGHBOUR_MS = 25_000;
/**
 * Memory of the whole process at its peak: two reader isolates, each with a worst document or block
 * in hand and the garbage of the one before.
 */
export const MAX_RSS_BYTES = 4 * 1024 ** 3;

/** Answered, no such table, too large, corrupt or not supported. Never 5xx. */
const STATUSES: ReadonlySet<number> = new Set([200, 404, 413, 422]);
const LONGEST_DETAIL = 2_000;

/** One answer. */
export interface Answer {
  readonly table: string;
  readonly part: Part;
  readonly status: number;
  readonly code: string | null;
  readonly detail: string | null;
  readonly ms: number;
}

/** A server over a warehouse of its own. */
export type HostileServer = Awaited<ReturnType<typeof startHostileServer>>;

/** Starts a server over `warehouse`, whose tables `neighbours` are healthy. */
export async function startHostileServer(
  warehouse: string,
  { neighbours, env = {} }: {
    readonly neighbours: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  },
) {
  const server = await startServer({
    env: { DRLS_WAREHOUSE: warehouse, DRLS_AUTH: "off", ...env },
  });

  async function get(path: string): Promise<Response> {
    return await fetch(`${server.url}/api/${path}`);
  }

  async function ask(table: string, part: Part): Promise<Answer> {
    const start = performance.now();
    const response = await get(`table/${encodeURIComponent(table)}/${part}`);
    const text = await response.text();
    const ms = performance.now() - start;
    const { status } = response;
    if (status === 200) {
      const body = JSON.parse(text);
      assert.equal(body.success, true);
      return { table, part, status, code: null, detail: null, ms };
    }
    assert.equal(response.headers.get("content-type"), "application/problem+json", text);
    const { code, detail } = JSON.parse(text);
    return { table, part, status, code, detail, ms };
  }

  return {
    ...server,
    get,
    ask,
    /** Asks everything about one table, checks each answer, and returns them. */
    async interrogate(table: string): Promise<readonly Answer[]> {
      const answers = await Promise.all(PARTS.map((part) => ask(table, part)));
      for (const answer of answers) checkAnswer(answer, warehouse);
      return answers;
    },
    /** The neighbours are listed and answer, in time. */
    async checkNeighbours(): Promise<void> {
      const start = performance.now();
      const [listed, ...answers] = await Promise.all([
        get("tables").then((response) => response.json()),
        ...neighbours.flatMap((table) => PARTS.map((part) => ask(table, part))),
      ]);
      for (const table of neighbours) assert.ok(listed.tables?.includes(table), `${table} is gone`);
      for (const { table, part, status } of answers) assert.equal(status, 200, `${table} ${part}`);
      const ms = performance.now() - start;
      assert.ok(ms < MAX_NEIGHBOUR_MS, `neighbours waited ${Math.round(ms)} ms`);
    },
    /** No isolate was lost, nothing failed inside, and memory stayed in its bounds. */
    async checkProcess(): Promise<void> {
      const errors = server.errors();
      const lines = errors.split("\n").filter((line) => line.includes('"level":"error"'));
      assert.deepEqual(lines.slice(0, 3), [], "errors in the log");
      const peak = await peakRssBytes(server.child.pid);
      if (peak !== null) assert.ok(peak < MAX_RSS_BYTES, `${Math.round(peak / 2 ** 20)} MiB`);
    },
    peakRssBytes: () => peakRssBytes(server.child.pid),
  };
}

/** What is promised of every answer. */
export function checkAnswer(answer: Answer, warehouse: string): void {
  const { table, part, status, code, detail, ms } = answer;
  const shown = `${table} ${part}: ${status} ${code} ${detail?.slice(0, 300)}`;
  assert.ok(STATUSES.has(status), shown);
  assert.ok(ms < MAX_ANSWER_MS, `${shown} after ${Math.round(ms)} ms`);
  if (status === 200) return;
  assert.match(code ?? "", /^[a-z][a-z0-9_]+$/, shown);
  assert.ok(detail !== null && detail !== "" && detail.length < LONGEST_DETAIL, shown);
  assert.ok(!detail.includes(warehouse) && !/(^|[\s"'(])\/[\w.-]+\//.test(detail), shown);
}

/** The most memory that a process has held, where the system tells. */
async function peakRssBytes(pid: number): Promise<number | null> {
  if (Deno.build.os !== "linux") return null;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) * 1024;
}
