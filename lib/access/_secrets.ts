/** Making, recognising and hashing the secrets that callers present. */
import { createHash, randomBytes } from "node:crypto";
import { Secret } from "../secret.ts";

/** What each kind of secret begins with, so that scanners find leaked ones. */
export const SECRET_PREFIXES = { token: "drls_", session: "drss_", ticket: "drst_" } as const;

/** 256 bits: beyond guessing, which is why a fast hash without salt is enough to store. */
const SECRET_BYTES = 32;

/** How much of a token is shown in lists; what stays hidden still holds more than 200 bits. */
const SHOWN_CHARS = 12;

const ID_BYTES = 10;

/** A new random secret of a kind. */
export function newSecret(kind: keyof typeof SECRET_PREFIXES): Secret {
  return new Secret(SECRET_PREFIXES[kind] + randomBytes(SECRET_BYTES).toString("base64url"));
}

/**
 * SHA-256 in hex: what is stored, and what lookups compare. A caller cannot steer the digest of a
 * guess byte by byte, so the time an index takes to compare digests tells nothing about a secret.
 */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** How a token begins, for lists; empty for one that was not made here: it may be short. */
export function shownPrefix(secret: string): string {
  const ours = secret.startsWith(SECRET_PREFIXES.token) &&
    secret.length >= SECRET_PREFIXES.token.length + Math.floor(SECRET_BYTES * 4 / 3);
  return ours ? secret.slice(0, SHOWN_CHARS) : "";
}

/** A new id such as `usr_9f...`. */
export function newId(kind: "usr" | "tok" | "ses"): string {
  return `${kind}_${randomBytes(ID_BYTES).toString("hex")}`;
}
