/** One log line and one metrics sample for each request. */
import type { MiddlewareHandler } from "hono";
import type { Metrics } from "../../lib/metrics.ts";
import { UNMATCHED_ROUTE } from "../../lib/metrics.ts";
import type { AppEnv } from "../_env.ts";

/** Longest method that is written; it comes from the client. */
const MAX_METHOD_CHARS = 20;

/**
 * Records method, route pattern, status, duration, principal and bytes. Never the path or query as
 * sent: they name tables and may hold a ticket.
 */
export function accessLog(metrics: Metrics): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAt = performance.now();
    metrics.requestStarted();
    try {
      await next();
    } finally {
      const durationMs = performance.now() - startedAt;
      const route = c.get("route") ?? UNMATCHED_ROUTE;
      const method = c.req.method.slice(0, MAX_METHOD_CHARS);
      const { status } = c.res;
      metrics.requestFinished({ method, route, status, seconds: durationMs / 1000 });
      const length = c.res.headers.get("content-length");
      c.get("log").info("Request", {
        method,
        route,
        status,
        duration_ms: Math.round(durationMs * 100) / 100,
        principal: c.get("principal")?.id ?? null,
        bytes: length === null ? null : Number(length),
      });
    }
  };
}
