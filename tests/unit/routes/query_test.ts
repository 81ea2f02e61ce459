import assert from "node:assert/strict";
import { AppError } from "../../../lib/errors.ts";
import type { Queries, QueryInput } from "../../../lib/tables/mod.ts";
import { as, harness } from "./_harness.ts";

function streamOf(...pieces: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece)));
}

async function post(
  body: unknown,
  options: { readonly accept?: string; readonly run?: Queries["run"] } = {},
) {
  const asked: QueryInput[] = [];
  const run: Queries["run"] = options.run ?? ((_, input) => {
    asked.push(input);
    return Promise.resolve(streamOf("a\r\n", "1\r\n"));
  });
  const { app, logged } = harness({ queries: { run } });
  const headers = as("Auditor", {
    "content-type": "application/json",
    ...(options.accept === undefined ? {} : { accept: options.accept }),
  });
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  return { response: await app.request("/api/query", init), asked, logged };
}

/** The form that an `Accept` gets; null where none will do. */
const FORMS: Readonly<Record<string, string | null>> = {
  "*/*": "json",
  "application/json": "json",
  "text/csv": "csv",
  "TEXT/CSV; header=present": "csv",
  "text/*": "csv",
  "application/*": "json",
  "application/x-ndjson, application/json;q=0.5": "ndjson",
  "application/json;q=0.1, text/csv;q=0.2": "csv",
  "application/json;q=0, */*": "ndjson",
  "application/vnd.apache.arrow.stream": "arrow",
  "text/html, */*;q=0.1": "json",
  "text/html": null,
  "application/json;q=0": null,
  "text/csv;q=nonsense": null,
};

for (const [accept, form] of Object.entries(FORMS)) {
  Deno.test(`POST /api/query with Accept "${accept}" answers ${form ?? "406"}`, async () => {
    const { response, asked } = await post({ sql: "SELECT 1" }, { accept });
    assert.equal(response.status, form === null ? 406 : 200);
    assert.deepEqual(asked.map(({ format }) => format), form === null ? [] : [form]);
    await response.body?.cancel();
  });
}

Deno.test("POST /api/query hands on the request, and its bytes as they come", async () => {
  const body = { sql: "SELECT 1", limit: 5, timeout_ms: 1000, at: { "db.t": { ref: "main" } } };
  const { response, asked } = await post(body, { accept: "text/csv" });
  assert.equal(await response.text(), "a\r\n1\r\n");
  assert.equal(response.headers.get("content-type"), "text/csv");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(asked, [{ request: body, format: "csv" }]);
});

Deno.test("POST /api/query refuses states of tables that are not exactly one", async () => {
  for (
    const at of [{}, { ref: "a", snapshot_id: "1" }, { snapshot_id: "x" }, { timestamp: "now" }]
  ) {
    const { response } = await post({ sql: "SELECT 1", at: { "db.t": at } });
    assert.equal(response.status, 422, JSON.stringify(at));
  }
});

Deno.test("POST /api/query writes what breaks a result off to the log", async () => {
  const run: Queries["run"] = () =>
    Promise.resolve(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode("a\r\n")),
        pull: (controller) =>
          controller.error(new AppError("too_large", "query_too_large", "Cannot go on")),
      }, { highWaterMark: 0 }),
    );
  const { response, logged } = await post({ sql: "SELECT 1" }, { run, accept: "text/csv" });
  await assert.rejects(response.text());
  assert.ok(
    logged().some((line) => line.code === "query_too_large" && line.request_id !== undefined),
  );
});
