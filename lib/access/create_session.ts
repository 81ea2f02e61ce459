/** Starts a browser session for a bearer principal. */
import { sql, type Transaction } from "../state/mod.ts";
import { grantedBy } from "./_granted_by.ts";
import { parseInput } from "./_input.ts";
import { isoTime } from "./_rows.ts";
import { hashSecret, newId, newSecret } from "./_secrets.ts";
import type { Granted } from "./grants.ts";
import { recordAudit } from "./audit.ts";
import { requireRole } from "./authorize.ts";
import type { CallContext } from "./context.ts";
import type { AccessDeps } from "./deps.ts";
import { OriginInput } from "./origin.ts";
import { AppError } from "../errors.ts";

/** Lifetime of a session; it ends sooner with the token or JWT that started it. */
export const SESSION_LIFETIME_MS = 12 * 60 * 60_000;

/** Most sessions of one principal; a further one ends the oldest. */
export const MAX_SESSIONS_PER_PRINCIPAL = 20;

/** Most ended sessions that are swept out on the way. */
const SWEEP_ROWS = 100;

/** Starts a session; see `Access.createSession`. */
export async function createSession(
  deps: AccessDeps,
  ctx: CallContext,
  input: OriginInput,
): Promise<Granted> {
  requireRole(ctx, "Auditor", "session.create");
  const { origin } = parseInput(OriginInput, input);
  const { principal } = ctx;
  const by = grantedBy(principal);
  if (by.sessionId !== null) {
    // Otherwise a stolen cookie could renew itself for ever.
    const message = "Cannot start a session: a session cannot start another one";
    throw new AppError("forbidden", "bearer_required", message);
  }
  const id = newId("ses");
  const secret = newSecret("session");
  const atMs = deps.clock.now();
  const expiresAtMs = Math.min(atMs + SESSION_LIFETIME_MS, by.endsAtMs ?? Infinity);
  await deps.state.transaction(async (tx) => {
    await sweep(tx, { nowMs: atMs, principalId: principal.id });
    await tx.run(sql`INSERT INTO sessions
      (id, secret_hash, token_id, jwt_principal, principal_id, origin, created_at, expires_at)
      VALUES (${id}, ${hashSecret(secret.reveal())}, ${by.tokenId}, ${by.jwtPrincipal},
        ${principal.id}, ${origin}, ${atMs}, ${expiresAtMs})`);
    const after = { origin, expires_at: isoTime(expiresAtMs) };
    const action = "session.create";
    await recordAudit(tx, { ctx, action, target: `session:${id}`, before: null, after, atMs });
  }, { signal: ctx.signal });
  return { secret, expiresAtMs };
}

async function sweep(
  tx: Transaction,
  options: { readonly nowMs: number; readonly principalId: string },
): Promise<void> {
  await tx.run(sql`DELETE FROM sessions WHERE id IN
    (SELECT id FROM sessions WHERE expires_at <= ${options.nowMs} LIMIT ${SWEEP_ROWS})`);
  await tx.run(sql`DELETE FROM sessions WHERE id IN
    (SELECT id FROM sessions WHERE principal_id = ${options.principalId}
     ORDER BY created_at DESC, id LIMIT -1 OFFSET ${MAX_SESSIONS_PER_PRINCIPAL - 1})`);
}
