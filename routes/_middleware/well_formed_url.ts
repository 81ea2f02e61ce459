/** Refuses requests whose target and `Host` make no URL, before anything tries to read one. */
import type { MiddlewareHandler } from "hono";
import { AppError } from "../../lib/errors.ts";
import type { AppEnv } from "../_env.ts";
import { problemResponse } from "../_problem.ts";

/** What would move from `Host` into another part of the URL, and past a proxy's rules for paths. */
const NOT_OF_A_HOST = /[/?#@\\]/;

/** 400 for a URL that cannot be parsed: the runtime joins it from what the client wrote. */
export function wellFormedUrl(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const host = c.req.header("host") ?? "";
    if (URL.canParse(c.req.url) && !NOT_OF_A_HOST.test(host)) return await next();
    const message = "Cannot read the request: its target and Host header make no URL";
    const error = new AppError("malformed", "malformed_url", message);
    return problemResponse(error, { requestId: c.get("requestId"), path: c.req.path });
  };
}
