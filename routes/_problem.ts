/**
 * The one place that turns an error into a status and a problem document (RFC 9457). A 5xx shows
 * only what we wrote for the caller; the exception itself goes to the log under the request id.
 */
import { z } from "zod";
import { AppError, type ErrorKind, type FieldIssue } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";

/** The body of every error answer. */
export const Problem = z.object({
  type: z.string().describe("urn:drls:error:<code>"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().describe("path of the request"),
  code: z.string().describe("stable identifier to branch on"),
  request_id: z.string().describe("quote it when reporting; the log holds more under it"),
  success: z.literal(false),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional()
    .describe("each field that is wrong"),
}).meta({ id: "Problem" });
/** The body of every error answer. */
export type Problem = z.infer<typeof Problem>;

/** How a kind of error shows over HTTP. */
export interface ProblemShape {
  readonly status: ProblemStatus;
  readonly title: string;
}

/** Every status that an error can have. */
export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 406
  | 409
  | 412
  | 413
  | 415
  | 422
  | 426
  | 429
  | 500
  | 503;

/** Seconds after which a caller may try again, where the error does not say. */
export const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** The one version of WebSockets that there is (RFC 6455, 4.1). */
export const WEB_SOCKET_VERSION = "13";

/** One shape for each kind: a new kind does not compile until it has a status. */
const SHAPES: Readonly<Record<ErrorKind, ProblemShape>> = {
  malformed: { status: 400, title: "Malformed request" },
  invalid: { status: 422, title: "Invalid request" },
  unauthenticated: { status: 401, title: "Authentication required" },
  forbidden: { status: 403, title: "Forbidden" },
  not_found: { status: 404, title: "Not found" },
  already_exists: { status: 409, title: "Already exists" },
  conflict: { status: 409, title: "Conflict" },
  precondition_failed: { status: 412, title: "Precondition failed" },
  too_large: { status: 413, title: "Too large" },
  not_acceptable: { status: 406, title: "Not acceptable" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  upgrade_required: { status: 426, title: "Upgrade required" },
  rate_limited: { status: 429, title: "Too many requests" },
  // The request is understood and the table is there, but what it holds cannot be processed.
  corrupt_data: { status: 422, title: "Corrupt table data" },
  unsupported: { status: 422, title: "Not supported" },
  unavailable: { status: 503, title: "Temporarily unavailable" },
  deadline_exceeded: { status: 503, title: "Deadline exceeded" },
  // The client is gone, or the server is stopping: whoever still hears this may try again.
  cancelled: { status: 503, title: "Cancelled" },
  // Not 503: nobody may repeat blindly what may already have happened.
  commit_state_unknown: { status: 500, title: "Commit state unknown" },
  internal: { status: 500, title: "Internal error" },
};

/** What an error is rendered with. */
export interface ProblemContext {
  readonly requestId: string;
  /** Path of the request, without the query: that may hold a ticket. */
  readonly path: string;
}

/** Status and title of a kind of error. */
export function problemShape(kind: ErrorKind): ProblemShape {
  return SHAPES[kind];
}

/** The answer to a failed request. Anything but an {@linkcode AppError} shows as `internal`. */
export function problemResponse(error: unknown, context: ProblemContext): Response {
  const known = toAppError(error);
  const { status, title } = SHAPES[known.kind];
  const headers = new Headers();
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="drls"');
  if (status === 426) {
    headers.set("upgrade", "websocket");
    headers.set("sec-websocket-version", WEB_SOCKET_VERSION);
  }
  const wait = known.retryAfterSeconds ?? (status === 503 ? DEFAULT_RETRY_AFTER_SECONDS : null);
  if (wait !== null) headers.set("retry-after", String(Math.max(1, Math.ceil(wait))));
  const opaque = known.kind === "internal";
  return renderProblem(
    {
      status,
      title,
      detail: opaque
        ? "Unexpected failure; the log holds more under the request id"
        : known.message,
      code: opaque ? "internal_error" : known.code,
      errors: known.issues,
    },
    context,
    headers,
  );
}

/** 405 for a path that exists, with the methods it has. */
export function methodNotAllowed(allow: string, context: ProblemContext): Response {
  const problem = {
    status: 405,
    title: "Method not allowed",
    detail: `Expected one of the methods ${allow}`,
    code: "method_not_allowed",
    errors: [],
  } as const;
  return renderProblem(problem, context, new Headers({ allow }));
}

/** Writes a failed request to the log: 5xx as errors with the full chain of causes. */
export function logProblem(log: Log, error: unknown): void {
  const known = toAppError(error);
  const { status } = SHAPES[known.kind];
  const fields = { kind: known.kind, code: known.code, status, context: known.context, error };
  if (known.kind === "cancelled") log.info("Request cancelled", fields);
  else if (status >= 500) log.error("Request failed", fields);
  else log.debug("Request refused", fields);
}

/** What {@linkcode renderProblem} shows. */
interface ProblemParts {
  readonly status: ProblemStatus;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  readonly errors: readonly FieldIssue[];
}

function renderProblem(
  { errors, ...parts }: ProblemParts,
  context: ProblemContext,
  headers: Headers,
): Response {
  const body: Problem = {
    type: `urn:drls:error:${parts.code}`,
    ...parts,
    instance: context.path,
    request_id: context.requestId,
    success: false,
    ...(errors.length === 0 ? {} : { errors: [...errors] }),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  headers.set("content-type", "application/problem+json");
  headers.set("content-length", String(bytes.byteLength));
  return new Response(bytes, { status: parts.status, headers });
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // An abort that reaches us bare is a cancellation that nobody translated, not a bug.
  if (error instanceof DOMException && error.name === "AbortError") {
    return new AppError("cancelled", "cancelled", "The request was cancelled", { cause: error });
  }
  return new AppError("internal", "internal_error", "Unexpected failure", { cause: error });
}
