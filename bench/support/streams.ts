/** Pipelines of a server under measurement, and what tables tell of who wrote them, whatever engine. */
import { join } from "node:path";
import type { BenchServer } from "./server.ts";

/** How often a pipeline is asked whether it has come so far, in milliseconds. */
const LOOK_MS = 20;
/** How long it may take. */
const PATIENCE_MS = 600_000;

/** A stream from one table to another. */
export interface Stream {
  readonly source: string;
  readonly sink: string;
  /** A query over the view `batch`; null for rows as they are. */
  readonly sql: string | null;
  readonly checkpoint: string;
}

/** What is asked of a pipeline's status here. */
export interface PipelineStatus {
  readonly pipeline_id: string;
  readonly status: string;
  readonly batches_processed: number;
  readonly output_rows: number;
  readonly last_error: unknown;
}

/** Starts a pipeline. */
export async function startPipeline(
  server: BenchServer,
  { source, sink, sql, checkpoint, trigger }: Stream & { readonly trigger: string },
): Promise<string> {
  const { pipeline_id } = await server.post("/api/pipeline/start", {
    source_table: source,
    sink_table: sink,
    checkpoint_location: checkpoint,
    trigger_interval: trigger,
    ...(sql === null ? {} : { transform: sql }),
  });
  return String(pipeline_id);
}

/** Ends one. */
export async function stopPipeline(server: BenchServer, id: string): Promise<void> {
  await server.post(`/api/pipeline/${id}/stop`, {});
}

/** Runs one over everything that there is. */
export async function runPipeline(server: BenchServer, stream: Stream): Promise<void> {
  const id = await startPipeline(server, { ...stream, trigger: "available-now" });
  await untilPipeline(server, { id, isReached: ({ status }) => status === "stopped" });
}

/** Waits until a pipeline has come so far; one that fails is an error. */
export async function untilPipeline(
  server: BenchServer,
  { id, isReached }: {
    readonly id: string;
    readonly isReached: (status: PipelineStatus) => boolean;
  },
): Promise<PipelineStatus> {
  const endsAtMs = performance.now() + PATIENCE_MS;
  while (performance.now() < endsAtMs) {
    const answer: unknown = await server.get(`/api/pipeline/${id}/status`);
    const status = answer as PipelineStatus;
    if (isReached(status)) return status;
    if (status.status === "failed" || status.status === "backing-off") {
      throw new Error(`Pipeline ${id} failed: ${JSON.stringify(status.last_error)}`);
    }
    await pause(LOOK_MS);
  }
  throw new Error(`Pipeline ${id} took more than ${PATIENCE_MS} ms`);
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A state of a table. */
export interface TableState {
  /** Rows, by the summary of its current snapshot. */
  readonly rows: number;
  /** When its metadata was written. */
  readonly atMs: number;
}

/** All states that a table of the warehouse has had, oldest first, by its metadata files. */
export async function tableStates(warehouse: string, table: string): Promise<TableState[]> {
  const folder = join(warehouse, ...table.split("."), "metadata");
  const states: TableState[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".metadata.json") || name.startsWith(".")) continue;
    const path = join(folder, name);
    const [text, { mtime }] = await Promise.all([Deno.readTextFile(path), Deno.stat(path)]);
    states.push({ rows: rowsOf(text), atMs: mtime?.getTime() ?? NaN });
  }
  return states.sort((a, b) => a.rows - b.rows || a.atMs - b.atMs);
}

/** Rows of the newest state. */
export async function rowsOfTable(warehouse: string, table: string): Promise<number> {
  return (await tableStates(warehouse, table)).at(-1)?.rows ?? 0;
}

/** Ids are compared as text: numbers in JavaScript would not tell them apart. */
function rowsOf(metadata: string): number {
  const current = /"current-snapshot-id"\s*:\s*(-?\d+)/.exec(metadata)?.[1];
  const quoted = metadata.replaceAll(/"((?:current-)?snapshot-id)"\s*:\s*(-?\d+)/g, '"$1":"$2"');
  const { snapshots = [] }: {
    readonly snapshots?: readonly {
      readonly "snapshot-id": string;
      readonly summary?: Readonly<Record<string, string>>;
    }[];
  } = JSON.parse(quoted);
  const snapshot = snapshots.find((one) => one["snapshot-id"] === current);
  return Number(snapshot?.summary?.["total-records"] ?? 0);
}

/**
 * How long after each growth of the source the sink had as many rows, in milliseconds; for streams
 * that keep the number of rows.
 */
export function delays(source: readonly TableState[], sink: readonly TableState[]): number[] {
  const grown = source.filter(({ rows }, at) => rows > (source[at - 1]?.rows ?? 0));
  return grown.map(({ rows, atMs }) => {
    const reached = sink.find((state) => state.rows >= rows);
    if (reached === undefined) throw new Error(`The sink never had ${rows} rows`);
    return reached.atMs - atMs;
  });
}

/** `load 1.23`: whether a figure was taken on a quiet machine. */
export function load(): string {
  return `load ${(Deno.loadavg()[0] ?? NaN).toFixed(1)}`;
}
