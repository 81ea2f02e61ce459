/** The cookie of a browser session: out of reach of scripts and of other sites. */
import { parse, serialize } from "hono/utils/cookie";

/** Name of the session cookie. */
export const SESSION_COOKIE = "drls_session";

/** What a new cookie holds. */
export interface SessionCookie {
  readonly secret: string;
  readonly maxAgeSeconds: number;
  /** Origin of the page; over `https:` the cookie never travels in clear text. */
  readonly origin: string;
}

/** The session secret in a `Cookie` header, or null. */
export function readSessionCookie(header: string | undefined): string | null {
  return header === undefined ? null : parse(header, SESSION_COOKIE)[SESSION_COOKIE] ?? null;
}

/** A `Set-Cookie` value that signs the browser in. */
export function sessionCookie({ secret, maxAgeSeconds, origin }: SessionCookie): string {
  return serialize(SESSION_COOKIE, secret, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    maxAge: maxAgeSeconds,
    secure: origin.startsWith("https:"),
  });
}

/** A `Set-Cookie` value that signs the browser out. */
export function expiredSessionCookie(): string {
  return serialize(SESSION_COOKIE, "", {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    maxAge: 0,
  });
}
