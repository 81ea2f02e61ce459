/** Gives every request an id, and keeps the client's own if it is fit for logs and headers. */
import type { MiddlewareHandler } from "hono";
import type { Log } from "../../lib/log.ts";
import type { AppEnv } from "../_env.ts";

/** Header of the id, both ways. */
export const REQUEST_ID_HEADER = "X-Request-Id";

/** Longest id that is taken over from a client. */
export const MAX_REQUEST_ID_CHARS = 128;

/** Sets the id, and a log that carries it. */
export function requestId(log: Log): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const given = c.req.header(REQUEST_ID_HEADER);
    const id = given !== undefined && isFit(given) ? given : crypto.randomUUID();
    c.set("requestId", id);
    c.set("log", log.child({ request_id: id }));
    c.set("principal", null);
    await next();
    c.res.headers.set(REQUEST_ID_HEADER, id);
  };
}

function isFit(id: string): boolean {
  return id.length <= MAX_REQUEST_ID_CHARS && /^[\w.:=+/-]+$/.test(id);
}
