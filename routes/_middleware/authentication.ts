/**
 * Who calls. A bearer credential wins over a cookie, a cookie over a ticket, and the first that is
 * present decides: a wrong one is refused, never passed over for the next.
 */
import type { Context } from "hono";
import { DEVELOPMENT_PRINCIPAL, type Principal } from "../../lib/access/mod.ts";
import { AppError } from "../../lib/errors.ts";
import { isLoopback } from "../../lib/settings.ts";
import type { AppEnv } from "../_env.ts";
import { clientAddress, ownOrigin } from "../_origin.ts";
import { readSessionCookie } from "../_session_cookie.ts";
import type { Services } from "../services.ts";

/** Methods that change nothing, so that another site gains nothing by causing one. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Query parameter of a WebSocket ticket; browsers cannot set headers on a WebSocket. */
export const TICKET_PARAMETER = "ticket";

type AuthServices = Pick<Services, "access" | "http">;

/** The principal behind a request; rejects with what the problem says. */
export async function authenticate(
  c: Context<AppEnv>,
  { access, http }: AuthServices,
): Promise<Principal> {
  if (http.auth === "off") return developmentPrincipal(c, http.corsOrigins);
  const own = ownOrigin(c, http.trustedProxies);
  if (isWebSocket(c)) requireKnownOrigin(c, [own, ...http.corsOrigins]);
  const caller = { clientAddress: clientAddress(c, http.trustedProxies) };
  const authorization = c.req.header("authorization");
  if (authorization !== undefined) {
    const credential = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (credential === undefined) throw unauthenticated('expected the scheme "Bearer"');
    return await access.authenticateBearer({ ...caller, credential });
  }
  const cookie = readSessionCookie(c.req.header("cookie"), c.req.header("origin") ?? own);
  if (cookie !== null) {
    const origin = sessionOrigin(c, own);
    return await access.authenticateSession({ ...caller, secret: cookie, origin });
  }
  const ticket = isWebSocket(c) ? c.req.query(TICKET_PARAMETER) : undefined;
  if (ticket !== undefined) {
    const origin = c.req.header("origin") ?? own;
    return await access.redeemTicket({ ...caller, secret: ticket, origin });
  }
  throw unauthenticated("expected a bearer token or a session");
}

/**
 * Whether the request asks to become a WebSocket. Only a GET can (RFC 6455, 4.1), so a ticket, which
 * travels in an address, changes nothing.
 */
export function isWebSocket(c: Context<AppEnv>): boolean {
  return c.req.method === "GET" && c.req.header("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Browsers let any page open a WebSocket anywhere and read what comes (RFC 6455, 10.2), so the page's
 * origin must be one that may read answers. Whatever the credential: a proxy may have added it.
 * Programs send no origin and are not held to one.
 */
function requireKnownOrigin(c: Context<AppEnv>, known: readonly string[]): void {
  const origin = c.req.header("origin");
  if (origin === undefined || known.includes(origin)) return;
  throw new AppError(
    "forbidden",
    "foreign_origin",
    "Cannot open a WebSocket for a page of another site. Add its origin to DRLS_CORS_ORIGINS",
  );
}

/** A cookie travels by itself, so whatever changes something must say which page caused it. */
function sessionOrigin(c: Context<AppEnv>, own: string): string {
  const origin = c.req.header("origin");
  if (origin !== undefined) return origin;
  if (SAFE_METHODS.has(c.req.method) && !isWebSocket(c)) return own;
  throw new AppError(
    "forbidden",
    "origin_required",
    `Cannot accept a session cookie with ${c.req.method} without an "Origin" header`,
  );
}

/**
 * Without authentication everybody who reaches the port is an Admin, so pages of other sites must
 * not reach it: neither by a request of theirs nor by a name that they point at this machine.
 */
function developmentPrincipal(c: Context<AppEnv>, corsOrigins: readonly string[]): Principal {
  const { hostname, origin: own } = new URL(c.req.url);
  const origin = c.req.header("origin") ?? own;
  const local = isLoopback(hostname) && (origin === own || corsOrigins.includes(origin));
  if (local && c.req.header("sec-fetch-site") !== "cross-site") return DEVELOPMENT_PRINCIPAL;
  throw new AppError(
    "forbidden",
    "foreign_origin",
    "Cannot accept a request of another site while authentication is off",
  );
}

function unauthenticated(reason: string): AppError {
  return new AppError(
    "unauthenticated",
    "credentials_required",
    `Cannot tell who calls: ${reason}`,
  );
}
