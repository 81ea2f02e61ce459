import assert from "node:assert/strict";
import { AppError, type ErrorKind } from "../../../lib/errors.ts";
import { createLog } from "../../../lib/log.ts";
import {
  DEFAULT_RETRY_AFTER_SECONDS,
  logProblem,
  methodNotAllowed,
  Problem,
  problemResponse,
} from "../../../routes/_problem.ts";

const CONTEXT = { requestId: "req-1", path: "/api/x" };

/** The contract, written a second time: a change of the map must be meant. */
const STATUSES: Record<ErrorKind, number> = {
  malformed: 400,
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  not_acceptable: 406,
  upgrade_required: 426,
  rate_limited: 429,
  corrupt_data: 422,
  unsupported: 422,
  unavailable: 503,
  deadline_exceeded: 503,
  cancelled: 503,
  commit_state_unknown: 500,
  internal: 500,
};

for (const [kind, status] of Object.entries(STATUSES)) {
  Deno.test(`problemResponse() shows "${kind}" as ${status} in the form of the contract`, async () => {
    const error = new AppError(kind as ErrorKind, "some_code", "Cannot do it", {
      issues: [{ path: "a.b", message: "Expected text" }],
      context: { location: "/secret/path" },
      cause: new Error("SELECT secret"),
    });
    const response = problemResponse(error, CONTEXT);
    const text = await response.text();
    const body = Problem.parse(JSON.parse(text));
    assert.equal(response.status, status);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.equal(body.status, status);
    assert.equal(body.instance, "/api/x");
    assert.equal(body.request_id, "req-1");
    assert.equal(body.success, false);
    assert.deepEqual(body.errors, [{ path: "a.b", message: "Expected text" }]);
    assert.ok(!/secret|SELECT/.test(text), text);
    const internal = kind === "internal";
    assert.equal(body.code, internal ? "internal_error" : "some_code");
    assert.equal(body.type, `urn:drls:error:${body.code}`);
    assert.equal(body.detail.includes("Cannot do it"), !internal);
    assert.equal(response.headers.has("retry-after"), status === 503);
    assert.equal(response.headers.has("www-authenticate"), status === 401);
    assert.equal(response.headers.get("upgrade"), status === 426 ? "websocket" : null);
    assert.equal(response.headers.get("sec-websocket-version"), status === 426 ? "13" : null);
  });
}

Deno.test("problemResponse() says how long to wait, in whole seconds", () => {
  const wait = (kind: ErrorKind, retryAfterSeconds?: number) =>
    problemResponse(
      new AppError(kind, "c", "m", retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      CONTEXT,
    ).headers.get("retry-after");
  assert.equal(wait("rate_limited", 12.2), "13");
  assert.equal(wait("unavailable", 0), "1");
  assert.equal(wait("unavailable"), String(DEFAULT_RETRY_AFTER_SECONDS));
  assert.equal(wait("conflict"), null);
});

Deno.test("problemResponse() tells nothing of an error that nobody expected", async () => {
  for (const error of [new TypeError("token=hunter2"), "hunter2", null, { hunter2: 1 }]) {
    const response = problemResponse(error, CONTEXT);
    const text = await response.text();
    assert.equal(response.status, 500);
    assert.equal(JSON.parse(text).code, "internal_error");
    assert.ok(!text.includes("hunter2"), text);
    assert.equal(JSON.parse(text).errors, undefined);
  }
});

Deno.test("problemResponse() takes a bare abort for a cancellation", async () => {
  const response = problemResponse(new DOMException("aborted", "AbortError"), CONTEXT);
  assert.equal(response.status, 503);
  assert.equal((await response.json()).code, "cancelled");
});

Deno.test("methodNotAllowed() names the methods", async () => {
  const response = methodNotAllowed("GET, HEAD, OPTIONS", CONTEXT);
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("allow"), "GET, HEAD, OPTIONS");
  assert.equal(Problem.parse(await response.json()).code, "method_not_allowed");
});

Deno.test("logProblem() writes the whole chain of causes of a 5xx", () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", sink: (line) => lines.push(line) });
  const root = new Error("connection reset by 10.0.0.7");
  const cause = new Error("cannot fetch", { cause: root });
  logProblem(log, new AppError("unavailable", "store_away", "Cannot reach it", { cause }));
  assert.equal(JSON.parse(lines[0] ?? "").level, "error");
  assert.match(lines[0] ?? "", /Cannot reach it.*cannot fetch.*connection reset by 10\.0\.0\.7/);
});

Deno.test("logProblem() is quiet about refusals and gone clients", () => {
  const lines: string[] = [];
  const log = createLog({ level: "debug", sink: (line) => lines.push(line) });
  logProblem(log, new AppError("not_found", "c", "m"));
  logProblem(log, new AppError("cancelled", "c", "m"));
  logProblem(log, new RangeError("bug"));
  assert.deepEqual(lines.map((line) => JSON.parse(line).level), ["debug", "info", "error"]);
});
