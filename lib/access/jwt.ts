/** JWTs of an identity provider, checked against the keys it publishes (JWKS). */
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose";
import type { JWTVerifyGetKey } from "jose";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { boundedFetch, type FetchKeys } from "./_jwks_fetch.ts";
import { refused } from "./_refused.ts";
import { type Principal, type Role, ROLES } from "./principal.ts";

/** Only signatures that need the provider's private key; `none` and shared secrets are refused. */
export const JWT_ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;

/** How far the provider's clock may be off. */
export const JWT_CLOCK_TOLERANCE_SECONDS = 30;

/** Deadline of fetching keys. */
export const JWKS_TIMEOUT_MS = 5_000;

/** How long fetched keys are used; an unknown key id fetches anew after the cooldown. */
export const JWKS_MAX_AGE_MS = 10 * 60_000;

/** Least time between two fetches for unknown key ids, which anybody can make up. */
export const JWKS_COOLDOWN_MS = 30_000;

/** Longest name or subject that is taken from a token. */
const MAX_CLAIM_CHARS = 256;

/** Whom to trust. */
export interface JwtOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  /** Claim that holds the role: its name, or a dotted path such as `realm_access.roles`. */
  readonly roleClaim: string;
  /** Values of the claim and the roles they stand for; without it they are our roles' names. */
  readonly roleMapping?: Readonly<Record<string, Role>>;
  readonly clock: Clock;
  /** Tests replace it. */
  readonly fetch?: FetchKeys;
}

/** Checks JWTs. */
export interface JwtVerifier {
  /**
   * The principal of a JWT: `unauthenticated` where it is not valid, `forbidden` where it is but
   * names no role, `unavailable` where the keys cannot be had.
   */
  verify(token: string): Promise<Principal>;
}

/** Builds the verifier; keys are fetched when the first token comes. */
export function createJwtVerifier(options: JwtOptions): JwtVerifier {
  const { issuer, audience, clock, fetch: fetchKeys = fetch } = options;
  const keys = createRemoteJWKSet(new URL(options.jwksUrl), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    [customFetch]: boundedFetch(fetchKeys, clock),
  });
  return {
    async verify(token) {
      const { payload } = await jwtVerify(token, keysOrUnavailable(keys), {
        issuer,
        audience,
        algorithms: [...JWT_ALGORITHMS],
        clockTolerance: JWT_CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
        requiredClaims: ["exp", "sub"],
      }).catch((error) => {
        throw toRefusal(error);
      });
      return toPrincipal(payload, options);
    },
  };
}

/** The form of a JWT: three base64url parts, the first of them a JSON object. */
export function looksLikeJwt(credential: string): boolean {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(credential);
}

/** A key that is not there is the token's fault; keys that cannot be fetched are not. */
function keysOrUnavailable(keys: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      const tokenAtFault = error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys;
      if (tokenAtFault || error instanceof AppError) throw error;
      const message = "Cannot check the token: the keys of its issuer cannot be fetched";
      throw new AppError("unavailable", "jwks_unavailable", message, {
        cause: error,
        retryable: true,
        retryAfterSeconds: 5,
      });
    }
  };
}

function toRefusal(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return refused("token_expired", { cause: error.code });
  if (error instanceof errors.JWTClaimValidationFailed) {
    const detail = `the token's claim "${error.claim}" is not as required`;
    return refused("invalid_token", { detail, cause: error.code });
  }
  if (error instanceof errors.JOSEError) {
    // Of the library's error only the code goes on: its payload could reach a log.
    const detail = "the token's signature or form is not valid";
    return refused("invalid_token", { detail, cause: error.code });
  }
  return error;
}

function toPrincipal(payload: JWTPayload, options: JwtOptions): Principal {
  const { sub = "", exp = 0 } = payload;
  if (sub === "" || sub.length > MAX_CLAIM_CHARS) {
    throw refused("invalid_token", { detail: 'the token\'s claim "sub" is not as required' });
  }
  const role = highestRole(claimAt(payload, options.roleClaim), options.roleMapping);
  if (role === null) {
    const message = `Cannot do anything: the token's claim "${options.roleClaim}" names no role`;
    throw new AppError("forbidden", "role_missing", message);
  }
  const name = [payload["preferred_username"], payload["email"], payload["name"], sub]
    .find((text) => typeof text === "string" && text !== "" && text.length <= MAX_CLAIM_CHARS);
  return {
    id: `${options.issuer}|${sub}`,
    name: String(name),
    role,
    // A NumericDate may have fractions (RFC 7519, 2); stored times are whole milliseconds.
    credential: { kind: "jwt", issuer: options.issuer, expiresAtMs: Math.floor(exp * 1000) },
  };
}

/** A claim by its own name first: names such as `https://example.com/role` hold dots themselves. */
function claimAt(payload: JWTPayload, claim: string): unknown {
  if (Object.hasOwn(payload, claim)) return payload[claim];
  let found: unknown = payload;
  for (const part of claim.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return null;
    found = Reflect.get(found, part);
  }
  return found;
}

function highestRole(
  claim: unknown,
  mapping: Readonly<Record<string, Role>> | undefined,
): Role | null {
  const values = Array.isArray(claim) ? claim : [claim];
  const held = values.map((value) => {
    if (typeof value !== "string") return undefined;
    if (mapping === undefined) return ROLES.find((role) => role === value);
    return Object.hasOwn(mapping, value) ? mapping[value] : undefined;
  });
  return [...ROLES].reverse().find((role) => held.includes(role)) ?? null;
}
