/** A server with a pipeline that runs: rows that are appended to one table appear in another. */
import { ADMIN_TOKEN, type Server, startServer } from "./_server.ts";

/** Where rows come from, and where they go. */
export const TABLES = { source: "db.events", sink: "db.events_copy" } as const;

/** A running pipeline. */
export interface LivePipeline extends AsyncDisposable {
  readonly server: Server;
  /** Of the pipeline, once it was started. */
  start(): Promise<string>;
  stop(pipelineId: string): Promise<void>;
  /** Rows for the source. */
  append(rows: number): Promise<void>;
}

/** Starts a server with an empty source table and no pipeline. */
export async function openLivePipeline(): Promise<LivePipeline> {
  const warehouse = await Deno.makeTempDir({ prefix: "drls-live-" });
  const server = await startServer({ DRLS_WAREHOUSE: warehouse });
  const post = async (path: string, contentType: string, body: string) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": contentType };
    const response = await fetch(`${server.url}/api${path}`, { method: "POST", headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${path} gave ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  const postJson = (path: string, body: unknown) =>
    post(path, "application/json", JSON.stringify(body));
  await postJson("/tables", {
    table: TABLES.source,
    schema: [{ name: "id", type: "BIGINT" }, { name: "name", type: "STRING" }],
  });
  let id = 0;
  return {
    server,
    async start() {
      const { pipeline_id } = await postJson("/pipeline/start", {
        source_table: TABLES.source,
        sink_table: TABLES.sink,
        checkpoint_location: `${warehouse}/_checkpoints/live`,
        trigger_interval: "0 seconds",
      });
      return pipeline_id;
    },
    stop: async (pipelineId) => void await postJson(`/pipeline/${pipelineId}/stop`, {}),
    async append(rows) {
      const lines = Array.from({ length: rows }, () => JSON.stringify({ id: ++id, name: "x" }));
      await post(`/table/${TABLES.source}/append`, "application/x-ndjson", lines.join("\n"));
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(warehouse, { recursive: true });
    },
  };
}
