/** Revokes an API token, and with it the sessions it started. */
import { z } from "zod";
import { sql } from "../state/mod.ts";
import { parseInput } from "./_input.ts";
import { toTokenInfo } from "./_rows.ts";
import { loadToken } from "./_tokens.ts";
import { recordAudit } from "./audit.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import type { TokenInfo } from "./schemas.ts";

/** Which token. */
export const RevokeTokenInput = z.strictObject({ id: z.string().min(1).max(64) });
export type RevokeTokenInput = z.input<typeof RevokeTokenInput>;

/** Revokes a token; see `Access.revokeToken`. */
export async function revokeToken(
  deps: AccessDeps,
  ctx: CallContext,
  input: RevokeTokenInput,
): Promise<TokenInfo> {
  requireRole(ctx, "Admin", "token.revoke");
  const { id } = parseInput(RevokeTokenInput, input);
  const atMs = deps.clock.now();
  return await deps.state.transaction(async (tx) => {
    const row = await loadToken(tx, id);
    const before = toTokenInfo(row);
    if (row.revoked_at !== null) return before;
    await tx.run(sql`UPDATE tokens SET revoked_at = ${atMs} WHERE id = ${id}`);
    await tx.run(sql`DELETE FROM tickets WHERE token_id = ${id}`);
    await tx.run(sql`DELETE FROM sessions WHERE token_id = ${id}`);
    const after = toTokenInfo({ ...row, revoked_at: atMs });
    await recordAudit(tx, {
      ctx,
      action: "token.revoke",
      target: `token:${id}`,
      before,
      after,
      atMs,
    });
    return after;
  }, { signal: ctx.signal });
}
