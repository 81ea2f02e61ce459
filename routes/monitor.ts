/** Pipelines as they run, over a WebSocket. */
import { z } from "zod";
import { PipelineMetrics } from "../lib/pipelines/mod.ts";
import { type Route, route } from "./_route.ts";
import { requireHandshake, upgrade } from "./_web_socket.ts";

const DESCRIPTION = `A WebSocket. On connect it sends one text message for each pipeline, then one \
for each change: a JSON object each, of the schema below. Changes of one pipeline within 100 ms are \
sent as one, and a client that reads slowly gets the newest message of each pipeline.

Browsers authenticate with the session cookie or with \`?ticket=\` (\`POST /api/session/ticket\`), and \
their page has to be of this server or of \`DRLS_CORS_ORIGINS\`. The server sends pings and expects \
answers; messages of the client are ignored, many or large ones end the connection.

Close codes: 1001 the server stops, or no answer to a ping; 1008 too many messages; 1009 message \
too big; 1013 nothing was read for a minute; 4401 the credential is not valid any more; 4404 the \
pipeline of \`pipeline_id\` was deleted. After 1001 and 1013 connect again, with \`since\`.

Messages of different pipelines do not come in the order of \`at\`. On connect with \`since\` those that \
are up to 66 seconds older are sent again; drop what has no higher \`version\` than you know of its pipeline.`;

/** `GET /api/pipeline/monitor`. */
export const monitorRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/pipeline/monitor",
    operation: "monitorPipelines",
    tag: "Pipelines",
    summary: "Watch pipelines live, over a WebSocket",
    description: DESCRIPTION,
    role: "Auditor",
    query: z.strictObject({
      pipeline_id: z.string().min(1).max(128).optional().describe("one pipeline only"),
      since: z.iso.datetime({ offset: true }).optional().describe(
        "`at` of the last message seen: on connect, pipelines without news since a minute before " +
          "that are left out",
      ),
    }),
    answer: {
      status: 101,
      description: "The WebSocket; its messages are of this schema",
      schema: PipelineMetrics,
      headers: { Upgrade: "`websocket`" },
    },
    errors: ["not_found", "upgrade_required"],
    handler: ({ ctx, query, request, services: { monitor } }) => {
      const { pipeline_id: pipelineId = null, since } = query;
      const sinceMs = since === undefined ? null : Date.parse(since);
      requireHandshake(request);
      monitor.admit(ctx, { pipelineId, sinceMs });
      const { socket, response } = upgrade(request, monitor.idleTimeoutSeconds);
      monitor.watch(socket, { principal: ctx.principal, pipelineId, sinceMs });
      return response;
    },
  }),
];
