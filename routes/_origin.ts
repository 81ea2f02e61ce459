/** Where a request comes from: the client's address, and the origin that a browser sees. */
import type { Context } from "hono";
import { z } from "zod";
import type { AppEnv } from "./_env.ts";

/** What `Deno.serve` tells about a connection; tests without a socket have none. */
const connection = z.object({ remoteAddr: z.object({ hostname: z.string() }) });

/** Longest address: IPv6 with an embedded IPv4 address and a zone. */
const MAX_ADDRESS_CHARS = 64;

/** Stands for a client whose address is not known. */
const UNKNOWN_ADDRESS = "unknown";

/**
 * The client's address. Behind `trustedProxies` proxies it is the entry of `X-Forwarded-For` that
 * the outermost of them appended; what the client itself wrote there stands further left.
 */
export function clientAddress(c: Context<AppEnv>, trustedProxies: number): string {
  const info = connection.safeParse(c.env);
  const peer = info.success ? info.data.remoteAddr.hostname : UNKNOWN_ADDRESS;
  if (trustedProxies === 0) return peer;
  const hops = (c.req.header("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
  const hop = hops.at(-trustedProxies) ?? "";
  // Fewer proxies than set would let clients choose what is remembered here.
  return hop === "" || hop.length > MAX_ADDRESS_CHARS ? peer : hop;
}

/**
 * The request's own origin, as the browser's address bar shows it. Behind a trusted proxy that ends
 * TLS, its `X-Forwarded-Proto` and `X-Forwarded-Host` count.
 */
export function ownOrigin(c: Context<AppEnv>, trustedProxies: number): string {
  const { origin, protocol, host } = new URL(c.req.url);
  if (trustedProxies === 0) return origin;
  const scheme = c.req.header("x-forwarded-proto")?.split(",").at(-1)?.trim();
  const name = c.req.header("x-forwarded-host")?.split(",").at(-1)?.trim();
  const candidate = `${scheme ?? protocol.slice(0, -1)}://${name ?? host}`;
  return URL.canParse(candidate) ? new URL(candidate).origin : origin;
}
