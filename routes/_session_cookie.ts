/** The cookie of a browser session: out of reach of scripts and of other sites. */
import { parse, serialize } from "hono/utils/cookie";

/** Name of the session cookie over plain HTTP, as on loopback. */
export const SESSION_COOKIE = "drls_session";

/**
 * Its name over HTTPS. Browsers take a name that begins so from this very host alone (RFC 6265bis,
 * 4.1.3.2): a neighbour under the same domain could otherwise sign its visitor in as itself.
 */
export const SECURE_SESSION_COOKIE = `__Host-${SESSION_COOKIE}`;

/** What a new cookie holds. */
export interface SessionCookie {
  readonly secret: string;
  readonly maxAgeSeconds: number;
  /** Origin of the page; over `https:` the cookie never travels in clear text. */
  readonly origin: string;
}

/** The session secret in a `Cookie` header from a page of `origin`, or null. */
export function readSessionCookie(header: string | undefined, origin: string): string | null {
  if (header === undefined) return null;
  const name = cookieName(origin);
  return parse(header, name)[name] ?? null;
}

/** A `Set-Cookie` value that signs the browser in. */
export function sessionCookie({ secret, maxAgeSeconds, origin }: SessionCookie): string {
  return serialize(cookieName(origin), secret, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    maxAge: maxAgeSeconds,
    secure: isSecure(origin),
  });
}

/** A `Set-Cookie` value that signs the browser out. */
export function expiredSessionCookie(origin: string): string {
  return sessionCookie({ secret: "", maxAgeSeconds: 0, origin });
}

function cookieName(origin: string): string {
  return isSecure(origin) ? SECURE_SESSION_COOKIE : SESSION_COOKIE;
}

function isSecure(origin: string): boolean {
  return origin.startsWith("https:");
}
