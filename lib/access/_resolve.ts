/**
 * From what is stored to the principal behind it, as of now: every request reads the rows anew, so
 * a revoked token, a disabled user or a new role takes effect at once.
 */
import { z } from "zod";
import { type Sql, sql, type SqlReader } from "../state/mod.ts";
import { refused } from "./_refused.ts";
import type { Credential, Principal } from "./principal.ts";
import { RoleName } from "./schemas.ts";

/** A token with its user, as authentication needs them. */
const TokenGrant = z.object({
  token_id: z.string(),
  token_expires_at: z.int().nullable(),
  token_revoked_at: z.int().nullable(),
  token_last_used_at: z.int().nullable(),
  user_id: z.string(),
  user_name: z.string(),
  user_role: RoleName,
  user_disabled_at: z.int().nullable(),
});

/** A row of {@linkcode TokenGrant}. */
export type TokenGrant = z.infer<typeof TokenGrant>;

/** What is kept of a JWT's principal for the sessions and tickets it started. */
export const JwtPrincipal = z.object({
  id: z.string(),
  name: z.string(),
  role: RoleName,
  issuer: z.string(),
  expiresAtMs: z.number(),
});
export type JwtPrincipal = z.infer<typeof JwtPrincipal>;

const SessionRow = z.object({
  id: z.string(),
  token_id: z.string().nullable(),
  jwt_principal: z.string().nullable(),
  origin: z.string(),
  expires_at: z.int(),
});

/** How a session is found. */
export type SessionKey = { readonly id: string } | { readonly secretHash: string };

/** The token that `condition` (on `t`) finds, with its user; null where there is none. */
export async function findToken(reader: SqlReader, condition: Sql): Promise<TokenGrant | null> {
  const [row] = await reader.read(
    TokenGrant,
    sql`SELECT t.id AS token_id, t.expires_at AS token_expires_at,
      t.revoked_at AS token_revoked_at, t.last_used_at AS token_last_used_at,
      u.id AS user_id, u.name AS user_name, u.role AS user_role, u.disabled_at AS user_disabled_at
      FROM tokens t JOIN users u ON u.id = t.user_id WHERE ${condition}`,
  );
  return row ?? null;
}

/** The principal of a token that may be used now; otherwise why not. */
export function principalOfToken(grant: TokenGrant, nowMs: number): Principal {
  if (grant.token_revoked_at !== null) throw refused("token_revoked");
  if (grant.token_expires_at !== null && grant.token_expires_at <= nowMs) {
    throw refused("token_expired");
  }
  if (grant.user_disabled_at !== null) throw refused("user_disabled");
  return {
    id: grant.user_id,
    name: grant.user_name,
    role: grant.user_role,
    credential: { kind: "token", tokenId: grant.token_id },
  };
}

/** The principal of a session; with `origin`, only of one that was started from there. */
export async function principalOfSession(
  reader: SqlReader,
  key: SessionKey,
  check: SessionCheck,
): Promise<Principal> {
  const condition = "id" in key ? sql`id = ${key.id}` : sql`secret_hash = ${key.secretHash}`;
  const [row] = await reader.read(
    SessionRow,
    sql`SELECT id, token_id, jwt_principal, origin, expires_at FROM sessions WHERE ${condition}`,
  );
  if (row === undefined || row.expires_at <= check.nowMs) throw refused("invalid_session");
  if (check.origin !== null && row.origin !== check.origin) throw refused("wrong_origin");
  const starter = row.token_id !== null
    ? await principalOfTokenId(reader, row.token_id, check)
    : principalOfJwt(JwtPrincipal.parse(JSON.parse(row.jwt_principal ?? "null")), check.nowMs);
  return { ...starter, credential: { kind: "session", sessionId: row.id } };
}

/** What must hold of a session. */
export interface SessionCheck {
  readonly nowMs: number;
  /** Null where the session was authenticated before. */
  readonly origin: string | null;
}

/** The principal of a JWT that was checked before, while that JWT lasts. */
export function principalOfJwt(jwt: JwtPrincipal, nowMs: number): Principal {
  if (jwt.expiresAtMs <= nowMs) throw refused("token_expired");
  const { id, name, role, issuer, expiresAtMs } = jwt;
  return { id, name, role, credential: { kind: "jwt", issuer, expiresAtMs } };
}

/** A principal as its credential has it now. */
export async function refreshPrincipal(
  reader: SqlReader,
  principal: Principal,
  check: SessionCheck,
): Promise<Principal> {
  const { credential } = principal;
  switch (credential.kind) {
    case "token":
      return await principalOfTokenId(reader, credential.tokenId, check);
    case "session":
      return await principalOfSession(reader, { id: credential.sessionId }, check);
    case "jwt":
      return principalOfJwt({ ...principal, ...credential }, check.nowMs);
    case "ticket": {
      const granted: Principal = { ...principal, credential: credential.grantedBy };
      return asTicket(await refreshPrincipal(reader, granted, check));
    }
    case "development":
    case "local":
      return principal;
  }
}

/** The same principal, come by a ticket. */
export function asTicket(principal: Principal): Principal {
  const credential: Credential = { kind: "ticket", grantedBy: principal.credential };
  return { ...principal, credential };
}

async function principalOfTokenId(
  reader: SqlReader,
  tokenId: string,
  { nowMs }: SessionCheck,
): Promise<Principal> {
  const grant = await findToken(reader, sql`t.id = ${tokenId}`);
  if (grant === null) throw refused("invalid_token");
  return principalOfToken(grant, nowMs);
}
