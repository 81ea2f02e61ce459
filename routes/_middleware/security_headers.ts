/** Headers that keep browsers from doing with an answer what it is not meant for. */
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../_env.ts";

/** For answers that are no pages. Pages set a policy of their own. */
export const DEFAULT_POLICY = "default-src 'none'; frame-ancestors 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  // Answers depend on who asks and on the moment.
  "Cache-Control": "no-store",
  "Content-Security-Policy": DEFAULT_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  // Ignored over plain HTTP; behind a TLS proxy it keeps the token off the wire.
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Sets each header that the answer does not set itself. */
export function securityHeaders(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    const { headers } = c.res;
    for (const [name, value] of Object.entries(HEADERS)) {
      if (!headers.has(name)) headers.set(name, value);
    }
  };
}
