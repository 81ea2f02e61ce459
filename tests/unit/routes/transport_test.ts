import assert from "node:assert/strict";
import { z } from "zod";
import { AppError } from "../../../lib/errors.ts";
import { publicRoute, type Route, route } from "../../../routes/_route.ts";
import { as, harness, jsonRequest } from "./_harness.ts";

const Thing = z.strictObject({
  name: z.string().min(1),
  size: z.int().positive().optional(),
  parts: z.array(z.strictObject({ kind: z.enum(["a", "b"]) })).optional(),
});

const echo = route({
  method: "POST",
  path: "/api/things/{id}",
  operation: "makeThing",
  tag: "Catalog",
  summary: "Make a thing",
  role: "DataEngineer",
  params: z.strictObject({ id: z.string().max(5) }),
  query: z.strictObject({ dry: z.enum(["yes", "no"]).optional() }),
  body: { schema: Thing, maxBytes: 200 },
  answer: { status: 201, description: "x", schema: z.object({ made: z.string() }) },
  handler: ({ params, query, body }) => ({ made: `${params.id}/${body.name}/${query.dry}` }),
});

const failing = publicRoute({
  method: "GET",
  path: "/api/fail",
  operation: "fail",
  tag: "Health",
  summary: "Fail",
  answer: { status: 200, description: "x" },
  handler: () => {
    throw new AppError("internal", "broken_invariant", "SELECT hunter2", {
      cause: new Error("root cause"),
    });
  },
});

const ROUTES: readonly Route[] = [echo, failing];

async function send(path: string, init: RequestInit) {
  const { app, logged } = harness({ routes: ROUTES });
  const response = await app.request(path, init);
  return { response, body: await response.json(), logged };
}

Deno.test("a route gets its parameters, query and body parsed", async () => {
  const init = jsonRequest("DataEngineer", { name: "n" });
  const { response, body } = await send("/api/things/t%2F1?dry=yes", init);
  assert.equal(response.status, 201);
  assert.deepEqual(body, { made: "t/1/n/yes" });
  assert.equal(response.headers.get("content-type"), "application/json");
});

Deno.test("a request that parses but is wrong is 422 with each field named", async () => {
  const init = jsonRequest("DataEngineer", {
    size: -1,
    colour: "red",
    parts: [{ kind: "a" }, { kind: "c", weight: 1 }],
  });
  const { response, body } = await send("/api/things/toolong?dry=maybe&wet=1", init);
  assert.equal(response.status, 422);
  assert.equal(body.code, "invalid_request");
  const paths = body.errors.map((e: { path: string }) => e.path).sort();
  assert.deepEqual(paths, [
    "colour",
    "dry",
    "id",
    "name",
    "parts.1.kind",
    "parts.1.weight",
    "size",
    "wet",
  ]);
});

Deno.test("a field that was left out is told to be missing, in words of JSON", async () => {
  const init = jsonRequest("DataEngineer", { parts: [{}, { kind: 7 }] });
  const { body } = await send("/api/things/a?dry=yes", init);
  const messages = new Map(body.errors.map((e: Record<string, string>) => [e.path, e.message]));
  assert.equal(messages.get("name"), "Missing: expected string");
  assert.equal(messages.get("parts.0.kind"), 'Missing: expected "a" or "b"');
  assert.notEqual(messages.get("parts.1.kind"), undefined);
  assert.ok(!JSON.stringify(body).includes("undefined"));
  assert.ok(!String(messages.get("parts.1.kind")).startsWith("Missing"));
});

Deno.test("a query parameter that is repeated is 422", async () => {
  const init = jsonRequest("DataEngineer", { name: "n" });
  const { response, body } = await send("/api/things/a?dry=yes&dry=no", init);
  assert.equal(response.status, 422);
  assert.deepEqual(body.errors.map((e: { path: string }) => e.path), ["dry"]);
});

Deno.test("a body that is not JSON is 400 and is not quoted", async () => {
  for (const text of ['{"name": hunter2}', "", "{", '{"a":1}}', "undefined"]) {
    const { response, body } = await send("/api/things/a", jsonRequest("DataEngineer", text));
    assert.equal(response.status, 400, text);
    assert.equal(body.code, "malformed_json");
    assert.ok(!JSON.stringify(body).includes("hunter2"));
  }
});

Deno.test("a body that is not UTF-8 is 400", async () => {
  const { response } = await send("/api/things/a", {
    method: "POST",
    headers: as("DataEngineer", { "content-type": "application/json" }),
    body: new Uint8Array([0x22, 0xff, 0x22]),
  });
  assert.equal(response.status, 400);
});

Deno.test("a body of another media type is 415", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    const headers = as("DataEngineer", { "content-type": type });
    const { response, body } = await send("/api/things/a", { method: "POST", headers, body: "{}" });
    assert.equal(response.status, 415, type);
    assert.match(body.detail, /expected Content-Type "application\/json"/);
  }
  const none = { method: "POST", headers: as("DataEngineer"), body: new Uint8Array([123, 125]) };
  assert.equal((await send("/api/things/a", none)).response.status, 415);
});

Deno.test("a JSON media type may carry parameters and a structured suffix", async () => {
  for (
    const type of ["application/json; charset=utf-8", "application/vnd.x+json", "Application/JSON"]
  ) {
    const headers = as("DataEngineer", { "content-type": type });
    const body = '{"name":"n"}';
    const { response } = await send("/api/things/a", { method: "POST", headers, body });
    assert.equal(response.status, 201, type);
  }
});

Deno.test("a body beyond its route's bound is 413, announced or not", async () => {
  const long = JSON.stringify({ name: "n".repeat(300) });
  const announced = await send("/api/things/a", jsonRequest("DataEngineer", long));
  assert.equal(announced.response.status, 413);
  assert.match(announced.body.detail, /at most 200 bytes/);
  const stream = new ReadableStream({
    pull(controller) {
      // Endless: only the bound ends this.
      controller.enqueue(new Uint8Array(64).fill(32));
    },
  });
  const headers = as("DataEngineer", { "content-type": "application/json" });
  const init = { method: "POST", headers, body: stream, duplex: "half" } as RequestInit;
  assert.equal((await send("/api/things/a", init)).response.status, 413);
});

Deno.test("a body that breaks off is a cancellation, not a failure of ours", async () => {
  const stream = new ReadableStream({
    pull(controller) {
      controller.error(new Error("connection reset"));
    },
  });
  const headers = as("DataEngineer", { "content-type": "application/json" });
  const init = { method: "POST", headers, body: stream, duplex: "half" } as RequestInit;
  const { response, body, logged } = await send("/api/things/a", init);
  assert.equal(response.status, 503);
  assert.equal(body.code, "body_broke_off");
  assert.ok(!logged().some((line) => line.level === "error"));
});

Deno.test("who may not call a route learns nothing about its body", async () => {
  const anonymous = { ...jsonRequest("Auditor", "not json"), headers: {} };
  assert.equal((await send("/api/things/a", anonymous)).response.status, 401);
  const auditor = await send("/api/things/a", jsonRequest("Auditor", "not json"));
  assert.equal(auditor.response.status, 403);
  assert.match(auditor.body.detail, /"DataEngineer".*"Auditor"/);
});

Deno.test("an unknown path is 404", async () => {
  for (const path of ["/", "/api", "/api/things", "/api/things/a/", "/api/fail/x", "/API/fail"]) {
    const { response, body } = await send(path, { method: "GET" });
    assert.equal(response.status, 404, path);
    assert.equal(body.code, "route_not_found");
  }
});

Deno.test("a method that a path does not have is 405 with Allow", async () => {
  const wrong = await send("/api/things/a", { method: "DELETE" });
  assert.equal(wrong.response.status, 405);
  assert.equal(wrong.response.headers.get("allow"), "POST, OPTIONS");
  const head = await send("/api/fail", { method: "PROPFIND" });
  assert.equal(head.response.headers.get("allow"), "GET, HEAD, OPTIONS");
});

Deno.test("a URL that cannot be parsed is 400", async () => {
  const { app } = harness({ routes: ROUTES });
  // Such a request only comes over a socket: the constructor of Request refuses it.
  const request = new Proxy(new Request("http://localhost/api/fail"), {
    get: (target, key) => key === "url" ? "http://[bad/api/fail" : Reflect.get(target, key),
  });
  const response = await app.fetch(request);
  assert.equal(response.status, 400);
  const { code, instance } = await response.json();
  assert.deepEqual([code, instance], ["malformed_url", "/api/fail"]);
});

Deno.test("OPTIONS names the methods of a path", async () => {
  const { app } = harness({ routes: ROUTES });
  const response = await app.request("/api/things/a", { method: "OPTIONS" });
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("allow"), "POST, OPTIONS");
  assert.equal((await app.request("/api/nowhere", { method: "OPTIONS" })).status, 404);
});

Deno.test("HEAD answers as GET without a body", async () => {
  const { app } = harness();
  const get = await app.request("/api/health");
  const head = await app.request("/api/health", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  assert.equal(head.headers.get("content-type"), "application/json");
  assert.equal(head.headers.get("content-length"), get.headers.get("content-length"));
});

Deno.test("a 5xx shows no text of the exception, and the log has its causes under the id", async () => {
  const { response, body, logged } = await send("/api/fail", { method: "GET" });
  assert.equal(response.status, 500);
  assert.ok(!JSON.stringify(body).includes("hunter2"));
  const entry = logged().find((line) => line.message === "Request failed");
  assert.equal(entry.request_id, body.request_id);
  assert.match(entry.error, /SELECT hunter2[\s\S]*root cause/);
});

Deno.test("buildApp() throws for a route without a role", () => {
  const broken: Route = Object.assign({}, echo, { role: undefined });
  assert.throws(
    () => harness({ routes: [broken] }),
    /"POST \/api\/things\/\{id\}" declares no role/,
  );
  const misspelt: Route = Object.assign({}, echo, { role: "admin" });
  assert.throws(() => harness({ routes: [misspelt] }), TypeError);
});

Deno.test("buildApp() throws for a route that is declared twice", () => {
  assert.throws(() => harness({ routes: [echo, echo] }), /declared twice/);
});
