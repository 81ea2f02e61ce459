/** Read-only SQL over the tables of the catalog. */
import type { Log } from "../lib/log.ts";
import { MAX_QUERY_MS, QueryAnswer, QueryRequest, type ResultFormat } from "../lib/tables/mod.ts";
import { chooseMediaType } from "./_accept.ts";
import { logProblem } from "./_problem.ts";
import { type Route, route } from "./_route.ts";

/** A query has its own time; beside it the body is read and the tables are found. */
const REQUEST_SLACK_MS = 60_000;

const MEDIA_TYPES: Readonly<Record<ResultFormat, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
  arrow: "application/vnd.apache.arrow.stream",
};
const { json: _json, ...STREAMED } = MEDIA_TYPES;

/** `POST /api/query`. */
export const queryRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/query",
    operation: "runQuery",
    tag: "Query",
    summary: "Run a query that reads",
    description:
      "One statement in DuckDB's SQL, over tables as `namespace.table`. `Accept` picks " +
      "the form of the result: JSON, newline-delimited JSON, CSV with a header, or an Arrow " +
      "stream. What fails after the first bytes breaks the connection off: an answer that ends " +
      "properly is complete. In text, integers beyond 2^53 and decimals are strings.",
    role: "Auditor",
    body: { schema: QueryRequest },
    answer: {
      status: 200,
      description: "The result",
      schema: QueryAnswer,
      mediaTypes: Object.values(STREAMED),
    },
    errors: [
      "not_found",
      "not_acceptable",
      "corrupt_data",
      "unsupported",
      "too_large",
      "deadline_exceeded",
    ],
    timeoutMs: MAX_QUERY_MS + REQUEST_SLACK_MS,
    handler: async ({ ctx, body, request, services }) => {
      const format = chooseMediaType(request, MEDIA_TYPES);
      const rows = await services.queries.run(ctx, { request: body, format });
      const log = services.log.child({ request_id: ctx.requestId });
      const headers = {
        "content-type": MEDIA_TYPES[format],
        "cache-control": "no-store",
        vary: "accept",
      };
      return new Response(logged(rows, log), { headers });
    },
  }),
];

/** The same bytes; what breaks them off is written to the log, because no status tells it any more. */
function logged(rows: ReadableStream<Uint8Array>, log: Log): ReadableStream<Uint8Array> {
  const reader = rows.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        logProblem(log, error);
        // The server prints what it is given here, and the error may quote the query.
        controller.error(new Error("The answer broke off"));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
