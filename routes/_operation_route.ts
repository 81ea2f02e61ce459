/**
 * Routes that start operations on tables: each declares its body, its role and its verb; waiting or
 * not, repeating safely, and both in the document, are handled once, here.
 */
import type { z } from "zod";
import type { Role } from "../lib/access/mod.ts";
import type { ErrorKind } from "../lib/errors.ts";
import {
  OperationAccepted,
  type OperationContext,
  OperationResult,
  type StartedOperation,
} from "../lib/operations/mod.ts";
import {
  operationHeaders,
  PREFER,
  readOperationHeaders,
  RESPOND_ASYNC,
} from "./_operation_headers.ts";
import { jsonReply } from "./_reply.ts";
import { type Answer, type Call, type Route, route, type RouteFacts } from "./_route.ts";
import type { Services } from "./services.ts";

/** What changing one table can meet. */
export const OPERATION_ERRORS: readonly ErrorKind[] = [
  "not_found",
  "conflict",
  "corrupt_data",
  "unsupported",
  "too_large",
  "deadline_exceeded",
  "commit_state_unknown",
];

/** Where one operation is. */
export function operationPath(id: string): string {
  return `/api/operations/${id}`;
}

const ACCEPTED: Answer = {
  status: 202,
  description: "Started, as `Prefer: respond-async` asked",
  schema: OperationAccepted,
  headers: {
    Location: "Where the operation is",
    "Preference-Applied": RESPOND_ASYNC,
  },
};

/** Facts that every route which starts an operation shares; spread them into its declaration. */
export const OPERATION_FACTS = {
  errors: OPERATION_ERRORS,
  timeoutMs: "operation",
  headers: operationHeaders,
  otherAnswers: [ACCEPTED],
} as const satisfies Partial<RouteFacts>;

/** Options of {@linkcode operationRoute}. */
export interface OperationRouteSpec<B extends z.ZodType> {
  /** With `/api`: `/api/compact`. */
  readonly path: string;
  /** `operationId` of the document. */
  readonly operation: string;
  readonly summary: string;
  readonly description?: string;
  /** `DataEngineer` without it. */
  readonly role?: Role;
  readonly body: B;
  readonly start: (
    services: Services,
    ctx: OperationContext,
    body: z.infer<B>,
  ) => Promise<StartedOperation>;
}

/** Declares `POST {path}` with a JSON body that starts an operation. */
export function operationRoute<B extends z.ZodType>(spec: OperationRouteSpec<B>): Route {
  const { start, body, role = "DataEngineer", ...facts } = spec;
  return route({
    ...OPERATION_FACTS,
    ...facts,
    method: "POST",
    tag: "Operations",
    role,
    body: { schema: body },
    answer: { status: 200, description: "What was done", schema: OperationResult },
    handler: (call) => answerOperation(call, (ctx) => start(call.services, ctx, call.body)),
  });
}

/** Options of {@linkcode answerOperation}. */
export interface AnswerOperationOptions {
  /** 200 without it. */
  readonly status?: 200 | 201;
  /** Identifies the content of a streamed body, once it was read; see `Idempotency`. */
  readonly fingerprint?: Promise<string>;
  /** Of a streamed body: resolves once it was read to its end. Until then its client has to stay. */
  readonly received?: Promise<void>;
}

/** Starts an operation with what the request's headers ask for, and answers as they ask. */
export async function answerOperation(
  call: Call<unknown, unknown, unknown>,
  start: (ctx: OperationContext) => Promise<StartedOperation>,
  options: AnswerOperationOptions = {},
): Promise<Response> {
  const { request } = call;
  const { idempotencyKey: key, respondAsync } = readOperationHeaders(request.headers);
  const idempotency = key === null ? null : {
    key,
    scope: `${request.method} ${new URL(request.url).pathname}`,
    fingerprint: options.fingerprint ?? await fingerprintOf(call),
  };
  const started = await start({ ...call.ctx, idempotency, detached: respondAsync });
  const replayed = started.replayed ? { "idempotency-replayed": "true" } : undefined;
  if (started.detached) {
    // What fails before all rows are there can still be told at once.
    if (!started.replayed && options.received !== undefined) {
      const { result } = started;
      await Promise.race([options.received.catch(() => result), result]);
    }
    return accepted(started, { ...replayed, ...applied(respondAsync) });
  }
  const result = await started.result;
  return jsonReply(result, {
    status: options.status ?? 200,
    ...(replayed === undefined ? {} : { headers: replayed }),
  });
}

function accepted(started: StartedOperation, headers: Record<string, string>): Response {
  const { id, kind, table } = started;
  const body: OperationAccepted = { success: true, operation: kind, table, operation_id: id };
  return jsonReply(body, { status: 202, headers: { ...headers, location: operationPath(id) } });
}

function applied(respondAsync: boolean): Record<string, string> {
  return respondAsync ? { "preference-applied": RESPOND_ASYNC, vary: PREFER } : {};
}

/** Requests of equal meaning have equal prints, however their JSON was spaced. */
async function fingerprintOf({ params, query, body }: Call<unknown, unknown, unknown>) {
  const bytes = new TextEncoder().encode(JSON.stringify([params, query, body ?? null]));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}
