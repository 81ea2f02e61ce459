/** Creates an API token: its secret leaves here once and is stored only as a hash. */
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { sql, type Transaction } from "../state/mod.ts";
import { parseInput } from "./_input.ts";
import { toTokenInfo } from "./_rows.ts";
import { newSecret } from "./_secrets.ts";
import { insertToken } from "./_tokens.ts";
import { loadUser } from "./_users.ts";
import { recordAudit } from "./audit.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import type { TokenInfo } from "./schemas.ts";
import { UserName } from "./user_name.ts";

/** Lifetime of a token that was created without one. */
export const DEFAULT_TOKEN_DAYS = 90;

/** Longest lifetime that can be named; `null` asks for a token without end. */
export const MAX_TOKEN_DAYS = 3650;

/** Longest name of a token. */
export const MAX_TOKEN_NAME_CHARS = 128;

/** Most tokens of one user that are neither revoked nor expired. */
export const MAX_LIVE_TOKENS_PER_USER = 100;

const DAY_MS = 24 * 60 * 60_000;

/** `POST /api/tokens`. */
export const CreateTokenInput = z.strictObject({
  user: UserName,
  name: z.string().trim().min(1).max(MAX_TOKEN_NAME_CHARS)
    .regex(/^\P{Cc}*$/u, "Expected no control characters").nullable().default(null)
    .describe("what the token is for"),
  expires_in_days: z.number().positive().max(MAX_TOKEN_DAYS).nullable().default(DEFAULT_TOKEN_DAYS)
    .describe("null for a token that does not expire"),
}).meta({ id: "CreateToken" });
export type CreateTokenInput = z.input<typeof CreateTokenInput>;

/** A new token and, this once, its secret. */
export interface CreatedToken {
  readonly token: TokenInfo;
  readonly secret: Secret;
}

const Count = z.object({ count: z.int() });

/** Creates a token; see `Access.createToken`. */
export async function createToken(
  deps: AccessDeps,
  ctx: CallContext,
  input: CreateTokenInput,
): Promise<CreatedToken> {
  requireRole(ctx, "Admin", "token.create");
  const { user: userName, name, expires_in_days: days } = parseInput(CreateTokenInput, input);
  const atMs = deps.clock.now();
  const secret = newSecret("token");
  return await deps.state.transaction(async (tx) => {
    const user = await loadUser(tx, userName);
    if (user.disabled_at !== null) {
      const message = `Cannot create a token: user "${user.name}" is disabled`;
      throw new AppError("conflict", "user_disabled", message);
    }
    await checkRoom(tx, { userId: user.id, nowMs: atMs });
    const row = await insertToken(tx, {
      userId: user.id,
      name,
      secret,
      createdBy: ctx.principal.name,
      atMs,
      expiresAtMs: days === null ? null : Math.ceil(atMs + days * DAY_MS),
    });
    const token = toTokenInfo(row);
    const target = `token:${row.id}`;
    await recordAudit(tx, {
      ctx,
      action: "token.create",
      target,
      before: null,
      after: token,
      atMs,
    });
    return { token, secret };
  }, { signal: ctx.signal });
}

async function checkRoom(
  tx: Transaction,
  options: { readonly userId: string; readonly nowMs: number },
): Promise<void> {
  const [live] = await tx.read(
    Count,
    sql`SELECT count(*) AS count FROM tokens WHERE user_id = ${options.userId}
      AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${options.nowMs})`,
  );
  if (live === undefined || live.count < MAX_LIVE_TOKENS_PER_USER) return;
  const message = `Cannot create a token: the user holds ${live.count}, ` +
    `and at most ${MAX_LIVE_TOKENS_PER_USER} are kept. Revoke one first`;
  throw new AppError("conflict", "too_many_tokens", message);
}
