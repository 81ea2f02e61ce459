/** Streaming pipelines: start, stop, look at, forget. Their live figures are in `monitor.ts`. */
import { z } from "zod";
import {
  PipelineHistory,
  PipelineList,
  PipelineView,
  StartPipelineRequest,
} from "../lib/pipelines/mod.ts";
import { idempotencyHeaders, readOperationHeaders } from "./_operation_headers.ts";
import { pageFields, toPage } from "./_page_query.ts";
import { type Route, route } from "./_route.ts";

const TAG = "Pipelines";
/** Pipelines, or batches, of one page, and of an answer that names no limit. */
const MAX_PAGE = 500;

const idParams = z.strictObject({ pipeline_id: z.string().min(1).max(128) });

/** `/api/pipelines` and `/api/pipeline/...`. */
export const pipelineRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/pipeline/start",
    operation: "startPipeline",
    tag: TAG,
    summary: "Start a streaming pipeline, or go on with one that has stopped",
    description:
      "Rows of the source flow into the sink, each exactly once. The answer comes when " +
      "the pipeline has found its tables. The checkpoint location identifies it: started with that " +
      "of a pipeline that has stopped or failed, it goes on where it ended, with these options.",
    role: "DataEngineer",
    body: { schema: StartPipelineRequest },
    answer: { status: 200, description: "The pipeline", schema: PipelineView },
    errors: ["not_found", "conflict", "corrupt_data", "unsupported", "too_large"],
    headers: idempotencyHeaders,
    handler: ({ ctx, body, request, services }) => {
      const { idempotencyKey } = readOperationHeaders(request.headers);
      return services.pipelines.start(ctx, body, idempotencyKey);
    },
  }),
  route({
    method: "POST",
    path: "/api/pipeline/{pipeline_id}/stop",
    operation: "stopPipeline",
    tag: TAG,
    summary: "Stop a pipeline",
    description: "A batch that is under way may end, for ten seconds; then it is abandoned, and " +
      "nothing of it is left. What has stopped already stays so.",
    role: "DataEngineer",
    params: idParams,
    answer: { status: 200, description: "The pipeline, as it is now", schema: PipelineView },
    errors: ["not_found"],
    timeoutMs: 40_000,
    handler: ({ ctx, params, services }) => services.pipelines.stop(ctx, params.pipeline_id),
  }),
  route({
    method: "GET",
    path: "/api/pipeline/{pipeline_id}/status",
    operation: "getPipelineStatus",
    tag: TAG,
    summary: "Show a pipeline: its state, its figures, its options",
    role: "Auditor",
    params: idParams,
    answer: { status: 200, description: "The pipeline", schema: PipelineView },
    errors: ["not_found"],
    handler: ({ ctx, params, services }) => services.pipelines.status(ctx, params.pipeline_id),
  }),
  route({
    method: "GET",
    path: "/api/pipeline/{pipeline_id}/history",
    operation: "getPipelineHistory",
    tag: TAG,
    summary: "List the last batches of a pipeline, newest first",
    role: "Auditor",
    params: idParams,
    query: z.strictObject(pageFields(MAX_PAGE)),
    answer: { status: 200, description: "A page of batches", schema: PipelineHistory },
    errors: ["not_found"],
    handler: ({ ctx, params, query, services }) =>
      services.pipelines.history(ctx, { id: params.pipeline_id, ...toPage(query, MAX_PAGE) }),
  }),
  route({
    method: "DELETE",
    path: "/api/pipeline/{pipeline_id}",
    operation: "deletePipeline",
    tag: TAG,
    summary: "Forget a pipeline that has stopped or failed",
    description: "The sink keeps its rows, and the place that the stream has come to: a pipeline " +
      "that is started with the same checkpoint location goes on from there.",
    role: "DataEngineer",
    params: idParams,
    answer: { status: 204, description: "It is forgotten" },
    errors: ["not_found", "conflict"],
    handler: async ({ ctx, params, services }) => {
      await services.pipelines.remove(ctx, params.pipeline_id);
      return new Response(null, { status: 204 });
    },
  }),
  route({
    method: "GET",
    path: "/api/pipelines",
    operation: "listPipelines",
    tag: TAG,
    summary: "List all pipelines, oldest first",
    role: "Auditor",
    query: z.strictObject(pageFields(MAX_PAGE)),
    answer: { status: 200, description: "A page of pipelines", schema: PipelineList },
    handler: ({ ctx, query, services }) => services.pipelines.list(ctx, toPage(query, MAX_PAGE)),
  }),
];
