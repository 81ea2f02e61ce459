/** Rows of users and tokens, and what clients see of them. */
import { z } from "zod";
import { type Sql, sql } from "../state/mod.ts";
import { RoleName, type TokenInfo, type User } from "./schemas.ts";

/** A row of `users`. */
export const UserRow = z.object({
  id: z.string(),
  name: z.string(),
  role: RoleName,
  created_at: z.int(),
  disabled_at: z.int().nullable(),
});
export type UserRow = z.infer<typeof UserRow>;

/** Columns of {@linkcode UserRow}. */
export const USER_COLUMNS: Sql = sql`id, name, role, created_at, disabled_at`;

/** A row of `tokens` with its user's name. */
export const TokenRow = z.object({
  seq: z.int(),
  id: z.string(),
  user_name: z.string(),
  name: z.string().nullable(),
  prefix: z.string(),
  created_at: z.int(),
  created_by: z.string(),
  expires_at: z.int().nullable(),
  revoked_at: z.int().nullable(),
  last_used_at: z.int().nullable(),
});
export type TokenRow = z.infer<typeof TokenRow>;

/** All tokens as {@linkcode TokenRow}s; conditions may be added. */
export const TOKEN_ROWS: Sql = sql`SELECT t.seq, t.id, u.name AS user_name, t.name, t.prefix,
  t.created_at, t.created_by, t.expires_at, t.revoked_at, t.last_used_at
  FROM tokens t JOIN users u ON u.id = t.user_id`;

/** A user as clients see it. */
export function toUser(row: UserRow): User {
  return {
    ...row,
    created_at: isoTime(row.created_at),
    disabled_at: isoTimeOrNull(row.disabled_at),
  };
}

/** A token as clients see it. */
export function toTokenInfo(row: TokenRow): TokenInfo {
  const { id, name, prefix, created_by } = row;
  return {
    id,
    user: row.user_name,
    name,
    prefix,
    created_at: isoTime(row.created_at),
    created_by,
    expires_at: isoTimeOrNull(row.expires_at),
    revoked_at: isoTimeOrNull(row.revoked_at),
    last_used_at: isoTimeOrNull(row.last_used_at),
  };
}

/** Milliseconds since the epoch as ISO 8601. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function isoTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : isoTime(timeMs);
}
