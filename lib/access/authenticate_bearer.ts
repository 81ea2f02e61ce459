/** The principal behind an `Authorization: Bearer` credential: an API token or a JWT. */
import { AppError } from "../errors.ts";
import { sql } from "../state/mod.ts";
import { refused } from "./_refused.ts";
import { findToken, principalOfToken, type TokenGrant } from "./_resolve.ts";
import { hashSecret } from "./_secrets.ts";
import type { AccessDeps } from "./deps.ts";
import { looksLikeJwt } from "./jwt.ts";
import type { Principal } from "./principal.ts";

/** Longest credential that is looked at. */
export const MAX_CREDENTIAL_CHARS = 8_192;

/** `last_used_at` is written at most this often per token: reads must not become writes. */
export const LAST_USED_GRANULARITY_MS = 60 * 60_000;

/** How long noting the use may wait for the write lock before it is left out. */
const LAST_USED_WAIT_MS = 250;

/** Authenticates; see `Access.authenticateBearer`. */
export async function authenticateBearer(
  deps: AccessDeps,
  credential: string,
): Promise<Principal> {
  if (credential.length > MAX_CREDENTIAL_CHARS || !/^[\x21-\x7e]+$/.test(credential)) {
    throw refused("malformed_credentials");
  }
  // Stored tokens first: one that an operator chose for the first start may look like a JWT.
  const grant = await findToken(deps.state, sql`t.secret_hash = ${hashSecret(credential)}`);
  if (grant !== null) {
    const principal = principalOfToken(grant, deps.clock.now());
    await noteUse(deps, grant);
    return principal;
  }
  if (deps.jwt !== null && looksLikeJwt(credential)) return await deps.jwt.verify(credential);
  throw refused("invalid_token");
}

async function noteUse(deps: AccessDeps, grant: TokenGrant): Promise<void> {
  const nowMs = deps.clock.now();
  const dueMs = nowMs - LAST_USED_GRANULARITY_MS;
  if (grant.token_last_used_at !== null && grant.token_last_used_at > dueMs) return;
  try {
    await deps.state.transaction(
      (tx) =>
        tx.run(sql`UPDATE tokens SET last_used_at = ${nowMs} WHERE id = ${grant.token_id}
          AND (last_used_at IS NULL OR last_used_at <= ${dueMs})`),
      { waitMs: LAST_USED_WAIT_MS },
    );
  } catch (error) {
    // A statistic: a caller with a valid token is not turned away for it.
    if (!(error instanceof AppError)) throw error;
    deps.log.warn("Use of a token was not noted", { tokenId: grant.token_id, error });
  }
}
