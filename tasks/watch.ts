/**
 * `deno task watch`: pipelines of a server as they run, a line for each change. The token is that of
 * `TOKEN`; `--url` names another server, `--pipeline` one pipeline.
 */
import { parseArgs } from "node:util";
import { z } from "zod";
import { PipelineMetrics } from "../lib/pipelines/mod.ts";

const USAGE = `Usage: TOKEN=drls_... deno task watch [--url <url>] [--pipeline <id>] [--once]

  --url       the server, http://127.0.0.1:3000 by default
  --pipeline  one pipeline only
  --once      shows what there is now, and ends`;

const DEFAULT_URL = "http://127.0.0.1:3000";
/** Waits before it connects again, in milliseconds. */
const AGAIN_MS = 1_000;
/** With `--once`, how long it waits for the first message, and for another one after each. */
const SETTLED_MS = 1_500;
/** Closes after which nothing is gained by connecting again. */
const FINAL_CLOSES = new Set([1008, 4401, 4404]);

const Ticket = z.object({ ticket: z.string() });

interface Options {
  readonly url: string;
  readonly pipeline: string | undefined;
  readonly once: boolean;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    console.error(USAGE);
    return 2;
  }
  let since: string | null = null;
  const versions = new Map<string, number>();
  while (true) {
    const ended = await watch(options, since, (metrics) => {
      since = metrics.at;
      // After `since` the server says some things again.
      if (metrics.version <= (versions.get(metrics.pipeline_id) ?? -1)) return;
      versions.set(metrics.pipeline_id, metrics.version);
      console.log(line(metrics));
    });
    if (options.once) return 0;
    if (FINAL_CLOSES.has(ended.code)) {
      console.error(`The server closed the connection: ${ended.reason || ended.code}`);
      return 1;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

function readOptions(): Options | null {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        url: { type: "string", default: DEFAULT_URL },
        pipeline: { type: "string" },
        once: { type: "boolean", default: false },
      },
    });
    return { url: values.url, pipeline: values.pipeline, once: values.once };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return null;
  }
}

/** One connection, to its end. */
async function watch(
  { url, pipeline, once }: Options,
  since: string | null,
  onMetrics: (metrics: PipelineMetrics) => void,
): Promise<{ readonly code: number; readonly reason: string }> {
  const address = new URL("/api/pipeline/monitor", url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  if (pipeline !== undefined) address.searchParams.set("pipeline_id", pipeline);
  if (since !== null) address.searchParams.set("since", since);
  address.searchParams.set("ticket", await ticket(url));
  const socket = new WebSocket(address);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const settle = () => {
    clearTimeout(timer);
    if (once) timer = setTimeout(() => socket.close(), SETTLED_MS);
  };
  socket.addEventListener("open", settle);
  socket.addEventListener("message", ({ data }) => {
    onMetrics(PipelineMetrics.parse(JSON.parse(data)));
    settle();
  });
  return await new Promise((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => {
      clearTimeout(timer);
      resolve({ code, reason });
    });
  });
}

/** Good for one connection. A server without authentication gives one to everybody. */
async function ticket(url: string): Promise<string> {
  const token = Deno.env.get("TOKEN");
  const headers: Record<string, string> = token === undefined
    ? {}
    : { authorization: `Bearer ${token}` };
  const response = await fetch(new URL("/api/session/ticket", url), { method: "POST", headers });
  const body: unknown = await response.json();
  if (response.ok) return Ticket.parse(body).ticket;
  const { detail } = z.object({ detail: z.string() }).parse(body);
  throw new Error(`The server answers ${response.status}: ${detail}`);
}

/** One line: when, which, how it is, how much. */
function line(metrics: PipelineMetrics): string {
  const { lag, last_error: error } = metrics;
  return [
    metrics.at.slice(11, 23),
    `${metrics.source_table} → ${metrics.sink_table}`,
    metrics.status.padEnd(11),
    `${metrics.batches_processed} batches`,
    `${metrics.rows_processed} rows`,
    `${Math.round(metrics.input_rows_per_second)} rows/s`,
    lag.snapshots === null ? "" : `${lag.snapshots} snapshots behind`,
    error === null ? "" : `${error.code}: ${error.message}`,
  ].filter((part) => part !== "").join("  ");
}

try {
  Deno.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
