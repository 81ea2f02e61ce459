/** Which catalog properties are secrets, how they are masked, and what a mask sent back means. */
import { Secret } from "../secret.ts";
import type { Properties } from "./_rest_properties.ts";

/**
 * Whole words of a property's name that make its value a secret. An access key id is the public
 * half of its pair, but a client that may not see the secret need not see the id either.
 */
const SECRET_WORDS = new Set([
  "token",
  "credential",
  "credentials",
  "secret",
  "password",
  "passwd",
  "pwd",
  "passphrase",
  "key",
  "apikey",
  "auth",
  "authorization",
  "cookie",
  "signature",
  "sas",
  "jwt",
  "bearer",
  "private",
]);

/** Names with a secret's word in them that hold none. */
const PUBLIC_NAMES = new Set([
  "oauth2-server-uri",
  "rest.auth.type",
  "rest.auth.oauth2.server-uri",
  "s3.session-token-expires-at-ms",
  "token-refresh-enabled",
  "token-exchange-enabled",
]);

/** Whether a property's value must not be shown. Unknown headers count as secret. */
export function isSecretProperty(name: string): boolean {
  const lower = name.toLowerCase();
  if (PUBLIC_NAMES.has(lower)) return false;
  if (lower.startsWith("header.") && !/^header\.(x-iceberg-|user-agent$|accept)/.test(lower)) {
    return true;
  }
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase().split(/[^a-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word) || /(secret|password|token)$/.test(word)) ||
    lower.includes("connection-string");
}

/** The properties as they may be shown. */
export function maskProperties(properties: Properties): Properties {
  return mapValues(properties, (name, value) => isSecretProperty(name) ? Secret.mask : value);
}

/**
 * Puts stored secrets back where a client sent the mask for them. A mask with nothing stored
 * behind it is returned by name: there is no secret to keep.
 */
export function unmaskProperties(
  properties: Properties,
  stored: Properties,
): { readonly properties: Properties; readonly unknown: readonly string[] } {
  const isMask = (name: string, value: string) => value === Secret.mask && isSecretProperty(name);
  const unknown = Object.entries(properties)
    .filter(([name, value]) => isMask(name, value) && !Object.hasOwn(stored, name))
    .map(([name]) => name);
  const unmasked = mapValues(
    properties,
    (name, value) => isMask(name, value) ? stored[name] ?? value : value,
  );
  return { properties: unmasked, unknown };
}

function mapValues(
  properties: Properties,
  change: (name: string, value: string) => string,
): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, change(name, value)]),
  );
}
