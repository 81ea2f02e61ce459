/** Operations on tables, as they run and as they ended. */
import { z } from "zod";
import {
  Operation,
  type OperationEvent,
  OperationFilter,
  OperationList,
} from "../lib/operations/mod.ts";
import { pageFields, toPage } from "./_page_query.ts";
import { type Route, route } from "./_route.ts";

const TAG = "Operations";
/** Operations of one page, and of an answer that names no limit. */
const MAX_OPERATION_PAGE = 1_000;
/** A comment is sent after this silence, so that nobody in between takes the stream for dead. */
const KEEP_ALIVE_MS = 15_000;

const idParams = z.strictObject({ id: z.string().min(1).max(64) });

/** `/api/operations` and below. */
export const operationRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/operations",
    operation: "listOperations",
    tag: TAG,
    summary: "List operations on tables, newest first",
    role: "Auditor",
    query: z.strictObject({ ...OperationFilter.shape, ...pageFields(MAX_OPERATION_PAGE) }),
    answer: { status: 200, description: "A page of operations", schema: OperationList },
    handler: ({ ctx, query, services }) => {
      const { limit, cursor, ...filter } = query;
      const page = toPage({ limit, cursor }, MAX_OPERATION_PAGE);
      return services.operations.list(ctx, { filter, ...page });
    },
  }),
  route({
    method: "GET",
    path: "/api/operations/{id}",
    operation: "getOperation",
    tag: TAG,
    summary: "Show an operation: its state, its progress, its answer",
    role: "Auditor",
    params: idParams,
    answer: { status: 200, description: "The operation", schema: Operation },
    errors: ["not_found"],
    handler: ({ ctx, params, services }) => services.operations.get(ctx, params.id),
  }),
  route({
    method: "DELETE",
    path: "/api/operations/{id}",
    operation: "cancelOperation",
    tag: TAG,
    summary: "Cancel an operation",
    description:
      "A commit that is under way is not torn apart: the answer shows what became of it.",
    role: "DataEngineer",
    params: idParams,
    answer: { status: 200, description: "The operation, as it is now", schema: Operation },
    errors: ["not_found", "conflict"],
    handler: ({ ctx, params, services }) => services.operations.cancel(ctx, params.id),
  }),
  route({
    method: "GET",
    path: "/api/operations/{id}/events",
    operation: "watchOperation",
    tag: TAG,
    summary: "Stream an operation's progress until its end",
    description:
      "Server-sent events `progress` and `end`; the data is the operation. After a break, " +
      "`Last-Event-ID` leaves out what was seen; 204 says that the end was.",
    role: "Auditor",
    params: idParams,
    answer: {
      status: 200,
      description: "Events until the end",
      mediaTypes: ["text/event-stream"],
    },
    errors: ["not_found"],
    handler: async ({ ctx, params, request, services }) => {
      const lastEventId = request.headers.get("last-event-id");
      const events = await services.operations.watch(ctx, { id: params.id, lastEventId });
      if (events === null) return new Response(null, { status: 204 });
      const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
      return new Response(eventStream(events), { headers });
    },
  }),
];

/** Events on the wire, with comments where there is nothing to tell. */
function eventStream(events: AsyncIterable<OperationEvent>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const source = events[Symbol.asyncIterator]();
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(
        () => controller.enqueue(encoder.encode(": still here\n\n")),
        KEEP_ALIVE_MS,
      );
    },
    async pull(controller) {
      const { done, value } = await source.next();
      if (done === true) {
        clearInterval(timer);
        controller.close();
        return;
      }
      const { id, type, operation } = value;
      const lines = [`id: ${id}`, `event: ${type}`, `data: ${JSON.stringify(operation)}`];
      controller.enqueue(encoder.encode(`${lines.join("\n")}\n\n`));
    },
    async cancel() {
      clearInterval(timer);
      await source.return?.();
    },
  });
}
