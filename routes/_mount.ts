/**
 * Puts routes on the wire. One request, in order: principal, role, parameters, body, handler; all
 * of it within one deadline. What has no route is 404, or 405 where other methods have one.
 */
import type { Context, Hono } from "hono";
import { type CallContext, type Principal, requireRole, ROLES } from "../lib/access/mod.ts";
import { AppError } from "../lib/errors.ts";
import { readJsonBody, requireMediaType } from "./_body.ts";
import { withDeadline } from "./_deadline.ts";
import type { AppEnv } from "./_env.ts";
import { authenticate, isWebSocket, TICKET_PARAMETER } from "./_middleware/authentication.ts";
import { ownOrigin } from "./_origin.ts";
import { logProblem, methodNotAllowed, type ProblemContext, problemResponse } from "./_problem.ts";
import { jsonReply } from "./_reply.ts";
import type { ErasedCall, Route } from "./_route.ts";
import { check, queryInput, refuseIssues } from "./_validation.ts";
import type { Services } from "./services.ts";

type AppContext = Context<AppEnv>;

/** Mounts every route; throws a `TypeError` if one is not declared well. */
export function mountRoutes(
  app: Hono<AppEnv>,
  routes: readonly Route[],
  services: Services,
): void {
  checkRoutes(routes);
  for (const route of routes) {
    app.on(route.method, toHonoPath(route.path), async (c) => {
      c.set("route", route.path);
      try {
        return await serve(c, { route, routes, services });
      } catch (error) {
        return await refuse(c, error, route);
      }
    });
  }
  const patterns = routes.map(({ method, path }) => ({ method, pattern: toPattern(path) }));
  app.notFound((c) => {
    // The path as the router saw it: a normalised one could match what was not routed.
    const { path } = c.req;
    const methods = patterns.filter(({ pattern }) => pattern.test(path)).map((p) => p.method);
    return unrouted(c, new Set(methods));
  });
  app.onError((error, c) => refuse(c, error, null));
}

/** What every request of a route shares. */
interface Served {
  readonly route: Route;
  readonly routes: readonly Route[];
  readonly services: Services;
}

async function serve(c: AppContext, { route, routes, services }: Served): Promise<Response> {
  const { http, health } = services;
  if (health.stopping() && route.role !== "public") throw serverStopping();
  const bounds = {
    client: c.req.raw.signal,
    timeoutMs: route.timeoutMs === "operation"
      ? http.operationTimeoutMs
      : route.timeoutMs ?? http.requestTimeoutMs,
  };
  return await withDeadline(bounds, async (signal) => {
    const principal = route.role === "public" ? null : await authenticate(c, services);
    c.set("principal", principal);
    const ctx = principal === null ? null : toContext(c, principal, signal);
    if (ctx !== null && route.role !== "public") {
      requireRole(ctx, route.role, `api.${route.operation}`);
    }
    const call: ErasedCall = {
      ...await parse(c, route, http.bodyLimitBytes),
      ctx,
      requestId: c.get("requestId"),
      signal,
      request: c.req.raw,
      origin: c.req.header("origin") ?? ownOrigin(c, http.trustedProxies),
      services,
      routes,
    };
    const result = await route.handle(call);
    if (result instanceof Response) return result;
    return jsonReply(result, { status: route.answer.status });
  });
}

/** What is under way is finished, what comes now goes to another instance or waits. */
function serverStopping(): AppError {
  const message = "Cannot take new requests: the server is stopping";
  return new AppError("unavailable", "server_stopping", message, { retryable: true });
}

function toContext(c: AppContext, principal: Principal, signal: AbortSignal): CallContext {
  return { principal, requestId: c.get("requestId"), signal, agent: null };
}

async function parse(c: AppContext, route: Route, bodyBytes: number) {
  const params = check(route.params, c.req.param());
  const given = queryInput(new URL(c.req.url));
  // A ticket was spent on the way in; it is no business of the route.
  if (isWebSocket(c)) delete given[TICKET_PARAMETER];
  const query = check(route.query, given);
  // A body that is malformed or too large outranks wrong fields, so it is read before they are told.
  if (route.stream !== undefined) requireMediaType(c.req.raw, route.stream.mediaTypes);
  const sent = route.body === null
    ? undefined
    : await readJsonBody(c.req.raw, route.body.maxBytes ?? bodyBytes);
  const body = route.body === null
    ? { value: undefined, issues: [] }
    : check(route.body.schema, sent);
  refuseIssues([...params.issues, ...query.issues, ...body.issues]);
  return { params: params.value, query: query.value, body: body.value };
}

async function refuse(c: AppContext, error: unknown, route: Route | null): Promise<Response> {
  logProblem(c.get("log"), error);
  const anonymous = error instanceof AppError && error.kind === "unauthenticated";
  const page = route?.signInPage;
  if (anonymous && page !== undefined && c.req.header("accept")?.includes("text/html")) {
    return await page();
  }
  return problemResponse(error, problemContext(c));
}

function unrouted(c: AppContext, methods: ReadonlySet<string>): Response {
  if (methods.size === 0) {
    const error = new AppError("not_found", "route_not_found", "Cannot find this path");
    return problemResponse(error, problemContext(c));
  }
  // HEAD is answered wherever GET is, and OPTIONS everywhere; neither needs a declaration.
  const allow = [...methods, ...(methods.has("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  if (c.req.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  return methodNotAllowed(allow, problemContext(c));
}

function problemContext(c: AppContext): ProblemContext {
  return { requestId: c.get("requestId"), path: new URL(c.req.url).pathname };
}

function checkRoutes(routes: readonly Route[]): void {
  const seen = new Set<string>();
  for (const { method, path, operation, role, body, stream } of routes) {
    if (body !== null && stream !== undefined) {
      throw new TypeError(`Route "${method} ${path}" declares two bodies`);
    }
    if (role !== "public" && !ROLES.includes(role)) {
      throw new TypeError(`Route "${method} ${path}" declares no role`);
    }
    for (const key of [`${method} ${path}`, operation]) {
      if (seen.has(key)) throw new TypeError(`Route "${key}" is declared twice`);
      seen.add(key);
    }
  }
}

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

function toPattern(path: string): RegExp {
  const source = path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${source}$`);
}
